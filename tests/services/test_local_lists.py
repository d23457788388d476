"""Lists by the clock: when a schedule is due, and what an operator sees meanwhile (handbook §3.7)."""

import asyncio
from typing import Any

import pytest

from stationmaster.domain.local_lists import ListEntry, LocalList, LocalListChanged, due_at
from stationmaster.domain.stations import Station
from stationmaster.storage.committed import Committed
from tests.actions.line import SILENCE, Line, connect
from tests.services.node import ORGANISATION, Node, until

HOUR_S = 3600


async def station_of(node: Node, line: Line) -> Station:
    found: Station | None = await node.storage.stations.get(line.station_id)
    assert found is not None
    return found


async def scheduled(node: Node, station_id: str = "CP7", hours: float = 24) -> Line:
    """A station that is connected, with a list of all tokens that is synchronised by a schedule."""
    await node.station(station_id)
    line = await connect(node, station_id)
    await node.services.local_lists.choose(await station_of(node, line), "all", (), hours)
    return line


async def sweep(node: Node) -> int:
    return await node.services.local_lists.sweep(node.clock())


async def known(node: Node, line: Line) -> LocalList:
    return await node.services.local_lists.of(await station_of(node, line))


async def is_in(node: Node, line: Line, state: str) -> bool:
    return (await known(node, line)).state == state


async def has_heard(line: Line) -> bool:
    return bool(line.heard)


def asked(line: Line) -> list[str]:
    actions = [action for action, _ in line.heard]
    line.heard.clear()
    return actions


async def test_a_schedule_synchronises_once_and_not_before_its_time(node: Node) -> None:
    await node.token("ONE")
    line = await scheduled(node)
    line.will_answer("GetLocalListVersion", listVersion=0)
    line.will_answer("SendLocalList", status="Accepted")
    assert await sweep(node) == 1
    assert asked(line) == ["GetLocalListVersion", "SendLocalList"]
    node.clock.pass_s(23 * HOUR_S)
    assert await sweep(node) == 0
    for _ in range(2):
        node.clock.pass_s(24 * HOUR_S)
        line.will_answer("GetLocalListVersion", listVersion=1)
        assert await sweep(node) == 1
        assert asked(line) == ["GetLocalListVersion"]
        node.clock.pass_s(60)
        assert await sweep(node) == 0, "nothing was sent, and yet it was synchronised"


async def test_what_fails_is_tried_again_after_an_hour_and_not_every_minute(node: Node) -> None:
    await node.token("ONE")
    line = await scheduled(node)
    for _ in range(2):
        line.will_answer("GetLocalListVersion", listVersion=0)
        for _ in range(2):
            line.will_answer("SendLocalList", status="Failed")
        await sweep(node)
        assert asked(line) == ["GetLocalListVersion", "SendLocalList", "SendLocalList"]
        assert (await known(node, line)).state == "failed"
        node.clock.pass_s(60)
        assert await sweep(node) == 0
        assert asked(line) == []
        node.clock.pass_s(HOUR_S)


async def test_a_station_without_lists_is_asked_no_more_often_than_the_schedule_says(node: Node) -> None:
    await node.token("ONE")
    line = await scheduled(node)
    line.will_answer("GetLocalListVersion", listVersion=-1)
    line.will_answer("SendLocalList", status="NotSupported")
    await sweep(node)
    asked(line)
    node.clock.pass_s(2 * HOUR_S)
    await sweep(node)
    assert asked(line) == []


async def test_a_slow_station_holds_up_no_other(node: Node) -> None:
    await node.token("ONE")
    slow, quick = await scheduled(node, "CP7"), await scheduled(node, "CP8")
    slow.will_answer("GetLocalListVersion", SILENCE)
    quick.will_answer("GetLocalListVersion", listVersion=0)
    quick.will_answer("SendLocalList", status="Accepted")
    sweeping = asyncio.create_task(sweep(node))
    await until(lambda: is_in(node, quick, "in_sync"))
    assert not sweeping.done()
    sweeping.cancel()


async def test_a_station_that_is_away_is_synchronised_when_it_is_back(node: Node) -> None:
    await node.station("CP7")
    station = await node.storage.stations.get("CP7")
    assert station is not None
    await node.services.local_lists.choose(station, "all", (), 24)
    assert await sweep(node) == 0
    line = await connect(node, "CP7")
    line.will_answer("GetLocalListVersion", listVersion=0)
    assert await sweep(node) == 1


async def test_it_is_not_in_sync_before_the_last_part(node: Node) -> None:
    for number in range(3):
        await node.token(f"TAG{number}")
    line = await scheduled(node)
    keys = [{"key": "SendLocalListMaxLength", "readonly": True, "value": "1"}]
    line.will_answer("GetConfiguration", configurationKey=keys)
    await node.services.commands.send(ORGANISATION, "CP7", "GetConfiguration", {}, requested_by="test", wait_s=5)
    events: list[Any] = []
    node.storage.on_committed(lambda told: events.extend(each for each in told if _is_list(each)))
    line.will_answer("GetLocalListVersion", listVersion=0)
    for _ in range(3):
        line.will_answer("SendLocalList", status="Accepted")
    assert await sweep(node) == 1
    data = [event.as_event().data["list"] for event in events]
    seen = [(each["state"], each["version"], each["acknowledged_count"]) for each in data]
    assert seen[-5:] == [
        ("syncing", None, 0),
        ("syncing", 1, 1),
        ("syncing", 2, 2),
        ("syncing", 3, 3),
        ("in_sync", 3, 3),
    ]
    assert "acknowledged" not in data[-1], "an event has no room for thousands of entries"


async def replacements(node: Node) -> list[int]:
    """The versions of the whole lists that the station took, as events tell."""
    page = await node.storage.events.find(ORGANISATION, type=["local_list.replaced"])
    return [each.data["version"] for each in reversed(page.items)]


async def test_that_a_whole_list_was_taken_is_told_once_and_with_its_last_part(node: Node) -> None:
    for number in range(2):
        await node.token(f"TAG{number}")
    line = await scheduled(node)
    keys = [{"key": "SendLocalListMaxLength", "readonly": True, "value": "1"}]
    line.will_answer("GetConfiguration", configurationKey=keys)
    await node.services.commands.send(ORGANISATION, "CP7", "GetConfiguration", {}, requested_by="test", wait_s=5)
    line.will_answer("SendLocalList", status="Accepted")
    for _ in range(3):
        line.will_answer("SendLocalList", status="Failed")
    await synchronise(node, line)
    assert await replacements(node) == [], "its last part was not taken"
    for _ in range(2):
        line.will_answer("SendLocalList", status="Accepted")
    await synchronise(node, line)
    (version,) = await replacements(node)
    assert version == (await known(node, line)).version


@pytest.mark.parametrize(("full", "status"), [(True, "Accepted"), (True, "Failed"), (False, "Accepted")])
async def test_a_whole_list_that_is_sent_by_hand_is_told_too(node: Node, *, full: bool, status: str) -> None:
    line = await scheduled(node)
    entries = [ListEntry("TAG", "Accepted")]
    line.will_answer("SendLocalList", status=status)
    await node.services.local_lists.send_entries(
        await station_of(node, line), entries, full=full, requested_by="test", wait_s=5
    )
    assert await replacements(node) == ([1] if full and status == "Accepted" else [])


async def synchronise(node: Node, line: Line) -> Any:
    station = await station_of(node, line)
    return await node.services.local_lists.synchronise(station, requested_by="test", wait_s=5, ask_version=False)


async def test_a_list_that_is_too_long_holds_those_who_may_charge_and_says_how_many_are_missing(node: Node) -> None:
    await node.token("A1", status="Blocked")
    for id_tag in ("B2", "C3", "D4"):
        await node.token(id_tag)
    line = await scheduled(node)
    keys = [{"key": "LocalAuthListMaxLength", "readonly": True, "value": "2"}]
    line.will_answer("GetConfiguration", configurationKey=keys)
    await node.services.commands.send(ORGANISATION, "CP7", "GetConfiguration", {}, requested_by="test", wait_s=5)
    line.will_answer("SendLocalList", status="Accepted")
    done = await synchronise(node, line)
    assert done.left_out == 2
    (_, sent) = line.heard[-1]
    assert [entry["idTag"] for entry in sent["localAuthorizationList"]] == ["B2", "C3"]
    assert done.list.state == "in_sync", "as much as fits is all that can be wanted"


async def test_after_a_failure_the_next_synchronisation_sends_the_whole_list(node: Node) -> None:
    await node.token("ONE")
    line = await scheduled(node)
    line.will_answer("SendLocalList", status="Accepted")
    await synchronise(node, line)
    await node.token("TWO")
    for _ in range(2):
        line.will_answer("SendLocalList", status="Failed")
    assert (await synchronise(node, line)).list.state == "failed"
    line.will_answer("SendLocalList", status="Accepted")
    assert (await synchronise(node, line)).list.state == "in_sync"
    assert [sent["updateType"] for _, sent in line.heard] == ["Full", "Differential", "Full", "Full"]
    assert len(line.heard[-1][1]["localAuthorizationList"]) == 2


def _is_list(committed: Committed) -> bool:
    return isinstance(committed.fact, LocalListChanged)


async def test_a_list_that_cannot_be_sent_to_its_end_says_so(node: Node) -> None:
    for number in range(2):
        await node.token(f"TAG{number}")
    line = await scheduled(node)
    line.will_answer("SendLocalList", SILENCE)
    station = await station_of(node, line)
    sending = asyncio.create_task(
        node.services.local_lists.synchronise(station, requested_by="test", wait_s=5, ask_version=False)
    )
    await until(lambda: is_in(node, line, "syncing"))
    await until(lambda: has_heard(line))
    line.hangs_up()
    assert (await sending).list.state == "failed"
    assert "It was not sent" in str((await known(node, line)).problem), "the second try found nobody"


@pytest.mark.parametrize(
    ("state", "problem", "hours", "wait_hours"),
    [
        ("in_sync", None, 24, 24),
        ("failed", "The station answered Failed.", 24, 1),
        ("failed", "The station answered Failed.", 0.5, 0.5),
        ("syncing", None, 24, 1),
        ("not_supported", "It has no list.", 24, 24),
    ],
)
def test_when_a_list_is_due(state: str, problem: str | None, hours: float, wait_hours: float) -> None:
    then = 1_740_832_496_000_000
    of = LocalList(
        organisation_id="o",
        station_id="s",
        state=state,
        problem=problem,
        schedule_hours=hours,
        synchronised_at=then,
        updated_at=then,
    )
    assert due_at(of) == then + wait_hours * HOUR_S * 1_000_000
