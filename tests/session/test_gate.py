"""The registration gate, row by row of handbook §1.13."""

import json
from typing import Any

import pytest

from stationmaster.instants import Instant
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallAnswered, CallReceived, CallSent, PermitUsed, Send
from stationmaster.session.gate import PERMIT_US, Gate, Permit, Verdict
from tests.playbook import NOTHING, START, Playbook, like, seconds
from tests.session.conftest import answer, call, central

NOON = "2025-03-01T12:00:00Z"
BOOT = '[2,"boot","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
STATUS_OF = '[2,"{}","StatusNotification",{{"connectorId":{},"errorCode":"NoError","status":"Available"}}]'
METER_VALUES = '[2,"m","MeterValues",{"connectorId":1,"meterValue":[]}]'


def refused(play: Playbook) -> None:
    play << Send
    assert json.loads(play.last.text)[2] == "SecurityError"


def boots(play: Playbook, status: str) -> None:
    play >> BOOT << CallReceived
    play >> answer("boot", "BootNotification", status=status, current_time=NOON, interval=60) << Send


def trigger(play: Playbook, key: str, payload: dict[str, Any], action: str = "TriggerMessage") -> None:
    play >> call(key, action, payload) << Send << CallSent
    play >> f'[3,"{key}",{{"status":"Accepted"}}]' << CallAnswered


def fresh(operator_state: str, **memory: Any) -> Playbook:
    """A station that never booted here."""
    return central(Gate(operator_state, None, accepted_before=False, **memory))


def test_a_known_station_that_never_booted_is_served_when_the_operator_accepts_it() -> None:
    fresh("Accepted") >> METER_VALUES << CallReceived


@pytest.mark.parametrize("state", ["Pending", "Rejected"])
def test_before_acceptance_only_the_boot_is_served(state: str) -> None:
    play = fresh(state)
    refused(play >> '[2,"h","Heartbeat",{}]')
    refused(play >> '[2,"a","Authorize",{"idTag":"A"}]')
    refused(play >> METER_VALUES)
    play >> BOOT << CallReceived


@pytest.mark.parametrize("state", ["Pending", "Rejected"])
def test_transaction_messages_of_a_station_once_accepted_are_always_taken(state: str) -> None:
    play = central(Gate(state, state, accepted_before=True))
    play >> METER_VALUES << CallReceived
    refused(play >> '[2,"h","Heartbeat",{}]')


def test_the_answer_to_the_boot_opens_and_closes_the_gate() -> None:
    play = fresh("Pending")
    boots(play, "Accepted")
    play >> '[2,"h","Heartbeat",{}]' << CallReceived


def test_the_state_that_was_reported_counts_before_the_operators() -> None:
    gate = Gate("Rejected", "Accepted", accepted_before=True)
    assert gate.state == "Accepted"
    gate.booted("Pending")
    assert gate.state == "Pending"
    gate.booted("Accepted")
    gate.operator_state = "Pending"
    assert gate.state == "Accepted"


def test_a_station_set_back_to_pending_after_an_accepted_boot_may_still_deliver_its_transactions() -> None:
    gate = Gate("Accepted", None, accepted_before=False)
    gate.booted("Accepted")
    gate.booted("Pending")
    central(gate) >> METER_VALUES << CallReceived


def test_a_permit_lets_in_what_was_triggered_for_two_minutes() -> None:
    play = fresh("Pending")
    refused(play >> STATUS_OF.format("s0", 1))
    trigger(play, "t", {"requestedMessage": "StatusNotification"})
    play >> STATUS_OF.format("s1", 1) << CallReceived
    play >> STATUS_OF.format("s2", 2) << CallReceived
    play >> seconds(119) << NOTHING
    play >> STATUS_OF.format("s3", 1) << CallReceived
    play >> seconds(1) << NOTHING
    refused(play >> STATUS_OF.format("s4", 1))


def test_a_permit_for_a_connector_is_for_that_connector_and_once() -> None:
    play = fresh("Pending")
    trigger(play, "t", {"requestedMessage": "StatusNotification", "connectorId": 2})
    refused(play >> STATUS_OF.format("s1", 1))
    play >> STATUS_OF.format("s2", 2) << CallReceived << PermitUsed(("StatusNotification", 2), START)
    refused(play >> STATUS_OF.format("s3", 2))


def test_a_permit_from_before_this_connection_lasts_for_the_rest_of_its_time() -> None:
    of_every_connector: Permit = ("StatusNotification", None)
    play = fresh("Pending", permits={of_every_connector: START + 1_000_000, ("Heartbeat", None): START})
    refused(play >> '[2,"h","Heartbeat",{}]')
    play >> STATUS_OF.format("s1", 1) << CallReceived
    play >> seconds(1) << NOTHING
    refused(play >> STATUS_OF.format("s2", 1))


def test_a_permit_that_is_used_up_is_not_given_back_by_what_is_told_of_jobs() -> None:
    gate = Gate("Pending", None, accepted_before=False)
    play = central(gate)
    trigger(play, "t", {"requestedMessage": "StatusNotification", "connectorId": 2})
    play >> STATUS_OF.format("s1", 2) << CallReceived << PermitUsed
    trigger(play, "u", {"requestedMessage": "Heartbeat"})
    told: dict[Permit, Instant] = {("StatusNotification", 2): START + PERMIT_US, ("MeterValues", 2): START + PERMIT_US}
    gate.told(frozenset(), {}, told)
    refused(play >> STATUS_OF.format("s2", 2))
    play >> METER_VALUES.replace('"connectorId":1', '"connectorId":2') << CallReceived << PermitUsed


def test_a_trigger_that_is_not_accepted_opens_nothing() -> None:
    play = fresh("Pending")
    play >> call("t", "TriggerMessage", {"requestedMessage": "Heartbeat"}) << Send << CallSent
    play >> '[3,"t",{"status":"Rejected"}]' << CallAnswered
    refused(play >> '[2,"h","Heartbeat",{}]')


def test_an_extended_trigger_permits_the_message_by_its_own_name() -> None:
    play = fresh("Pending")
    trigger(play, "t", {"requestedMessage": "SignChargePointCertificate"}, "ExtendedTriggerMessage")
    play >> '[2,"c","SignCertificate",{"csr":"-----BEGIN"}]' << like(CallReceived, action="SignCertificate")


def test_security_events_are_taken_while_pending_and_not_while_rejected() -> None:
    event = '[2,"e","SecurityEventNotification",{"type":"StartupOfTheDevice","timestamp":"2025-03-01T12:00:00Z"}]'
    fresh("Pending") >> event << CallReceived
    refused(fresh("Rejected") >> event)


def test_reports_on_signed_jobs_are_taken_while_pending_if_they_are_ours_or_name_none() -> None:
    ours = '[2,"1","LogStatusNotification",{"status":"Uploading","requestId":7}]'
    fresh("Pending", request_ids=frozenset({7})) >> ours << CallReceived
    refused(fresh("Pending") >> ours)
    fresh("Pending") >> '[2,"2","LogStatusNotification",{"status":"Idle"}]' << CallReceived
    play = fresh("Pending")
    location = {"remoteLocation": "https://example.com/logs"}
    play >> call("g", "GetLog", {"logType": "SecurityLog", "requestId": 7, "log": location}) << Send << CallSent
    play >> ours << CallReceived


def test_reports_on_plain_jobs_are_taken_while_pending_within_a_day_of_the_job() -> None:
    report = '[2,"{}","FirmwareStatusNotification",{{"status":"Downloading"}}]'
    refused(fresh("Pending") >> report.format("1"))
    play = fresh("Pending", job_sent_at={"UpdateFirmware": START - 24 * 3_600_000_000 + 1_000_000})
    play >> report.format("2") << CallReceived
    play >> seconds(1) << NOTHING
    refused(play >> report.format("3"))
    play >> call("d", "GetDiagnostics", {"location": "ftp://example.com/"}) << Send << CallSent
    play >> '[2,"4","DiagnosticsStatusNotification",{"status":"Uploading"}]' << CallReceived


def outgoing(gate: Gate, action: str, payload: dict[str, Any]) -> str | None:
    return gate.outgoing(action, V16.check_outgoing(action, payload))


@pytest.mark.parametrize("action", ["RemoteStartTransaction", "RemoteStopTransaction"])
def test_nothing_is_started_or_stopped_at_a_pending_station(action: str) -> None:
    payload: dict[str, Any] = {"idTag": "A"} if action == "RemoteStartTransaction" else {"transactionId": 1}
    gate = Gate("Pending", None, accepted_before=False)
    assert "Pending" in (outgoing(gate, action, payload) or "")
    assert outgoing(gate, "GetConfiguration", {}) is None
    gate.booted("Accepted")
    assert outgoing(gate, action, payload) is None


def test_nothing_is_sent_to_a_rejected_station() -> None:
    assert outgoing(Gate("Accepted", "Rejected", accepted_before=True), "GetConfiguration", {})


@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
def test_a_boot_cannot_be_triggered_once_the_station_was_told_accepted(action: str) -> None:
    boot = {"requestedMessage": "BootNotification"}
    gate = Gate("Accepted", None, accepted_before=False)
    assert outgoing(gate, action, boot) is None  # it never booted here
    gate.booted("Pending")
    assert outgoing(gate, action, boot) is None
    gate.booted("Accepted")
    assert "3.40" in (outgoing(gate, action, boot) or "")
    assert outgoing(gate, action, {"requestedMessage": "Heartbeat"}) is None


def test_the_verdict_is_never_asked_of_a_boot() -> None:
    assert (
        Gate("Rejected", "Rejected", accepted_before=False).incoming("BootNotification", None, START) is Verdict.ALLOW
    )
