"""The load generator: a process of its own that plays many stations against one URL.

`python -m bench.load PHASE --url ws://HOST:PORT/ocpp --stations N …` prints one JSON object a line:
`{"event": "begin"}` and `{"event": "end"}` around the measured time (so that whoever started it can
read CPU times at those moments), then `{"event": "done", …}` with what was seen. Closed loop: a
station says its next word when the last was answered.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from bench.conversation import Dialogue, Life, boot, charging_session, heartbeats, settle
from bench.wire import Wire, upgrade_request

WARM_UP_S = 1.5
CONNECTING_AT_ONCE = 100
STORM_RETRY_S = 1.0
SETTLE_LIMIT_S = 30.0
PHASE_LIMIT_S = 300.0

Record = dict[str, list[tuple[int, int, int | None]]]
"""By identity: transaction id, meter start, meter stop of every transaction that was answered."""


class Tally:
    """What was seen: answer times in seconds, how connections failed, answers that were errors."""

    def __init__(self) -> None:
        self.latencies = array("d")
        self.refused: Counter[int] = Counter()
        self.errors: list[str] = []
        self.error_count = 0
        self.surprises = 0

    def error(self, text: bytes) -> None:
        """A CALLERROR, or an answer nobody asked for."""
        self.error_count += 1
        if len(self.errors) < 5:
            self.errors.append(text[:300].decode(errors="replace"))

    def report(self) -> dict[str, Any]:
        """As JSON: milliseconds and counts."""
        ordered = sorted(self.latencies)
        return {
            "messages": len(ordered),
            "p50_ms": _quantile(ordered, 0.50) * 1000,
            "p99_ms": _quantile(ordered, 0.99) * 1000,
            "max_ms": (ordered[-1] if ordered else 0.0) * 1000,
            "refused": {str(status): count for status, count in sorted(self.refused.items())},
            "errors": self.errors,
            "error_count": self.error_count,
            "surprises": self.surprises,
        }


class Station:
    """One station: a socket, a life, and the dialogue it is in.

    `next_dialogue` is asked whenever one is over; None: nothing more to say, `finished` is called.
    """

    def __init__(
        self, life: Life, request: bytes, tally: Tally, next_dialogue: Callable[["Station"], Dialogue | None]
    ) -> None:
        self.life = life
        self.tally = tally
        self.next_dialogue = next_dialogue
        self.finished: asyncio.Event = asyncio.Event()
        self.lost: Callable[[Station, int], None] | None = None
        self.since = 0.0
        self._request = request
        self._wire: Wire | None = None
        self._dialogue: Dialogue | None = None
        self._number = 0
        self._expected = b""
        self._sent_at = 0.0

    async def connect(self, host: str, port: int) -> None:
        """Open the socket; what follows is driven by what arrives."""
        self.finished.clear()
        self.since = time.perf_counter()
        wire = Wire(self._request, self.advance, self._received, self._ended)
        self._wire = wire
        try:
            await asyncio.get_running_loop().create_connection(lambda: wire, host, port)
        except OSError as error:
            self._ended(-(error.errno or 1))

    def advance(self) -> None:
        """Begin the next dialogue, if there is one."""
        self._dialogue = self.next_dialogue(self)
        if self._dialogue is None:
            self.finished.set()
        else:
            self._say(next(self._dialogue))

    def close(self) -> None:
        """Part in order."""
        self.lost = None
        if self._wire is not None:
            self._wire.close()

    def sever(self) -> None:
        """Part without a word."""
        self.lost = None
        if self._wire is not None:
            self._wire.sever()

    def _say(self, call: tuple[bytes, bytes]) -> None:
        self._number += 1
        self._expected = b'[3,"%d",' % self._number
        self._sent_at = time.perf_counter()
        self._send(b'[2,"%d","%b",%b]' % (self._number, *call))

    def _send(self, text: bytes) -> None:
        if self._wire is not None:
            self._wire.send(text)

    def _received(self, text: bytes) -> None:
        if self._dialogue is None or not text.startswith(self._expected):
            self._unexpected(text)
            return
        self.tally.latencies.append(time.perf_counter() - self._sent_at)
        try:
            call = self._dialogue.send(text[len(self._expected) : -1])
        except StopIteration:
            self.advance()
        else:
            self._say(call)

    def _unexpected(self, text: bytes) -> None:
        if not text.startswith(b"[2,"):
            self.tally.error(text)
            return
        self.tally.surprises += 1
        self._send(b'[4,%b,"NotSupported","",{}]' % json.dumps(json.loads(text)[1]).encode())

    def _ended(self, status: int) -> None:
        if self.lost is not None:
            self.tally.refused[status] += 1
            self.lost(self, status)


class Fleet:
    """All stations of one run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.tally = Tally()
        parts = urlsplit(options.url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.stations = []
        for number in range(options.stations):
            identity = f"{options.prefix}{number:05d}"
            request = upgrade_request(f"{options.url}/{identity}", options.password)
            life = Life(identity, f"{options.id_tag_prefix}{number % options.id_tags:04d}")
            self.stations.append(Station(life, request, self.tally, _once(settle)))

    async def connect_all(self) -> None:
        """Connect and settle every station, a few at a time; a refusal here ends the run."""
        gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def bring_up(station: Station) -> None:
            async with gate:
                station.next_dialogue = _once(settle)
                station.lost = self._lost_for_good
                await station.connect(self.host, self.port)
                await asyncio.wait_for(station.finished.wait(), SETTLE_LIMIT_S)

        await asyncio.gather(*(bring_up(station) for station in self.stations))

    def reset(self) -> Tally:
        """Begin a new tally; the old one keeps its errors."""
        self.tally = Tally()
        for station in self.stations:
            station.tally = self.tally
        return self.tally

    def _lost_for_good(self, station: Station, status: int) -> None:
        _say("done", failed=f"station {station.life.identity} was refused or lost (HTTP {status})")
        sys.exit(3)


async def closed_loop(fleet: Fleet, dialogue: Callable[[Life], Dialogue]) -> dict[str, Any]:
    """All stations talk as fast as they are answered for `--seconds`, then end what they began."""
    await fleet.connect_all()
    running = True

    def following(station: Station) -> Dialogue | None:
        return dialogue(station.life) if running else None

    for station in fleet.stations:
        station.finished.clear()
        station.next_dialogue = following
        station.advance()
    await asyncio.sleep(WARM_UP_S)
    before = fleet.tally
    tally = fleet.reset()
    started = _say("begin")
    await asyncio.sleep(fleet.options.seconds)
    seconds = _say("end") - started
    report = tally.report()
    running = False
    await asyncio.gather(*(station.finished.wait() for station in fleet.stations))
    for station in fleet.stations:
        station.close()
    report["error_count"] += before.error_count
    report["errors"] += before.errors
    return {**report, "seconds": seconds}


async def storm(fleet: Fleet) -> dict[str, Any]:
    """Every station loses its connection at the same moment, comes back at once and boots."""
    await fleet.connect_all()
    tally = fleet.reset()
    again: set[asyncio.Task[None]] = set()

    async def retry(station: Station) -> None:
        await asyncio.sleep(STORM_RETRY_S)
        await station.connect(fleet.host, fleet.port)

    def lost(station: Station, _status: int) -> None:
        task = asyncio.create_task(retry(station))
        again.add(task)
        task.add_done_callback(again.discard)

    booted = array("d")

    async def come_back(station: Station) -> None:
        station.next_dialogue = _once(boot)
        station.finished.clear()
        station.lost = lost
        await station.connect(fleet.host, fleet.port)
        await station.finished.wait()
        booted.append(time.perf_counter() - started)

    for station in fleet.stations:
        station.sever()
    await asyncio.sleep(0)
    started = _say("begin")
    await asyncio.gather(*(come_back(station) for station in fleet.stations))
    seconds = _say("end") - started
    ordered = sorted(booted)
    for station in fleet.stations:
        station.close()
    return {**tally.report(), "seconds": seconds, "half_booted_s": _quantile(ordered, 0.5), "all_booted_s": ordered[-1]}


async def idle(fleet: Fleet) -> dict[str, Any]:
    """Connect and boot a tenth of the stations, then the rest, and then say nothing for `--seconds`.

    The memory of the server is compared between the two moments, so that what it had free before counts little.
    """
    everybody = fleet.stations
    fleet.stations = everybody[: len(everybody) // 10]
    await fleet.connect_all()
    await asyncio.sleep(fleet.options.seconds)
    _say("begin")
    fleet.stations = everybody[len(everybody) // 10 :]
    await fleet.connect_all()
    await asyncio.sleep(fleet.options.seconds)
    _say("end")
    for station in everybody:
        station.close()
    return {**fleet.tally.report(), "counted": len(fleet.stations)}


def main() -> None:
    """Run one phase."""
    options = _parser().parse_args()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    record = uvloop.run(asyncio.wait_for(_run(options), PHASE_LIMIT_S))
    if options.record:
        Path(options.record).write_text(json.dumps(record))


async def _run(options: argparse.Namespace) -> Record:
    fleet = Fleet(options)
    if options.phase == "storm":
        report = await storm(fleet)
    elif options.phase == "idle":
        report = await idle(fleet)
    elif options.phase == "heartbeats":
        report = await closed_loop(fleet, heartbeats)
    else:
        report = await closed_loop(fleet, charging_session)
    _say("done", **report)
    return {station.life.identity: station.life.transactions for station in fleet.stations}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    parser.add_argument("phase", choices=["sessions", "heartbeats", "storm", "idle"])
    parser.add_argument("--url", required=True, help="as a station is given it, without the identity")
    parser.add_argument("--stations", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--prefix", default="BENCH-")
    parser.add_argument("--password")
    parser.add_argument("--id-tag-prefix", default="BENCHTAG")
    parser.add_argument("--id-tags", type=int, default=50)
    parser.add_argument("--record", help="where to write every transaction that was answered, as JSON")
    return parser


def _once(dialogue: Callable[[Life], Dialogue]) -> Callable[[Station], Dialogue | None]:
    """A `next_dialogue` that gives `dialogue` one time."""
    left = [dialogue]
    return lambda station: left.pop()(station.life) if left else None


def _quantile(ordered: Any, share: float) -> float:
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) if len(ordered) else 0.0


def _say(event: str, **more: Any) -> float:
    """Print one event; returns the moment."""
    print(json.dumps({"event": event, **more}), flush=True)
    return time.perf_counter()


if __name__ == "__main__":
    main()
