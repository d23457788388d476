"""BootNotification, Heartbeat and Reset as dialogues (handbook §1.13, §3.2.2, §3.3.13)."""

import pytest

from stationmaster.actions.v16 import Actions16
from stationmaster.services.context import ServiceSettings
from stationmaster.services.stations import Stations
from tests.actions.line import CallErrorHeard, connect
from tests.services.node import ORGANISATION, Node, open_node

BOOT = {"chargePointVendor": "Volt", "chargePointModel": "One"}


@pytest.mark.parametrize(("state", "interval"), [("Accepted", 300), ("Pending", 60), ("Rejected", 600)])
async def test_a_boot_is_answered_with_what_the_operator_wants(node: Node, state: str, interval: int) -> None:
    line = await connect(node, operator_state=state)
    answer = await line.says("BootNotification", **BOOT)
    assert (answer["status"], answer["interval"]) == (state, interval)
    assert line.gate.state == state


async def test_a_pending_station_may_not_heartbeat(node: Node) -> None:
    line = await connect(node, operator_state="Pending")
    await line.says("BootNotification", **BOOT)
    with pytest.raises(CallErrorHeard, match="SecurityError"):
        await line.says("Heartbeat")


async def test_the_operators_change_counts_at_the_next_boot(node: Node) -> None:
    line = await connect(node, operator_state="Pending")
    await line.says("BootNotification", **BOOT)
    stations: Stations = node.services.stations
    await stations.update(ORGANISATION, "CP7", {"operator_state": "Accepted"})
    assert (await line.says("BootNotification", **BOOT))["status"] == "Accepted"
    assert (await line.says("Heartbeat"))["currentTime"] == "2025-03-01T12:34:56.000Z"


async def test_a_deleted_station_is_rejected(node: Node) -> None:
    line = await connect(node)
    await node.services.stations.delete(ORGANISATION, "CP7")
    assert (await line.says("BootNotification", **BOOT))["status"] == "Rejected"


async def test_a_boot_tells_who_the_station_is(node: Node) -> None:
    line = await connect(node)
    await line.says(
        "BootNotification",
        **BOOT,
        chargePointSerialNumber="S1",
        chargeBoxSerialNumber="B1",
        firmwareVersion="1.2",
        iccid="i",
        imsi="j",
        meterType="m",
        meterSerialNumber="n",
    )
    station = await node.storage.stations.get("CP7")
    assert station is not None
    assert (station.serial_number, station.charge_box_serial_number, station.firmware_version) == ("S1", "B1", "1.2")
    assert (station.iccid, station.imsi, station.meter_type, station.meter_serial_number) == ("i", "j", "m", "n")


async def test_another_serial_number_is_told_and_not_kept(node: Node) -> None:
    line = await connect(node, serial_number="S1")
    await line.says("BootNotification", **BOOT, chargePointSerialNumber="S2")
    await node.storage.check()
    station = await node.storage.stations.get("CP7")
    assert station is not None
    assert station.serial_number == "S1"
    (oddity,) = await node.storage.oddities.of("CP7")
    assert (oddity.kind, oddity.raw) == ("serial_number_changed", "S2")


async def test_a_boot_without_vendor_and_model_is_accepted(node: Node) -> None:
    line = await connect(node)
    assert (await line.says("BootNotification"))["status"] == "Accepted"
    station = await node.storage.stations.get("CP7")
    assert station is not None
    assert (station.vendor, station.model) == (None, None)


async def test_intervals_can_be_spread_and_stay_the_same_for_a_station(sqlite_url: str) -> None:
    async with open_node(sqlite_url, settings=ServiceSettings(interval_spread_percent=20)) as node:
        intervals = []
        for number in range(20):
            line = await connect(node, f"CP{number}")
            first = (await line.says("BootNotification", **BOOT))["interval"]
            assert (await line.says("BootNotification", **BOOT))["interval"] == first
            intervals.append(first)
    assert all(240 <= interval <= 360 for interval in intervals)
    assert len(set(intervals)) > 10


async def test_whole_seconds_for_stations_that_cannot_read_fractions(node: Node) -> None:
    node.actions = Actions16(node.services, fraction_digits=0)
    line = await connect(node)
    assert await line.says("Heartbeat") == {"currentTime": "2025-03-01T12:34:56Z"}


async def test_a_reset_is_done_when_the_station_boots(node: Node) -> None:
    line = await connect(node)
    await line.says("BootNotification", **BOOT)
    line.will_answer("Reset", status="Accepted")
    job = await node.services.commands.send(
        ORGANISATION, "CP7", "Reset", {"type": "Hard"}, requested_by="test", wait_s=5
    )
    assert (job.state, job.result) == ("waiting", "Accepted")
    assert line.heard == [("Reset", {"type": "Hard"})]
    line.hangs_up()

    again = await connect(node)
    await again.says("BootNotification", **BOOT)
    done = await node.storage.jobs.get(job.id)
    assert done is not None
    assert (done.state, done.result, done.finished_at) == ("done", "Accepted", node.clock())


async def test_a_refused_reset_waits_for_nothing(node: Node) -> None:
    line = await connect(node)
    line.will_answer("Reset", status="Rejected")
    job = await node.services.commands.send(
        ORGANISATION, "CP7", "Reset", {"type": "Soft"}, requested_by="test", wait_s=5
    )
    assert (job.state, job.result, job.response) == ("done", "Rejected", '{"status": "Rejected"}')
