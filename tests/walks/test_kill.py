"""kill -9 of a node in the middle of two hundred busy stations: nothing that it answered is lost, nothing is doubled.

Each station keeps its own record of what was answered: the oracle. After the kill the node starts again on the
same database, the stations come back, send what was not answered again (handbook §1.14) and finish. Then the record
is held against what the API tells.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from stationmaster.conformance.errors import CallUnanswered, HandshakeRefused
from stationmaster.conformance.link import Link, Target
from stationmaster.conformance.station import ScriptedStation
from stationmaster.instants import parse_instant
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted, timestamp

STATIONS = 200
SAMPLES_PER_TRANSACTION = 4
ANSWERED_BEFORE_THE_KILL = 3000
ROUNDS_AFTER_THE_KILL = 1


@dataclass
class Charged:
    """A transaction as its station remembers it: what was said, and what of it was answered."""

    started: dict[str, Any]
    transaction_id: int | None = None
    samples: list[tuple[str, int]] = field(default_factory=list)
    stopped: dict[str, Any] | None = None


class BusyStation:
    """Charges without pause; a message that is not answered is sent again until it is."""

    def __init__(self, node: NodeProcess, identity: str, id_tag: str, progress: "Progress") -> None:
        self.identity = identity
        self.record: list[Charged] = []
        self._target = Target(node.url, identity, PASSWORD)
        self._id_tag = id_tag
        self._progress = progress
        self._link: Link | None = None
        self._register_wh = 1000

    async def live(self) -> None:
        """Charge until the kill is over, and a little longer."""
        await self.say("BootNotification", {"chargePointVendor": "Walk", "chargePointModel": "Busy"})
        left = ROUNDS_AFTER_THE_KILL
        while left:
            left -= self._progress.killed.is_set()
            await self.charge()
        assert self._link is not None
        await self._link.close()

    async def charge(self) -> None:
        """One transaction, from start to stop."""
        started = {
            "connectorId": 1,
            "idTag": self._id_tag,
            "meterStart": self._register_wh,
            "timestamp": timestamp(),
        }
        charged = Charged(started)
        self.record.append(charged)
        answer = await self.say("StartTransaction", started)
        charged.transaction_id = answer["transactionId"]
        for _ in range(SAMPLES_PER_TRANSACTION):
            self._register_wh += 100
            await asyncio.sleep(0.002)  # two readings of one millisecond would be two values of one moment
            at = timestamp()
            power = {"value": "7360", "measurand": "Power.Active.Import", "unit": "W"}
            sampled = [{"value": str(self._register_wh), "unit": "Wh"}, power]
            values = {"meterValue": [{"timestamp": at, "sampledValue": sampled}]}
            await self.say("MeterValues", {"connectorId": 1, "transactionId": charged.transaction_id, **values})
            charged.samples.append((at, self._register_wh))
        stopped = {"transactionId": charged.transaction_id, "meterStop": self._register_wh, "timestamp": timestamp()}
        await self.say("StopTransaction", stopped)
        charged.stopped = stopped

    async def say(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Say it until it is answered."""
        while True:
            link = await self._connected()
            try:
                answer = await link.call(action, payload)
            except CallUnanswered as unanswered:
                if unanswered.state != "not_delivered":
                    raise
                self._link = None
            else:
                self._progress.answered()
                return answer

    async def _connected(self) -> Link:
        while self._link is None or not self._link.is_open:
            link = Link(lambda request: pytest.fail(f"nobody asked for {request}"))
            try:
                await link.open(self._target)
            except HandshakeRefused:
                await asyncio.sleep(random.uniform(0.2, 0.6))
            else:
                self._link = link
        return self._link


class Progress:
    """How many messages were answered; `enough` is set when the node may be killed."""

    def __init__(self) -> None:
        self.count = 0
        self.enough = asyncio.Event()
        self.killed = asyncio.Event()

    def answered(self) -> None:
        self.count += 1
        if self.count >= ANSWERED_BEFORE_THE_KILL:
            self.enough.set()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_nothing_that_was_answered_is_lost(mortal_node: NodeProcess) -> None:
    progress = Progress()
    async with mortal_node.api() as api:
        tags = [await api.token() for _ in range(10)]
        identities = await asyncio.gather(*(api.station() for _ in range(STATIONS)))
        stations = [BusyStation(mortal_node, one, tags[number % 10], progress) for number, one in enumerate(identities)]
        async with asyncio.TaskGroup() as tasks:
            for station in stations:
                tasks.create_task(station.live())
            await progress.enough.wait()
            await mortal_node.die_and_return()
            progress.killed.set()
        assert sum(len(station.record) for station in stations) > STATIONS
        for station in stations:
            await assert_remembered(api, station)


@pytest.mark.timeout(120)
async def test_what_was_asked_of_a_station_ends_with_the_node(mortal_node: NodeProcess) -> None:
    """The first command is on the wire, the second waits behind it, and the station agreed to a third."""
    async with mortal_node.api() as api:
        station = ScriptedStation(mortal_node.url, await api.station(), password=PASSWORD)
        await station.connect()
        await booted(station)
        wish = {"idTag": await api.token()}
        _, promise = await api.press(station, "RemoteStartTransaction", wish, {"status": "Accepted"})
        sent = (await api.command(station.identity, "ClearCache", {}, wait=0)).json()
        await station.expect("ClearCache")
        await api.job(sent, "sent")
        queued = (await api.command(station.identity, "GetConfiguration", {}, wait=0)).json()
        await mortal_node.die_and_return()
        for job, code in ((sent, "outcome_unknown"), (queued, "not_sent")):
            assert (await api.job(job, "not_delivered"))["error"]["code"] == code
        assert (await api.get(f"/jobs/{promise['id']}"))["state"] == "waiting"


async def assert_remembered(api: Api, station: BusyStation) -> None:
    """The store holds what was answered, once, and nothing else."""
    stored = await api.everything("/transactions", station_id=station.identity)
    stored.sort(key=lambda one: int(one["meter_start_wh"]))
    assert [facts_of(one) for one in stored] == [facts_told(one) for one in station.record]
    assert len({one["transaction_id"] for one in stored}) == len(stored)
    for kept, told in zip(stored, station.record, strict=True):
        sets = await api.everything(f"/transactions/{kept['id']}/meter-values")
        found = [(parse_instant(one["sampled_at"]), one["samples"][0]["value"]) for one in sets]
        assert found == [(parse_instant(at), wh) for at, wh in told.samples], station.identity


def facts_of(stored: dict[str, Any]) -> tuple[Any, ...]:
    """A transaction as the API tells it."""
    return (
        stored["transaction_id"],
        stored["state"],
        stored["id_tag"],
        stored["meter_start_wh"],
        stored["meter_stop_wh"],
        stored["started_at"],
        stored["stopped_at"],
    )


def facts_told(told: Charged) -> tuple[Any, ...]:
    """The same as its station told it; every one was finished in the end."""
    assert told.stopped is not None
    return (
        told.transaction_id,
        "closed",
        told.started["idTag"],
        told.started["meterStart"],
        told.stopped["meterStop"],
        told.started["timestamp"],
        told.stopped["timestamp"],
    )
