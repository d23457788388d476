"""What the handlers of OCPP 1.6 work with, and the small readings that several of them share.

The rule that shapes this file: a text from the wire becomes a value of the domain here or in a
handler, and whatever had to be bent on the way becomes a flag that a person can read.
"""

from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.domain.clocks import TIME_MISSING, TIME_UNREADABLE, clock_flag
from stationmaster.domain.locations import Location
from stationmaster.domain.metering import ENERGY_SCALED
from stationmaster.domain.quirks import NO_QUIRKS, Quirks
from stationmaster.domain.tokens import Authorization, AuthorizationStatus
from stationmaster.instants import Instant, format_instant, names_zone, parse_instant
from stationmaster.ocpp.oddities import OddityKind
from stationmaster.ocpp.v16.authorization import IdTagInfo
from stationmaster.services.bundle import Services
from stationmaster.services.presence import PresentStation
from stationmaster.session.events import CallReceived
from stationmaster.session.masking import mask_secrets

__all__ = [
    "LONGEST_ID_TAG",
    "ActionContext",
    "Handler",
    "Moment",
    "Situation",
    "location_of",
    "mended",
    "moment_of",
    "scaled_flag",
]

LONGEST_ID_TAG: Final = 20
MICROSECONDS_PER_MINUTE: Final = 60_000_000
_LOCATIONS_REMEMBERED: Final = 16_384


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When something happened: `at` as the station says it or, if it does not, when we heard of it.

    `text` is None where `at` is ours: a text that cannot be read is kept with the oddity it is.
    """

    at: Instant
    text: str | None
    flags: tuple[str, ...] = ()


class ActionContext:
    """The services, how we write times, and what we remember of each connection."""

    def __init__(self, services: Services, *, fraction_digits: int = 3) -> None:
        self.services = services
        self.clock = services.context.clock
        self._fraction_digits = fraction_digits

    def station_of(self, connection: StationConnection) -> PresentStation:
        """What the services know of the station behind a connection, from its first message on."""
        station: PresentStation | None = connection.memory
        if station is None:
            station = self.services.presence.arrived(
                PresentStation(
                    connection.organisation_id,
                    connection.station_id,
                    connection.record.site_id,
                    connection.protocol_name,
                    self.clock(),
                )
            )
            station.quirks = self.services.quirks.of(connection.record)
            connection.memory = station
        return station

    def secret_keys(self, connection: StationConnection) -> frozenset[str]:
        """The configuration keys, in small letters, whose values are hidden beside those that always are."""
        return self.services.configuration_templates.secret_keys(connection.organisation_id)

    def without_secrets(self, connection: StationConnection, action: str, text: str) -> str:
        """What a station wrote, as it may be kept and shown."""
        return mask_secrets(action, text, self.secret_keys(connection), connection.told_secrets)

    def text_of(self, instant: Instant) -> str:
        """A time as we send it (§2.2)."""
        return format_instant(instant, self._fraction_digits)

    def id_tag_info(
        self, status: str, expires_at: Instant | None = None, parent_id_tag: str | None = None
    ) -> IdTagInfo:
        """What a station is told of a token. A parent that 1.6 cannot write is left out."""
        return IdTagInfo(
            status=status,  # type: ignore[arg-type]  # a status of the domain is one of the message's words
            expiry_date=None if expires_at is None else self.text_of(expires_at),
            parent_id_tag=parent_id_tag if parent_id_tag and len(parent_id_tag) <= LONGEST_ID_TAG else None,
        )

    def id_tag_info_of(self, authorization: Authorization) -> IdTagInfo:
        """The same of a decision."""
        return self.id_tag_info(
            AuthorizationStatus(authorization.status).value, authorization.expires_at, authorization.parent_id_tag
        )


class Situation(msgspec.Struct, frozen=True, gc=False):
    """A CALL on its way through a handler."""

    context: ActionContext
    connection: StationConnection
    station: PresentStation
    call: CallReceived

    def shown(self, text: str | None) -> str | None:
        """Free text of the station, as it may be kept and shown."""
        return None if text is None else self.context.without_secrets(self.connection, self.call.action, text)


Handler = Callable[[Situation], Coroutine[Any, Any, Answer]]
"""Answers one kind of CALL."""


def moment_of(
    call: CallReceived,
    text: str | None,
    path: str = "timestamp",
    *,
    optional: bool = False,
    quirks: Quirks = NO_QUIRKS,
) -> Moment:
    """When it happened, by a timestamp field (§1.9, §2.2); one without a zone is UTC unless `quirks` know better."""
    if text is None:
        raw = next((each.raw for each in call.oddities if each.path == path), "").strip()
        if raw and raw != "null":
            return Moment(call.received_at, None, (TIME_UNREADABLE,))
        return Moment(call.received_at, None, () if optional else (TIME_MISSING,))
    at = parse_instant(text)
    if quirks.timestamps_are_local is not None and not names_zone(text):
        at -= quirks.timestamps_are_local * MICROSECONDS_PER_MINUTE
    flag = clock_flag(at, call.received_at)
    return Moment(at, text) if flag is None else Moment(at, text, (flag,))


@lru_cache(maxsize=_LOCATIONS_REMEMBERED)
def location_of(station_id: str, connector_id: int) -> Location:
    """The place of a connector number; a number below zero is no connector and counts as the station."""
    return Location.of_connector_number(station_id, max(0, connector_id))


_MENDED: Final[Mapping[str, str]] = {
    OddityKind.MISSING_FIELD: "missing",
    OddityKind.NULL_OPTIONAL: "missing",
    OddityKind.UNREADABLE_VALUE: "unreadable",
    OddityKind.FRACTION_FOR_INTEGER: "rounded",
    OddityKind.OUT_OF_RANGE: "out_of_range",
}


def mended(call: CallReceived, fields: Mapping[str, str]) -> tuple[str, ...]:
    """Flags for what was mended in some fields: `fields` maps the wire's name to ours, e.g. `meter_start_missing`."""
    if not call.oddities:
        return ()
    flags = [
        f"{fields[oddity.path]}_{_MENDED[oddity.kind]}"
        for oddity in call.oddities
        if oddity.path in fields and oddity.kind in _MENDED
    ]
    return tuple(dict.fromkeys(flags))


def scaled_flag(station: PresentStation) -> tuple[str, ...]:
    """The flag of what holds register values, where they are not as the station wrote them."""
    return () if station.quirks.energy_scale is None else (ENERGY_SCALED,)
