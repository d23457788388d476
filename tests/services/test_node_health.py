"""What a node notices of itself becomes facts, and alerts of who runs the system."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stationmaster.domain.alerts.nouns import Alert
from stationmaster.services.node_health import NodeHealth
from stationmaster.storage.errors import Unavailable
from tests.services.node import ORGANISATION, SECOND, Node, open_node

DAY_S = 24 * 3600


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    async with open_node(database_url) as running:
        running.clock.pass_s(1)
        yield running


def health(node: Node, folder: Path, low_disk_bytes: int = 0) -> NodeHealth:
    """As a node has it from its start on."""
    return NodeHealth(node.storage, "node-a", folder, low_disk_bytes=low_disk_bytes)


async def alerts(node: Node, kind: str) -> list[Alert]:
    await node.services.alert_evaluator.advance(node.clock())
    return list((await node.storage.alerts.find(ORGANISATION, kind=[kind])).items)


async def events(node: Node, kind: str) -> int:
    return len((await node.storage.events.find(type=f"node.{kind}")).items)


async def test_a_database_that_was_away_is_told_once_when_it_is_back(node: Node, tmp_path: Path) -> None:
    watching = health(node, tmp_path)
    await watching.look(node.clock())
    assert await alerts(node, "database_unavailable") == []
    since = node.clock()
    node.storage.figures.last_outage = (since, node.clock.pass_s(90))
    for _ in range(3):
        await watching.look(node.clock())
    (alert,) = await alerts(node, "database_unavailable")
    assert (alert.severity, alert.count, alert.facts["seconds"]) == ("critical", 1, 90)
    assert alert.summary.startswith("The node node-a could not write to its database for 90 s")
    node.storage.figures.last_outage = (node.clock.pass_s(10), node.clock.pass_s(1))
    await watching.look(node.clock())
    (alert,) = await alerts(node, "database_unavailable")
    assert alert.count == 2
    node.clock.pass_s(DAY_S + 1)
    (alert,) = await alerts(node, "database_unavailable")
    assert alert.cleared_at is not None


async def test_a_disk_that_is_nearly_full_is_told_until_it_has_room(node: Node, tmp_path: Path) -> None:
    total = shutil.disk_usage(tmp_path).total
    await health(node, tmp_path, low_disk_bytes=1).look(node.clock())
    assert await events(node, "disk_space") == 0, "all is well, which is no news"
    watching = health(node, tmp_path, low_disk_bytes=total)
    for _ in range(3):
        await watching.look(node.clock())
    assert await events(node, "disk_space") == 1, "only changes are told"
    (alert,) = await alerts(node, "disk_nearly_full")
    assert (alert.cleared_at, alert.facts["total_mib"]) == (None, total // 1024**2)
    # The node starts anew, and there is only a little more room than what counts as little.
    node.clock.pass_s(60)
    await health(node, tmp_path, low_disk_bytes=round(shutil.disk_usage(tmp_path).free / 1.1)).look(node.clock())
    (alert,) = await alerts(node, "disk_nearly_full")
    assert alert.cleared_at is None
    # Somebody makes room.
    await health(node, tmp_path, low_disk_bytes=1).look(node.clock())
    (alert,) = await alerts(node, "disk_nearly_full")
    assert alert.cleared_at is not None


async def test_what_cannot_be_stored_is_told_at_the_next_look(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = health(node, tmp_path)
    record = node.storage.record

    async def refuse(*_: object) -> None:
        raise Unavailable("it is away again")

    monkeypatch.setattr(node.storage, "record", refuse)
    node.storage.figures.last_outage = (node.clock() - 5 * SECOND, node.clock())
    with pytest.raises(Unavailable):
        await watching.look(node.clock())
    monkeypatch.setattr(node.storage, "record", record)
    await watching.look(node.clock())
    assert len(await alerts(node, "database_unavailable")) == 1
