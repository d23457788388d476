"""Whose turn it is: of many nodes on one database, one does a piece of periodic work.

The rule that shapes this file: the turn is taken in the database, in one statement, by the row that
says when it was last taken. Who finds the row too young lets it be; a node that dies in the
middle has missed its turn and nothing else.
"""

import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.statements import Prepared
from stationmaster.storage.tables import counter

__all__ = ["beat", "beats", "last_beat", "take_turn", "touch"]

_TURN = "turn:"
_BEAT = "node:"
_TOUCH = "ready:"
_c = counter.c
_now: "sa.BindParameter[int]" = sa.bindparam("now", type_=sa.BigInteger())
_interval: "sa.BindParameter[int]" = sa.bindparam("interval", type_=sa.BigInteger())
_TAKE = Prepared(
    sa.update(counter)
    .where(_c.name == sa.bindparam("key"), sa.or_(_c.value <= _now - _interval, _c.value > _now + _interval))
    .values(value=_now)
    .returning(_c.name),
    "key",
    "now",
    "interval",
)
_TAKEN = Prepared(sa.select(_c.value).where(_c.name == sa.bindparam("key")), "key")


def take_turn(name: str, interval_us: int, now: Instant) -> Program[bool]:
    """Take the turn `name` if nobody took it within the interval; tell whether it is ours."""
    key = f"{_TURN}{name}"
    taken = yield from execute(_TAKE, [(key, now, interval_us)])
    if taken.rows:
        return True
    there = yield from execute(_TAKEN, [(key,)])
    if there.rows:
        return False
    yield from execute(sa.insert(counter).values(name=key, value=now))
    return True


def beat(node_id: str, now: Instant) -> Program[Instant | None]:
    """A node's sign of life; returns when it gave the one before."""
    key = f"{_BEAT}{node_id}"
    before = yield from execute(_TAKEN, [(key,)])
    if not before.rows:
        yield from execute(sa.insert(counter).values(name=key, value=now))
        return None
    yield from execute(sa.update(counter).where(_c.name == key).values(value=now))
    return int(before.rows[0][0])


def last_beat(node_id: str) -> Program[Instant | None]:
    """When a node gave its last sign of life; None: there never was such a node."""
    found = yield from execute(_TAKEN, [(f"{_BEAT}{node_id}",)])
    return int(found.rows[0][0]) if found.rows else None


def touch(node_id: str, now: Instant) -> Program[None]:
    """Write something small: whoever wants to know whether the database takes writes (a full disk lets one read)."""
    key = f"{_TOUCH}{node_id}"
    touched = yield from execute(sa.update(counter).where(counter.c.name == key).values(value=now))
    if not touched.rowcount:
        yield from execute(sa.insert(counter).values(name=key, value=now))


def beats() -> Program[dict[str, Instant]]:
    """When each node gave its last sign of life."""
    found = yield from execute(sa.select(counter.c.name, counter.c.value).where(counter.c.name.startswith(_BEAT)))
    return {str(name).removeprefix(_BEAT): int(value) for name, value in found.rows}
