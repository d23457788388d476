"""The registration gate (handbook §1.13): who may say what before the station is accepted.

The rule that shapes this file is one table, `INCOMING`. `reported_state` (what the last
BootNotification was answered with) decides; only when it is empty, `operator_state` does. A
BootNotification is always answered, and its answer moves the gate.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from stationmaster.instants import Instant

__all__ = [
    "ACCEPTED",
    "PENDING",
    "PERMIT_US",
    "REJECTED",
    "TRIGGERED",
    "Gate",
    "Permit",
    "Verdict",
    "permit_in",
    "permit_of",
]

ACCEPTED: Final = "Accepted"
PENDING: Final = "Pending"
REJECTED: Final = "Rejected"

PERMIT_US: Final = 120_000_000
"""How long a station may send what it was triggered to send, from its answer on."""
JOB_MEMORY_US: Final = 24 * 3_600_000_000


class Verdict(Enum):
    """What the gate says of a CALL from the station."""

    ALLOW = "allow"
    REFUSE = "refuse"
    """Answer CALLERROR SecurityError."""


TRIGGERED: Final[dict[str, dict[str, str]]] = {
    "TriggerMessage": {},
    "ExtendedTriggerMessage": {
        "FirmwareStatusNotification": "SignedFirmwareStatusNotification",
        "LogStatusNotification": "LogStatusNotification",
        "SignChargePointCertificate": "SignCertificate",
    },
}
"""The message that each trigger asks for, where it has another name than the trigger."""

Permit = tuple[str, int | None]
"""The action that may come, and from which connector; None: from every one."""

TRANSACTION_MESSAGES: Final = frozenset({"StartTransaction", "StopTransaction", "MeterValues"})
REMOTE_TRANSACTION_COMMANDS: Final = frozenset({"RemoteStartTransaction", "RemoteStopTransaction"})


def permit_of(trigger: str, requested_message: str, connector_id: int | None) -> Permit:
    """What a trigger asks for."""
    return TRIGGERED[trigger].get(requested_message, requested_message), connector_id


def permit_in(trigger: str, asked: Mapping[str, Any]) -> Permit:
    """The same of a trigger as it is kept, in the words of the wire."""
    return permit_of(trigger, asked["requestedMessage"], asked.get("connectorId"))


class Gate:
    """The gate of one station. `request_ids`, `job_sent_at` and `permits` tell of jobs before this connection."""

    __slots__ = (
        "_permits",
        "_used",
        "accepted_before",
        "job_sent_at",
        "operator_state",
        "reported_state",
        "request_ids",
    )

    def __init__(
        self,
        operator_state: str,
        reported_state: str | None,
        *,
        accepted_before: bool,
        request_ids: frozenset[int] = frozenset(),
        job_sent_at: dict[str, Instant] | None = None,
        permits: dict[Permit, Instant] | None = None,
    ) -> None:
        self.operator_state = operator_state
        self.reported_state = reported_state
        self.accepted_before = accepted_before or reported_state == ACCEPTED
        self.request_ids: set[int] = set(request_ids)
        """Request ids of our SignedUpdateFirmware and GetLog jobs."""
        self.job_sent_at: dict[str, Instant] = dict(job_sent_at or {})
        """When UpdateFirmware and GetDiagnostics were last sent."""
        self._permits: dict[Permit, Instant] = dict(permits or {})
        """Until when each holds. One that is used up has ended, and stays for as long as it may be told of again."""
        self._used: Permit | None = None

    @property
    def state(self) -> str:
        """The state that counts now."""
        return self.reported_state or self.operator_state

    def incoming(self, action: str, request: Any, now: Instant) -> Verdict:
        """Whether a CALL of the station is processed; `request` is the typed message."""
        state = self.reported_state or self.operator_state
        if state == ACCEPTED or action == "BootNotification":
            return Verdict.ALLOW
        if action in TRANSACTION_MESSAGES and self.accepted_before:
            return Verdict.ALLOW
        if self._use_permit(action, request, now):
            return Verdict.ALLOW
        exception = INCOMING.get(action) if state == PENDING else None
        return Verdict.ALLOW if exception is not None and exception(self, request, now) else Verdict.REFUSE

    def outgoing(self, action: str, payload: Any) -> str | None:
        """Why a CALL of ours may not be sent now, in words; None when it may."""
        state = self.state
        if state == REJECTED:
            return "the station is Rejected; nothing is sent to it (OCPP 1.6, 4.2)"
        if state == PENDING and action in REMOTE_TRANSACTION_COMMANDS:
            return f"the station is Pending; {action} is not allowed until it is Accepted (OCPP 1.6, 4.2)"
        if (
            self.reported_state == ACCEPTED
            and action in TRIGGERED
            and getattr(payload, "requested_message", None) == "BootNotification"
        ):
            return "a BootNotification cannot be triggered once the station has been told Accepted (erratum 3.40)"
        return None

    def take_used(self) -> Permit | None:
        """The permit that the CALL just let in has used up, told once."""
        used, self._used = self._used, None
        return used

    def sent(self, action: str, payload: Any, now: Instant) -> None:
        """Note a CALL of ours that lets the station report on it later."""
        if action in {"UpdateFirmware", "GetDiagnostics"}:
            self.job_sent_at[action] = now
        elif action in {"SignedUpdateFirmware", "GetLog"}:
            self.request_ids.add(payload.request_id)

    def answered(self, action: str, payload: Any, response: Any, now: Instant) -> None:
        """Open the permit for a message we asked for, when the station accepted the trigger."""
        if action not in TRIGGERED or response.status != ACCEPTED:
            return
        self._permits = {permit: until for permit, until in self._permits.items() if until > now - PERMIT_US}
        self._permits[permit_of(action, str(payload.requested_message), payload.connector_id)] = now + PERMIT_US

    def told(
        self, request_ids: frozenset[int], job_sent_at: dict[str, Instant], permits: dict[Permit, Instant]
    ) -> None:
        """Learn of jobs later than at the beginning; what happened on this connection counts more."""
        self.request_ids |= request_ids
        self.job_sent_at = {**job_sent_at, **self.job_sent_at}
        self._permits = {**permits, **self._permits}

    def booted(self, status: str) -> None:
        """A BootNotification was answered with this status."""
        self.reported_state = str(status)
        self.accepted_before = self.accepted_before or status == ACCEPTED

    def _use_permit(self, action: str, request: Any, now: Instant) -> bool:
        """Permits for every connector last their time; one for a connector is used up by its message."""
        if not self._permits:
            return False
        if self._permits.get((action, None), now) > now:
            return True
        connector_id = getattr(request, "connector_id", None)
        for permit, until in list(self._permits.items()):
            if permit[0] == action and until > now and connector_id in {None, permit[1]}:
                self._permits[permit] = now
                self._used = permit
                return True
        return False


def _always(_gate: Gate, _request: Any, _now: Instant) -> bool:
    return True


def _of_a_known_request(gate: Gate, request: Any, _now: Instant) -> bool:
    return request.request_id is None or request.request_id in gate.request_ids


def _of_a_recent(command: str) -> Callable[[Gate, Any, Instant], bool]:
    def rule(gate: Gate, _request: Any, now: Instant) -> bool:
        return now - gate.job_sent_at.get(command, now - JOB_MEMORY_US) < JOB_MEMORY_US

    return rule


INCOMING: Final[dict[str, Callable[[Gate, Any, Instant], bool]]] = {
    "SecurityEventNotification": _always,
    "SignedFirmwareStatusNotification": _of_a_known_request,
    "LogStatusNotification": _of_a_known_request,
    "FirmwareStatusNotification": _of_a_recent("UpdateFirmware"),
    "DiagnosticsStatusNotification": _of_a_recent("GetDiagnostics"),
}
"""What a Pending station may send besides BootNotification and what we asked for, and when."""
