"""Desired configuration as dialogues: read first, change what differs, read back, see a reset through."""

import asyncio

import pytest

from stationmaster.domain.errors import Conflict
from stationmaster.services.context import ServiceSettings
from tests.actions.line import SILENCE, connect_as
from tests.services.following import ACTOR, apply, booted, follow, heard, stands, states, station_of, template, told
from tests.services.keyed_station import KeyedStation
from tests.services.node import ORGANISATION, Node, open_node, until

HOUR_S = 3600


# Modes: no surprise traffic.


async def test_nothing_is_sent_or_compared_before_somebody_says_so(node: Node) -> None:
    await template(node)
    line = await connect_as(KeyedStation, node)
    await line.boots()
    await line.boots()
    assert line.heard == []
    assert await states(node) == {}
    with pytest.raises(Conflict) as raised:
        await apply(node)
    assert raised.value.code == "not_followed"


async def test_show_compares_with_what_was_read_and_sends_nothing(node: Node) -> None:
    await template(node)
    line = await booted(node, "show")
    assert await states(node) == {"HeartbeatInterval": ("unknown", "not_read")}
    await node.services.commands.send(
        ORGANISATION, "CP7", "GetConfiguration", {"key": ["heartbeatinterval"]}, requested_by=ACTOR, wait_s=5
    )
    await until(lambda: stands(node, {"HeartbeatInterval": ("drifted", "differs")}))
    assert await told(node) == ["drifted"]
    assert line.asked("ChangeConfiguration") == []
    with pytest.raises(Conflict):
        await apply(node)


async def test_a_template_that_is_only_shown_is_not_applied_though_the_station_would_be(node: Node) -> None:
    await template(node, mode="show")
    line = await booted(node, "on_connect")
    job = await apply(node)
    assert (job.state, job.result) == ("done", "nothing_desired")
    assert line.heard == []


async def test_turning_it_off_forgets_the_comparison_and_says_that_nothing_differs(node: Node) -> None:
    await template(node)
    await booted(node)
    await apply(node)
    await follow(node, "off")
    assert await states(node) == {}


# Applying.


async def test_it_reads_first_changes_only_what_differs_and_reads_that_back(node: Node) -> None:
    keys = {"HeartbeatInterval": "600", "CpoName": "", "MeterValueSampleInterval": "60", "BlinkRepeat": "3"}
    await template(node, keys=keys)
    line = await booted(node)
    line.keys |= {"MeterValueSampleInterval": "060", "BlinkRepeat": "1"}
    job = await apply(node)
    assert (job.state, job.result, job.persistent) == ("done", "in_step", True)
    assert sorted(line.changes()) == [("BlinkRepeat", "3"), ("HeartbeatInterval", "600")]
    asked = [each["key"] for each in line.asked("GetConfiguration")]
    assert asked[0] == ["GetConfigurationMaxKeys"], "how many keys it takes is asked first"
    assert [len(each) for each in asked[1:]] == [3, 1, 2], "four keys, three at a time; then what was changed"
    assert {state for state, _ in (await states(node)).values()} == {"in_step"}
    again = await apply(node)
    assert again.result == "in_step"
    assert line.changes() == []


async def test_a_station_that_says_accepted_and_does_nothing_has_drifted_and_is_left_alone_for_a_while(
    node: Node,
) -> None:
    await template(node)
    line = await booted(node, "on_connect")
    line.lies.add("HeartbeatInterval")
    await line.boots()
    assert line.changes() == [("HeartbeatInterval", "600")]
    assert await states(node) == {"HeartbeatInterval": ("drifted", "accepted_but_not_changed")}
    for _ in range(3):
        await line.boots()
        assert line.changes() == [], "within the hour it is not tried again"
    (record,) = await node.storage.desired_configuration.keys_of("CP7")
    assert record.attempts == 1
    node.clock.pass_s(HOUR_S)
    await line.boots()
    assert line.changes() == [("HeartbeatInterval", "600")]
    (record,) = await node.storage.desired_configuration.keys_of("CP7")
    assert record.attempts == 2
    node.clock.pass_s(HOUR_S + 60)
    await line.boots()
    assert line.changes() == [], "the second pause is twice as long"
    await apply(node)
    assert line.changes() == [("HeartbeatInterval", "600")], "a person may always try"
    assert await told(node) == ["drifted"], "it is told once, not each time"
    line.lies.clear()
    await apply(node)
    assert await states(node) == {"HeartbeatInterval": ("in_step", "as_read")}
    assert await told(node) == ["drifted", "in_step"]


async def test_a_key_that_the_station_does_not_know_is_told_and_never_sent(node: Node) -> None:
    await template(node, keys={"NoSuchKey": "1", "HeartbeatInterval": "600"})
    line = await booted(node)
    job = await apply(node)
    assert (job.state, job.result) == ("done", "drifted")
    assert line.changes() == [("HeartbeatInterval", "600")]
    found = await states(node)
    assert found.pop("NoSuchKey") == ("not_supported", "unknown_key")
    assert found == {"HeartbeatInterval": ("in_step", "as_read")}


async def test_what_is_refused_or_read_only_is_remembered(node: Node) -> None:
    await template(node, keys={"HeartbeatInterval": "600", "GetConfigurationMaxKeys": "9"})
    line = await booted(node, "on_connect")
    line.refuses.add("HeartbeatInterval")
    await line.boots()
    assert await states(node) == {
        "HeartbeatInterval": ("refused", "rejected"),
        "GetConfigurationMaxKeys": ("readonly", "readonly"),
    }
    line.changes()
    await line.boots()
    assert line.changes() == [], "it has said no to this value"
    line.refuses.clear()
    await line.boots(firmware="2.0")
    assert line.changes() == [("HeartbeatInterval", "600")], "another firmware may think otherwise"


async def test_an_error_is_a_refusal_and_a_missing_action_means_not_supported(node: Node) -> None:
    await template(node, keys={"HeartbeatInterval": "600", "CpoName": "North"})
    line = await booted(node)
    line.will_answer("ChangeConfiguration", ("InternalError", "no"))
    line.will_answer("ChangeConfiguration", ("NotSupported", "no"))
    await apply(node)
    assert await states(node) == {
        "CpoName": ("refused", "error"),
        "HeartbeatInterval": ("not_supported", "unknown_key"),
    }


async def test_a_station_that_cannot_be_read_is_left_alone_ever_longer(node: Node) -> None:
    await template(node)
    line = await booted(node, "on_connect")
    for pause_s in (900, 1800):
        line.will_answer("GetConfiguration", ("InternalError", "no"))
        await line.boots()
        assert len(line.asked("GetConfiguration")) == 1
        await line.boots()
        assert line.asked("GetConfiguration") == []
        node.clock.pass_s(pause_s)
    (job, *_) = (await node.storage.jobs.find(ORGANISATION, action="ApplyConfiguration")).items
    assert (job.state, job.result, job.requested_by) == ("error", "unreadable", "desired_configuration")
    await line.boots()
    assert line.changes() == [("HeartbeatInterval", "600")]
    followed = await node.services.desired_configuration.followed(await station_of(node))
    assert followed.failures == 0


async def test_a_change_without_an_answer_is_judged_by_what_is_read_afterwards(node: Node) -> None:
    await template(node)
    line = await booted(node)
    line.will_answer("ChangeConfiguration", SILENCE)
    begun = asyncio.create_task(apply(node))
    await until(lambda: heard(line, "ChangeConfiguration"))
    line.keys["HeartbeatInterval"] = "600"
    line.passes_s(31)
    assert (await begun).result == "in_step"


# Resets.


async def test_a_value_for_the_next_boot_waits_for_consent_then_for_idleness_and_is_read_after_the_boot(
    node: Node,
) -> None:
    await template(node, reboot="ask")
    line = await booted(node)
    line.at_boot.add("HeartbeatInterval")
    job = await apply(node)
    assert (job.state, job.progress) == ("waiting", '{"step":"consent","waiting_for_reboot":["heartbeatinterval"]}')
    assert await states(node) == {"HeartbeatInterval": ("reboot_pending", "reboot_required")}
    (record,) = await node.storage.desired_configuration.keys_of("CP7")
    assert (record.desired, record.actual) == ("600", "300"), "the value in force is not forgotten"
    assert line.asked("Reset") == []
    assert await told(node) == [], "what waits for a boot is no drift"

    node.clock.pass_s(1)
    started = {"connectorId": 1, "idTag": "A1", "meterStart": 0, "timestamp": "2025-03-01T12:34:00Z"}
    transaction = await line.says("StartTransaction", **started)
    await node.services.configuration_jobs.agree(await station_of(node))
    await asyncio.gather(*node.services.configuration_jobs._tasks)
    await node.services.configuration_jobs.advance(node.clock())
    assert line.asked("Reset") == [], "not while somebody charges"
    stopped = {"transactionId": transaction["transactionId"], "meterStop": 5, "timestamp": "2025-03-01T12:35:00Z"}
    await line.says("StopTransaction", **stopped)
    await until(lambda: _is_reset(node, line))
    assert line.asked("Reset") == [{"type": "Soft"}]
    line.asked("GetConfiguration")

    await line.boots()
    ended = await node.storage.jobs.get(job.id)
    assert ended is not None
    assert (ended.state, ended.result) == ("done", "in_step")
    assert line.asked("GetConfiguration") == [{"key": ["HeartbeatInterval"]}]
    assert await states(node) == {"HeartbeatInterval": ("in_step", "as_read")}


async def _is_reset(node: Node, line: KeyedStation) -> bool:
    node.clock.pass_s(1)
    await node.services.configuration_jobs.advance(node.clock())
    return await heard(line, "Reset")


async def test_never_reset_leaves_the_value_to_the_next_boot(node: Node) -> None:
    await template(node, reboot="never")
    line = await booted(node)
    line.at_boot.add("HeartbeatInterval")
    job = await apply(node)
    assert (job.state, job.result) == ("done", "reboot_pending")
    assert line.asked("Reset") == []
    await line.boots()
    await until(lambda: stands(node, {"HeartbeatInterval": ("in_step", "as_set")}))


async def test_a_reset_that_is_refused_is_tried_three_times(node: Node) -> None:
    await template(node, reboot="when_idle")
    line = await booted(node)
    line.at_boot.add("HeartbeatInterval")
    for _ in range(3):
        line.will_answer("Reset", status="Rejected")
    job = await apply(node)
    for _ in range(3):
        node.clock.pass_s(5)
        await node.services.configuration_jobs.advance(node.clock())
    ended = await node.storage.jobs.get(job.id)
    assert ended is not None
    assert (ended.state, ended.result) == ("error", "reset_refused")
    assert len(line.asked("Reset")) == 3


async def test_a_value_that_a_boot_did_not_bring_is_drift(node: Node) -> None:
    await template(node, reboot="when_idle")
    line = await booted(node)
    line.at_boot.add("HeartbeatInterval")
    await apply(node)
    line._pending.clear()
    await line.boots()
    assert await states(node) == {"HeartbeatInterval": ("drifted", "accepted_but_not_changed")}


# Over time, restarts and nodes.


async def test_a_job_waits_for_a_station_that_is_away_over_a_restart(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as first:
        line = await booted(first)
        line.hangs_up()
        await template(first)
        assert line.serving is not None
        await line.serving.__aexit__(None, None, None)
        job = await apply(first)
        assert (job.state, job.progress) == ("waiting", '{"step":"ask"}')
        with pytest.raises(Conflict) as raised:
            await apply(first)
        assert raised.value.code == "configuration_job_running"
        now = first.clock()
    async with open_node(sqlite_url, node_id="node-b") as second:
        second.clock.now = now
        line = await connect_as(KeyedStation, second)
        await line.boots()
        ended = await second.storage.jobs.get(job.id)
        assert ended is not None
        assert (ended.state, ended.result) == ("done", "in_step")
        assert line.changes() == [("HeartbeatInterval", "600")]


async def test_a_job_whose_deadline_passed_is_never_begun(node: Node) -> None:
    await template(node)
    line = await booted(node)
    assert line.serving is not None
    await line.serving.__aexit__(None, None, None)
    job = await apply(node, deadline=node.clock() + 60_000_000)
    node.clock.pass_s(61)
    await node.services.configuration_jobs.advance(node.clock())
    ended = await node.storage.jobs.get(job.id)
    assert ended is not None
    assert (ended.state, ended.result) == ("expired", "expired")
    assert line.heard == []


async def test_a_job_can_be_called_off(node: Node) -> None:
    await template(node)
    line = await booted(node)
    assert line.serving is not None
    await line.serving.__aexit__(None, None, None)
    job = await apply(node)
    await node.services.configuration_jobs.cancel(job.id)
    ended = await node.storage.jobs.get(job.id)
    assert ended is not None
    assert ended.state == "cancelled"
    with pytest.raises(Conflict):
        await node.services.configuration_jobs.cancel(job.id)


async def test_a_station_that_comes_while_its_job_is_under_way_elsewhere_is_looked_at_again(sqlite_url: str) -> None:
    async with open_node(sqlite_url, settings=ServiceSettings(arrival_settle_s=0.01)) as node:
        await template(node)
        line = await booted(node)
        assert line.serving is not None
        await line.serving.__aexit__(None, None, None)
        job = await apply(node)
        jobs, now = node.storage.configuration_jobs, node.clock()
        assert await jobs.claim(job.id, "ask", now, now + HOUR_S * 1_000_000)
        line = await connect_as(KeyedStation, node)
        await line.boots()
        assert line.heard == []
        await jobs.update(job.id, {"claimed_until": 0})
        await until(lambda: heard(line, "ChangeConfiguration"))
