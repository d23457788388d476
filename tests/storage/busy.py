"""Busy stations in a process of their own, to be killed: `python -m tests.storage.busy URL`.

A line goes out for each fact once its `record` has returned: `start ID STATION`, `values ID SECONDS`, `end ID`.
What has gone out must be found in the database afterwards, whatever happened to the process.
"""

import asyncio
import os
import sys

import uvloop

from stationmaster.storage import Storage
from tests.storage.conftest import driver_of
from tests.storage.facts import ended, logged, register, sampled, started

STATIONS = 40


def acknowledge(line: str) -> None:
    """Let it out at once."""
    os.write(1, f"{line}\n".encode())


async def charge(storage: Storage, station_id: str, turn: int) -> None:
    """One transaction."""
    seconds = turn * 1000
    number = await storage.draw_transaction_id()
    stored = (await storage.record([started(number, station_id, seconds=seconds)]))[0]
    acknowledge(f"start {stored.id} {station_id}")
    for i in range(1, 4):
        storage.note(logged("[2]", station_id))
        fact = sampled(stored.id, register(i), station_id=station_id, seconds=seconds + i)
        await storage.record([fact])
        acknowledge(f"values {stored.id} {seconds + i}")
    await storage.record([ended(stored.ocpp_id, await storage.draw_transaction_id(), station_id, seconds + 10)])
    acknowledge(f"end {stored.id}")


async def live(storage: Storage, station_id: str, first_turn: int) -> None:
    """A station that never rests."""
    turn = first_turn
    while True:
        await charge(storage, station_id, turn)
        turn += 1


async def main(url: str, first_turn: int) -> None:
    """Until the end comes."""
    storage = Storage(driver_of(url), "busy", lambda: first_turn)
    await storage.open()
    await asyncio.gather(*(live(storage, f"CP{i}", first_turn) for i in range(STATIONS)))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
