"""What rules need not hear is not read, and nothing that they need is missed by it."""

from collections.abc import AsyncIterator

import pytest

from stationmaster.domain.alerts.nouns import Rule
from stationmaster.domain.facts import Fact
from stationmaster.storage.feeds import FeedPage, Position, Wanted
from tests.services.node import ORGANISATION, Node, open_node
from tests.services.test_alerts import MINUTE, advance, alerts, came, gone, happened, status

SUBJECT = "connector:CP7/2"


class Reading:
    """What the evaluation was given to read, page by page."""

    def __init__(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pages: list[list[str]] = []
        read = node.storage.feeds.read

        async def reading(position: Position, now: int, wanted: Wanted, *, limit: int) -> FeedPage:
            page = await read(position, now, wanted, limit=limit)
            self.pages.append([event.data.get("status", event.type) for event in page.events])
            return page

        monkeypatch.setattr(node.storage.feeds, "read", reading)

    def take(self) -> list[list[str]]:
        """The pages since the last time that had anything on them."""
        pages, self.pages = self.pages, []
        return [page for page in pages if page]


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    async with open_node(database_url) as running:
        running.clock.pass_s(1)
        await running.station()
        await running.services.alert_rules.complete([ORGANISATION])
        yield running


@pytest.fixture
def reading(node: Node, monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(node, monkeypatch)


def fault_rule(node: Node) -> Rule:
    (rule,) = node.services.alert_rules.watching(ORGANISATION, "connector_faulted")
    return rule


async def is_waited_for(node: Node, rule: Rule) -> bool:
    return bool(await node.storage.alerts.watches([(rule.id, SUBJECT)]))


def statuses(node: Node, *names: str) -> list[Fact]:
    return [status(node, name) for name in names]


async def test_statuses_that_end_nothing_are_not_read_and_count_as_heard(node: Node, reading: Reading) -> None:
    await happened(node, *statuses(node, "Preparing", "Charging"), came(node), *statuses(node, "Available"))
    assert reading.take() == [["station.connected"]]
    heard = await node.storage.feeds.position("alerts")
    assert heard is not None
    page = await node.storage.feeds.read(Position.read(heard), node.clock(), Wanted(), limit=500)
    # The evaluation itself is told to nobody.
    assert page.events == []
    # That a station is waited for has nothing to do with connectors.
    await happened(node, gone(node))
    assert reading.take() == [["station.disconnected"]]
    await happened(node, *statuses(node, "Preparing"))
    assert reading.take() == []


async def test_a_fault_that_begins_and_ends_within_a_page_is_over(node: Node, reading: Reading) -> None:
    names = ["Available", "Faulted", "Available"]
    await happened(node, *statuses(node, *names))
    assert reading.take() == [["Faulted"], names]
    assert not await is_waited_for(node, fault_rule(node))
    await happened(node, *statuses(node, "Preparing"))
    assert reading.take() == []


async def test_all_is_read_while_a_fault_is_waited_for_or_stands(node: Node, reading: Reading) -> None:
    rule = fault_rule(node)
    await happened(node, *statuses(node, "Faulted"))
    assert await is_waited_for(node, rule)
    reading.take()
    await happened(node, *statuses(node, "Available"))
    assert reading.take() == [["Available"]]
    assert not await is_waited_for(node, rule)
    await happened(node, *statuses(node, "Faulted"))
    node.clock.pass_s(3 * MINUTE)
    await advance(node)
    assert [each.state for each in await alerts(node)] == ["open"]
    assert not await is_waited_for(node, rule)
    reading.take()
    await happened(node, *statuses(node, "Available"))
    assert reading.take() == [["Available"]]
    assert [each.state for each in await alerts(node)] == ["cleared"]
    await happened(node, *statuses(node, "Preparing"))
    assert reading.take() == []


async def test_the_end_of_what_a_rule_found_when_it_was_switched_on_is_heard(node: Node, reading: Reading) -> None:
    rule, rules = fault_rule(node), node.services.alert_rules
    await rules.update(ORGANISATION, rule.id, {"enabled": False})
    await happened(node, *statuses(node, "Faulted"))
    assert not await is_waited_for(node, rule)
    await rules.update(ORGANISATION, rule.id, {"enabled": True})
    assert await is_waited_for(node, rule)
    reading.take()
    await happened(node, *statuses(node, "Available"))
    assert reading.take() == [["Available"]]
    assert not await is_waited_for(node, rule)


async def test_faults_behind_the_first_page_are_found(
    node: Node, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stationmaster.services.alerts.evaluator.AT_A_TIME", 2)
    names = ["Available", "Charging", "Faulted", "Available", "Faulted"]
    await happened(node, *(came(node, number=number) for number in range(1, 6)), *statuses(node, *names))
    connected = ["station.connected"]
    assert reading.take() == [
        [*connected, *connected],
        [*connected, *connected],
        [*connected, "Faulted"],
        [*connected, "Available"],
        ["Charging", "Faulted"],
        ["Available", "Faulted"],
    ]
    assert await is_waited_for(node, fault_rule(node))
