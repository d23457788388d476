"""Stations for tests that do not run on an event loop: each lives in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from stationmaster.conformance.errors import HandshakeRefused
from stationmaster.conformance.station import ScriptedStation

BOOT = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}


def knock(url: str, identity: str) -> None:
    """Come to the door once and be turned away."""

    async def come() -> None:
        with contextlib.suppress(HandshakeRefused):
            async with ScriptedStation(url, identity, password="nobody knows this"):
                pass

    _in_thread(come())


@contextlib.contextmanager
def answering(url: str, identity: str, password: str, answers: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """A station that has booted and answers these actions, for as long as the block lasts."""
    ready, over = threading.Event(), threading.Event()

    async def live() -> None:
        async with ScriptedStation(url, identity, password=password) as station:
            await station.call("BootNotification", BOOT)
            ready.set()
            obeying = [asyncio.create_task(_obey(station, action, answer)) for action, answer in answers.items()]
            while not over.is_set():  # noqa: ASYNC110 - what ends it is another thread
                await asyncio.sleep(0.05)
            for task in obeying:
                task.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
    thread.start()
    assert ready.wait(20), "the station did not come in"
    yield
    over.set()
    thread.join(20)


async def _obey(station: ScriptedStation, action: str, answer: Mapping[str, Any]) -> None:
    while True:
        await station.obey(action, answer, within_s=60)


def _in_thread(work: Any) -> None:
    thread = threading.Thread(target=lambda: asyncio.run(work))
    thread.start()
    thread.join(20)
