"""Writing what happens around a station: connections, boots, refused handshakes, contested identities, oddities."""

import sqlalchemy as sa

from stationmaster.domain.facts import (
    HandshakeRefused,
    OddityTolerated,
    StationBooted,
    StationConnected,
    StationDisconnected,
    StationSeen,
)
from stationmaster.domain.identity_contests import IdentityContested, IdentitySettled
from stationmaster.storage.committed import ALREADY_STORED, AlreadyStored
from stationmaster.storage.configuration import take_pending
from stationmaster.storage.programs import Batch, Execute, Program, execute
from stationmaster.storage.statements import insert_into, update_by
from stationmaster.storage.tables import connection, connection_attempt, oddity, presence, station
from stationmaster.storage.text import clean, clip

__all__ = [
    "store_boots",
    "store_connections",
    "store_contests",
    "store_disconnections",
    "store_oddities",
    "store_refusals",
    "store_seen",
    "store_settlements",
]

_CONNECTION = (
    "id",
    "organisation_id",
    "station_id",
    "node_id",
    "epoch",
    "remote_address",
    "protocol",
    "security_profile",
    "user_agent",
    "connected_at",
)
_INSERT_CONNECTIONS = insert_into(connection, _CONNECTION)
_CONNECT = insert_into(
    presence,
    (
        "station_id",
        "connected",
        "node_id",
        "connection_id",
        "connection_epoch",
        "connected_at",
        "remote_address",
        "last_protocol",
        "last_seen_at",
    ),
    keys=("station_id",),
    where="excluded.connection_epoch >= presence.connection_epoch",
)
_CLOSE_CONNECTIONS = update_by(connection, ("id",), ("disconnected_at", "close_code", "reason"))
_DISCONNECT = update_by(
    presence,
    ("station_id", "connection_id"),
    ("disconnected_at", "last_seen_at"),
    changes={
        "connected": "FALSE",
        "last_seen_at": "CASE WHEN :last_seen_at > t.last_seen_at THEN :last_seen_at ELSE t.last_seen_at END",
    },
)
_SEE = insert_into(
    presence,
    ("station_id", "connected", "connection_epoch", "last_seen_at"),
    keys=("station_id",),
    changes={"last_seen_at": "excluded.last_seen_at"},
    # The note of a connection may come after the next one has begun.
    where="presence.last_seen_at IS NULL OR excluded.last_seen_at > presence.last_seen_at",
)


def store_connections(_batch: Batch, facts: list[StationConnected]) -> Program[None]:
    """Keep each connection, and per station the newest as its presence."""
    yield Execute(
        _INSERT_CONNECTIONS,
        [
            (
                fact.connection_id,
                fact.organisation_id,
                fact.station_id,
                fact.node_id,
                fact.epoch,
                fact.remote_address,
                fact.protocol,
                fact.security_profile,
                fact.user_agent,
                fact.received_at,
            )
            for fact in facts
        ],
    )
    newest = {fact.station_id: fact for fact in sorted(facts, key=lambda fact: fact.epoch)}
    yield Execute(
        _CONNECT,
        [
            (
                fact.station_id,
                True,
                fact.node_id,
                fact.connection_id,
                fact.epoch,
                fact.received_at,
                fact.remote_address,
                fact.protocol,
                fact.received_at,
            )
            for fact in newest.values()
        ],
    )


def store_disconnections(_batch: Batch, facts: list[StationDisconnected]) -> Program[None]:
    """Close the connections; a station counts as gone only if the one that closed was its newest."""
    latest = {fact.connection_id: fact for fact in facts}.values()
    yield Execute(
        _CLOSE_CONNECTIONS,
        [(fact.connection_id, fact.received_at, fact.close_code, fact.reason) for fact in latest],
    )
    yield Execute(
        _DISCONNECT, [(fact.station_id, fact.connection_id, fact.received_at, fact.last_seen_at) for fact in latest]
    )


def store_seen(_batch: Batch, facts: list[StationSeen]) -> Program[None]:
    """Move the time at which each station was last heard of."""
    latest = {fact.station_id: fact.received_at for fact in facts}
    yield Execute(_SEE, [(station_id, False, 0, seen_at) for station_id, seen_at in latest.items()])


_BOOT = (
    "reported_state",
    "vendor",
    "model",
    "serial_number",
    "charge_box_serial_number",
    "firmware_version",
    "iccid",
    "imsi",
    "meter_type",
    "meter_serial_number",
    "last_boot_at",
)
_KEEP_SERIAL = {"serial_number": "COALESCE(t.serial_number, :serial_number)"}
_BOOT_REFUSED = update_by(station, ("id",), _BOOT, changes=_KEEP_SERIAL)
_BOOT_ACCEPTED = update_by(station, ("id",), _BOOT, changes=_KEEP_SERIAL | {"accepted_before": "TRUE"})


def store_boots(_batch: Batch, facts: list[StationBooted]) -> Program[None]:
    """Keep what each station said of itself, and how it was answered.

    A serial number that is registered is not overwritten: it is what a later one is compared with (§3.2.2).
    """
    latest = {fact.station_id: fact for fact in facts}.values()
    yield take_pending(latest)
    for accepted, statement in ((True, _BOOT_ACCEPTED), (False, _BOOT_REFUSED)):
        rows = [
            (
                fact.station_id,
                fact.registration,
                fact.vendor,
                fact.model,
                fact.serial_number,
                fact.charge_box_serial_number,
                fact.firmware_version,
                fact.iccid,
                fact.imsi,
                fact.meter_type,
                fact.meter_serial_number,
                fact.received_at,
            )
            for fact in latest
            if (fact.registration == "Accepted") is accepted
        ]
        if rows:
            yield Execute(statement, rows)


_COUNT_REFUSALS = insert_into(
    connection_attempt,
    keys=("station_id", "remote_address", "reason"),
    changes={
        name: f'excluded."{name}"'
        for name in (
            "organisation_id",
            "path",
            "status",
            "detail",
            "known",
            "subprotocols",
            "user_agent",
            "last_at",
        )
    }
    | {"count": "connection_attempt.count + excluded.count"},
)


def store_refusals(batch: Batch, facts: list[HandshakeRefused]) -> Program[None]:
    """Count refused handshakes by identity, address and reason; the latest one's details are kept."""
    groups: dict[tuple[str, str, str], list[HandshakeRefused]] = {}
    for fact in facts:
        groups.setdefault((clip(fact.station_id), clip(fact.remote_address), clip(fact.reason)), []).append(fact)
    rows = []
    # Sorted, so that two nodes that count the same never wait for each other in a circle.
    for row_id, key in zip(batch.take_ids(len(groups)), sorted(groups), strict=True):
        station_id, remote_address, reason = key
        group, last = groups[key], groups[key][-1]
        rows.append(
            (
                row_id,
                last.organisation_id,
                station_id,
                remote_address,
                last.path,
                last.status,
                reason,
                last.detail,
                last.known,
                last.subprotocols,
                last.user_agent,
                len(group),
                group[0].received_at,
                last.received_at,
            )
        )
    yield Execute(_COUNT_REFUSALS, rows)


_s = station.c


def store_contests(_batch: Batch, facts: list[IdentityContested]) -> Program[list[AlreadyStored | None]]:
    """Keep since when each identity is contested: since the first time, whichever node says so."""
    outcomes: list[AlreadyStored | None] = []
    for fact in facts:
        free = sa.update(station).where(_s.id == fact.station_id, _s.contested_since.is_(None))
        changed = yield from execute(free.values(contested_since=fact.received_at))
        outcomes.append(None if changed.rowcount else ALREADY_STORED)
    return outcomes


def store_settlements(_batch: Batch, facts: list[IdentitySettled]) -> Program[list[AlreadyStored | None]]:
    """End each contest; of two people who do so at once, one does."""
    outcomes: list[AlreadyStored | None] = []
    for fact in facts:
        contested = sa.update(station).where(_s.id == fact.station_id, _s.contested_since.is_not(None))
        changed = yield from execute(contested.values(contested_since=None))
        outcomes.append(None if changed.rowcount else ALREADY_STORED)
    return outcomes


_COUNT_ODDITIES = insert_into(
    oddity,
    keys=("station_id", "kind", "action", "path"),
    changes={
        "raw": "excluded.raw",
        "last_at": "excluded.last_at",
        "count": "oddity.count + excluded.count",
    },
)
_RAW_LENGTH = 1_000


def store_oddities(_batch: Batch, facts: list[OddityTolerated]) -> Program[None]:
    """Count what was tolerated, with the latest example."""
    groups: dict[tuple[str, str, str, str], list[OddityTolerated]] = {}
    for fact in facts:
        key = (fact.station_id, clip(clean(fact.kind)), clip(clean(fact.action or "")), clip(clean(fact.path)))
        groups.setdefault(key, []).append(fact)
    yield Execute(
        _COUNT_ODDITIES,
        [
            (
                *key,
                group[-1].organisation_id,
                clean(group[-1].raw)[:_RAW_LENGTH],
                len(group),
                group[0].received_at,
                group[-1].received_at,
            )
            for key, group in groups.items()
        ],
    )
