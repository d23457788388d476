"""What storing costs: CPU microseconds per message of the charging mix, on SQLite and PostgreSQL.

`python -m bench.storage [sqlite|postgres …] [--stations N] [--seconds S]`. Stations of one process, without sockets,
go through charging sessions in a closed loop: the facts of a message are recorded, its frame is noted,
then comes the next. Of a session's 13 messages one starts, six carry a set of ten samples, four are
statuses, one ends the transaction and one only asks. What making the facts costs is measured apart
and taken off; PostgreSQL's own CPU time is counted.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from bench.processes import cpu_seconds, postgres_processes
from stationmaster.domain.facts import (
    ConnectorStatusChanged,
    Fact,
    MessageLogged,
    MeterSample,
    MeterSampled,
    TransactionEnded,
    TransactionEndStored,
    TransactionStarted,
    TransactionStored,
)
from stationmaster.domain.locations import Location
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.storage.driver import Driver
from stationmaster.storage.migration import migrate
from stationmaster.storage.postgres import PostgresDriver
from stationmaster.storage.sqlite import SqliteDriver
from stationmaster.storage.store import Storage

POSTGRES = "postgresql://postgres@127.0.0.1:5432"
DATABASE = "stationmaster_bench_storage"
MESSAGES_PER_SESSION = 13
CALL = (
    '[2,"5f3c1d9e-6e0a-4a55-9d10-7b6f0c1d2e3f","StatusNotification",{"connectorId":1,"errorCode":"NoError",'
    '"status":"Charging","timestamp":"2026-01-01T00:00:00.000Z"}]'
)
METER_CALL = (
    CALL[:40] + '"MeterValues",{' + '"sampledValue":{"value":"230.1","measurand":"Voltage","unit":"V"},' * 14 + "}]"
)
ANSWER = '[3,"5f3c1d9e-6e0a-4a55-9d10-7b6f0c1d2e3f",{}]'
MEASURANDS = (
    ("Energy.Active.Import.Register", "Wh", None),
    ("Power.Active.Import", "W", None),
    *(
        (name, unit, phase)
        for name, unit in (("Current.Import", "A"), ("Voltage", "V"))
        for phase in ("L1", "L2", "L3")
    ),
    ("Temperature", "Celsius", None),
    ("SoC", "Percent", None),
)

Record = Callable[[Sequence[Fact]], Awaitable[list[Any]]]


def clock() -> int:
    """Now."""
    return time.time_ns() // 1000


class Nothing:
    """Stands where the storage stands and keeps nothing: what making the facts costs."""

    def __init__(self) -> None:
        self._drawn = 0

    async def record(self, facts: Sequence[Fact]) -> list[Any]:
        """Outcomes as the storage would give them."""
        await asyncio.sleep(0)
        fact = facts[0]
        if isinstance(fact, TransactionStarted):
            return [TransactionStored(fact.id, str(fact.id), False, "Accepted")]
        if isinstance(fact, TransactionEnded):
            return [TransactionEndStored(fact.orphan_id, "closed")]
        return [None] * len(facts)

    def note(self, fact: Fact) -> None:
        """Forget it."""

    async def draw_transaction_id(self) -> int:
        """Any number."""
        self._drawn += 1
        return self._drawn


class Life:
    """One station."""

    def __init__(self, storage: Any, number: int) -> None:
        self._storage = storage
        self._station_id = f"CP{number:05}"
        self._place = Location(self._station_id, 1, 1)
        self._wh = 1000
        self.messages = 0

    async def charge(self) -> None:
        """One session."""
        storage, place = self._storage, self._place
        self._say("Authorize", CALL)
        await self._status("Preparing")
        now = clock()
        start = TransactionStarted(
            **self._head(now),
            id=await storage.draw_transaction_id(),
            protocol="ocpp1.6",
            location=place,
            id_tag="04E91C5A123456",
            token_id=7,
            parent_id_tag=None,
            meter_start_wh=self._wh,
            started_at=now,
            started_at_text="2026-01-01T00:00:00.000Z",
            authorization_status="Accepted",
        )
        stored = (await storage.record([start]))[0]
        self._say("StartTransaction", CALL)
        await self._status("Charging")
        for _ in range(6):
            await self._measure(stored.id)
        await self._status("Finishing")
        now = clock()
        end = TransactionEnded(
            **self._head(now),
            protocol="ocpp1.6",
            ocpp_id=stored.ocpp_id,
            orphan_id=await storage.draw_transaction_id(),
            meter_stop_wh=self._wh,
            ended_at=now,
            ended_at_text="2026-01-01T00:00:00.000Z",
            reason="Local",
            id_tag="04E91C5A123456",
            token_id=7,
        )
        outcome = (await storage.record([end]))[0]
        if outcome.result != "closed":
            raise AssertionError(outcome)
        self._say("StopTransaction", CALL)
        await self._status("Available")

    async def _status(self, status: str) -> None:
        now = clock()
        fact = ConnectorStatusChanged(
            **self._head(now),
            location=self._place,
            status=status,
            error_code="NoError",
            reported_at=now,
            reported_at_text="2026-01-01T00:00:00.000Z",
        )
        await self._storage.record([fact])
        self._say("StatusNotification", CALL)

    async def _measure(self, transaction_id: int) -> None:
        self._wh += 100
        now = clock()
        samples = tuple(
            MeterSample(str(self._wh), float(self._wh), measurand, unit, phase) for measurand, unit, phase in MEASURANDS
        )
        fact = MeterSampled(
            **self._head(now),
            location=self._place,
            transaction_id=transaction_id,
            sampled_at=now,
            samples=samples,
            sampled_at_text="2026-01-01T00:00:00.000Z",
            reported_transaction_id="1234567",
        )
        await self._storage.record([fact])
        self._say("MeterValues", METER_CALL)

    def _say(self, action: str, frame: str) -> None:
        self.messages += 1
        self._storage.note(
            MessageLogged(
                **self._head(clock()),
                connection_id=17,
                direction="in",
                kind="call",
                message_id="5f3c1d9e-6e0a-4a55-9d10-7b6f0c1d2e3f",
                action=action,
                frame=frame,
                answer=ANSWER,
                answer_kind="call_result",
                latency_us=1234,
            )
        )

    def _head(self, now: int) -> dict[str, Any]:
        return {"organisation_id": DEFAULT_ORGANISATION_ID, "station_id": self._station_id, "received_at": now}


def own_cpu_s() -> float:
    """CPU seconds of this process so far, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def load(storage: Any, stations: int, seconds: float) -> int:
    """Let stations charge for a while; returns the number of messages."""
    end = time.monotonic() + seconds
    lives = [Life(storage, number) for number in range(stations)]

    async def live(life: Life) -> None:
        while time.monotonic() < end:
            await life.charge()

    await asyncio.gather(*map(live, lives))
    return sum(life.messages for life in lives)


async def measure(name: str, driver: Driver, stations: int, seconds: float, facts_us: float) -> None:
    """Print one line."""
    storage = Storage(driver, "bench", clock)
    await storage.open()
    await load(storage, stations, 0.5)
    server = postgres_processes(DATABASE) if name == "postgres" else []
    batches, database_s, own_s, began = storage.figures.batches, cpu_seconds(server), own_cpu_s(), time.monotonic()
    messages = await load(storage, stations, seconds)
    own_us = (own_cpu_s() - own_s) / messages * 1e6 - facts_us
    database_us = (cpu_seconds(server) - database_s) / messages * 1e6
    per_s = messages / (time.monotonic() - began)
    per_batch = messages / (storage.figures.batches - batches)
    print(
        f"  {name:10}{own_us + database_us:7.1f} us a message ({own_us:.1f} here, {database_us:.1f} in the server),"
        f"{per_s:7.0f} messages/s, {per_batch:.0f} messages a commit, {storage.figures.dropped_notes} notes dropped"
    )
    await storage.close()


async def facts_cost_us(stations: int) -> float:
    """CPU microseconds to make the facts of a message."""
    began = own_cpu_s()
    messages = await load(Nothing(), stations, 1.0)
    return (own_cpu_s() - began) / messages * 1e6


@contextmanager
def sqlite() -> Iterator[tuple[str, Callable[[], Driver]]]:
    """A fresh file."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        path = Path(directory) / "bench.sqlite"
        yield f"sqlite:///{path}", lambda: SqliteDriver(path)


@contextmanager
def postgres() -> Iterator[tuple[str, Callable[[], Driver]]]:
    """A fresh database."""
    url = f"{POSTGRES}/{DATABASE}"
    asyncio.run(administer(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}"))
    yield url, lambda: PostgresDriver(url)
    asyncio.run(administer(f"DROP DATABASE {DATABASE} WITH (FORCE)"))


async def administer(*statements: str) -> None:
    """Run statements on the server's own database."""
    connection = await asyncpg.connect(f"{POSTGRES}/postgres")
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def main() -> None:
    """Measure the databases that are named, both by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", default=["sqlite", "postgres"])
    parser.add_argument("--stations", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    facts_us = asyncio.run(facts_cost_us(options.stations))
    print(f"storing the charging mix, {options.stations} stations (making the facts: {facts_us:.1f} us, taken off)")
    for name in options.databases:
        with {"sqlite": sqlite, "postgres": postgres}[name]() as (url, make):
            asyncio.run(migrate(url))
            uvloop.run(measure(name, make(), options.stations, options.seconds, facts_us))


if __name__ == "__main__":
    main()
