"""How OCPP 1.6 carries out a command: what stops it, what is warned about, what its answer means.

The rule that shapes this file: each action is described by one `Command`, made of small functions
that stand beside the action's messages. Blocks stop a command (handbook §3.1, the hard blocks);
warnings never do.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from stationmaster.actions.contract import StationConnection
from stationmaster.actions.v16.context import ActionContext
from stationmaster.domain.facts import Fact
from stationmaster.domain.jobs import Awaits
from stationmaster.domain.stations import Connector
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceSettings
from stationmaster.session.events import CallFailed

__all__ = ["OCPP16", "Asking", "Command", "Settled", "warn_of_unknown_connector", "was_never_sent"]

OCPP16 = "OCPP16"
"""The component that stands for 1.6's keys without components (2.0.1 slice §6 rule 7)."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from an answer: facts, and for a long job what it waits for."""

    facts: tuple[Fact, ...] = ()
    awaits: Awaits | None = None
    file_name: str | None = None
    replaces: bool = False


class Asking:
    """A command on its way: what its rules may look at. The database is asked only by a rule that wants to know.

    `local_time_zone` is the zone whose wall clock the profile in it follows, if it does.
    """

    def __init__(
        self,
        context: ActionContext,
        connection: StationConnection,
        *,
        force: bool,
        local_time_zone: str | None = None,
    ) -> None:
        self.context = context
        self.connection = connection
        self.force = force
        self.local_time_zone = local_time_zone
        self.settings: ServiceSettings = context.services.context.settings
        self.storage = context.services.context.storage
        self.organisation_id = connection.organisation_id
        self.station_id = connection.station_id
        self._configuration: dict[str, ConfigurationKey] | None = None
        self._connectors: list[Connector] | None = None

    def now(self) -> Instant:
        """The present."""
        return self.context.clock()

    def in_s(self, seconds: float) -> Instant:
        """So many seconds from now."""
        return self.now() + round(seconds * 1_000_000)

    async def configuration(self) -> "dict[str, ConfigurationKey]":
        """The station's keys as last read or set, by their name in small letters."""
        if self._configuration is None:
            stored = await self.storage.configuration.of(self.station_id)
            self._configuration = {
                each.variable.lower(): ConfigurationKey(each.variable, each.value, each.readonly, each.supported)
                for each in stored
                if each.component == OCPP16
            }
        return self._configuration

    async def value_of(self, key: str) -> str | None:
        """The value of a key as last read or set; None when it is not known."""
        known = (await self.configuration()).get(key.lower())
        return None if known is None else known.value

    async def number_of(self, key: str) -> int | None:
        """The same of a key that holds a whole number."""
        value = await self.value_of(key)
        try:
            return None if value is None else int(value)
        except ValueError:
            return None

    async def connectors(self) -> list[Connector]:
        """The connectors of the station that have been heard of, without the station itself."""
        if self._connectors is None:
            stored = await self.storage.connectors.of(self.station_id)
            self._connectors = [connector for connector in stored if connector.evse_id]
        return self._connectors


class ConfigurationKey(msgspec.Struct, frozen=True):
    """A key of the station as last read or set."""

    key: str
    value: str | None
    readonly: bool | None
    supported: bool


Block = Callable[[Asking, Any], str | None]
"""Why this command must not be sent, in words; None when it may."""

Warn = Callable[[Asking, Any], Awaitable[str | None]]
"""What the operator should know, in words; None when there is nothing."""

Settle = Callable[[Asking, Any, Any], Awaitable[Settled]]
"""What follows from (message, response). One that makes the job wait must not itself wait for anything."""

Foresee = Callable[[Asking, Any], Awaitable[Awaits]]
"""What the job will wait for if the station agrees: it may happen before the answer arrives (§1.6)."""

Before = Callable[[Asking, Any], Awaitable[None]]
"""What must be remembered before the command is sent."""

Unsettled = Callable[[Asking, Any, CallFailed], Awaitable[None]]
"""What follows when there was no usable answer."""


async def nothing_follows(_asking: Asking, _message: Any, _response: Any) -> Settled:
    """An answer that is its own result."""
    return Settled()


@dataclass(frozen=True, slots=True)
class Command:
    """One action that we ask of a station."""

    blocks: tuple[Block, ...] = ()
    warnings: tuple[Warn, ...] = ()
    before: Before | None = None
    foresee: Foresee | None = None
    settle: Settle = nothing_follows
    unsettled: Unsettled | None = None


def was_never_sent(failed: CallFailed) -> bool:
    """Whether the station cannot have heard of a call that failed."""
    if failed.state == "not_delivered":
        return failed.code != "outcome_unknown"
    return failed.state in {"expired", "cancelled"}


async def warn_of_unknown_connector(asking: Asking, message: Any) -> str | None:
    """A connector number that the station never spoke of; stations answer such commands themselves."""
    connector_id = message.connector_id
    if not connector_id:
        return None
    known = {connector.evse_id for connector in await asking.connectors()}
    if not known or connector_id in known:
        return None
    return f"The station never reported a connector {connector_id}."
