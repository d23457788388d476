"""Desired configuration as dialogues: read first, change what differs, read back, see a reset through."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from stationmaster.domain.desired_configuration import ConfigurationTemplate
from stationmaster.domain.errors import Conflict, Invalid
from stationmaster.domain.jobs import Job
from stationmaster.domain.stations import Station
from stationmaster.services.configuration_templates import GivenEntry
from stationmaster.services.context import ServiceSettings
from stationmaster.storage.tables import metadata
from tests.actions.line import SILENCE, connect_as
from tests.services.keyed_station import KeyedStation
from tests.services.node import ORGANISATION, Node, open_node, until

ACTOR = "api_key:test"
HOUR_S = 3600


async def template(node: Node, name: str = "T", /, keys: dict[str, str] | None = None, **more: Any) -> str:
    """A template that every station of Acme gets; its id."""
    entries = [GivenEntry(key, value) for key, value in (keys or {"HeartbeatInterval": "600"}).items()]
    given = {"name": name, "vendor": "Acme"} | more
    made = await node.services.configuration_templates.create(ORGANISATION, given, entries)
    return made.id


async def template_of(node: Node, template_id: str) -> ConfigurationTemplate:
    return await node.services.configuration_templates.get(ORGANISATION, template_id)


async def station_of(node: Node) -> Station:
    found: Station | None = await node.storage.stations.get("CP7")
    assert found is not None
    return found


async def follow(node: Node, mode: str, *template_ids: str) -> None:
    await node.services.desired_configuration.follow([await station_of(node)], mode, template_ids)


async def booted(node: Node, mode: str = "on_demand") -> KeyedStation:
    """A station that has booted and is followed."""
    line = await connect_as(KeyedStation, node)
    await line.boots()
    await follow(node, mode)
    return line


async def apply(node: Node, **more: Any) -> Job:
    node.clock.pass_s(1)
    return await node.services.configuration_jobs.begin(await station_of(node), ACTOR, wait_s=5, **more)


async def states(node: Node) -> dict[str, tuple[str, str]]:
    """(state, reason) of each desired key as it is stored."""
    return {each.key: (each.state, each.reason) for each in await node.storage.desired_configuration.keys_of("CP7")}


async def told(node: Node) -> list[str]:
    """What the event stream heard of drift, the oldest first."""
    page = await node.storage.events.find(ORGANISATION, type=["configuration.drifted", "configuration.in_step"])
    return [each.type.removeprefix("configuration.") for each in reversed(page.items)]


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
    await until(lambda: _is(node, {"HeartbeatInterval": ("drifted", "differs")}))
    assert await told(node) == ["drifted"]
    assert line.asked("ChangeConfiguration") == []
    with pytest.raises(Conflict):
        await apply(node)


async def _is(node: Node, wanted: dict[str, tuple[str, str]]) -> bool:
    return await states(node) == wanted


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
    assert found.pop("nosuchkey") == ("not_supported", "unknown_key")
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
    await until(lambda: _heard(line, "ChangeConfiguration"))
    line.keys["HeartbeatInterval"] = "600"
    line.passes_s(31)
    assert (await begun).result == "in_step"


async def _heard(line: KeyedStation, action: str) -> bool:
    return any(each == action for each, _ in line.heard)


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
    assert line.asked("Reset") == []
    assert await told(node) == [], "what waits for a boot is no drift"

    node.clock.pass_s(1)
    started = {"connectorId": 1, "idTag": "A1", "meterStart": 0, "timestamp": "2025-03-01T12:34:00Z"}
    transaction = await line.says("StartTransaction", **started)
    await node.services.configuration_jobs.agree(await station_of(node))
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
    return await _heard(line, "Reset")


async def test_never_reset_leaves_the_value_to_the_next_boot(node: Node) -> None:
    await template(node, reboot="never")
    line = await booted(node)
    line.at_boot.add("HeartbeatInterval")
    job = await apply(node)
    assert (job.state, job.result) == ("done", "reboot_pending")
    assert line.asked("Reset") == []
    await line.boots()
    await until(lambda: _is(node, {"HeartbeatInterval": ("in_step", "as_set")}))


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


# Templates.


async def test_the_more_important_template_wins_and_a_change_of_it_is_seen_at_once(node: Node) -> None:
    weak = await template(node, "weak", keys={"HeartbeatInterval": "600"})
    strong = await template(node, "strong", keys={"heartbeatinterval": "900"}, priority=1)
    line = await booted(node)
    line.keys["HeartbeatInterval"] = "900"
    await apply(node)
    (record,) = await node.storage.desired_configuration.keys_of("CP7")
    assert (record.template_id, record.state) == (strong, "in_step")
    templates = node.services.configuration_templates
    await templates.update(ORGANISATION, strong, {"priority": -1}, None)
    await node.services.desired_configuration.sweep(node.clock())
    (record,) = await node.storage.desired_configuration.keys_of("CP7")
    assert (record.template_id, record.state, record.desired, record.actual) == (weak, "drifted", "600", "900")


async def test_a_key_that_the_security_jobs_look_after_is_refused(node: Node) -> None:
    for key in ("AuthorizationKey", "authorizationkey", "SecurityProfile"):
        with pytest.raises(Invalid) as raised:
            await template(node, keys={key: "AB" * 20})
        assert raised.value.fields[0]["code"] == "not_for_templates"
        assert "instead" in raised.value.message


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({}, "out_of_range"),
        ({"K" * 51: "1"}, "not_sendable"),
        ({"HeartbeatInterval": "x" * 501}, "not_sendable"),
        ({"HeartbeatInterval": "1", "heartbeatINTERVAL": "2"}, "twice"),
    ],
)
async def test_what_could_never_be_sent_is_refused(node: Node, keys: dict[str, str], code: str) -> None:
    entries = [GivenEntry(key, value) for key, value in keys.items()]
    with pytest.raises(Invalid) as raised:
        await node.services.configuration_templates.create(ORGANISATION, {"name": "T"}, entries)
    assert raised.value.fields[0]["code"] == code


SECRET = "correct horse battery staple"


async def test_a_secret_is_set_and_then_stands_nowhere(node: Node, sqlite_url: str) -> None:
    template_id = await template(node, keys={"WifiPassword": SECRET})
    line = await booted(node)
    line.keys["WifiPassword"] = "old"
    await apply(node)
    assert line.changes() == [("WifiPassword", SECRET)]
    assert await states(node) == {"WifiPassword": ("in_step", "as_set")}
    await apply(node)
    assert line.changes() == [], "what was set is not set again"
    await node.services.commands.send(ORGANISATION, "CP7", "GetConfiguration", {}, requested_by=ACTOR, wait_s=5)
    for table in ("job", "variable", "desired_key", "event", "configuration_template"):
        rows = await node.storage.read(everything_in(table))
        assert SECRET not in repr(rows), table
    kept = await template_of(node, template_id)
    assert kept.entries[0].value is None
    changed = await node.services.configuration_templates.update(
        ORGANISATION, template_id, {}, [GivenEntry("WifiPassword", None), GivenEntry("CpoName", "North")]
    )
    assert node.services.configuration_templates.value_of(changed, changed.entries[0]) == SECRET, "left out, it stays"
    with pytest.raises(Invalid):
        await node.services.configuration_templates.update(ORGANISATION, template_id, {}, [GivenEntry("CpoName", None)])


def everything_in(table: str) -> Any:
    return sa.select(metadata.tables[table])


async def test_a_secret_that_somebody_else_has_set_since_is_unknown_again(node: Node) -> None:
    await template(node, keys={"WifiPassword": SECRET})
    line = await booted(node)
    line.keys["WifiPassword"] = "old"
    await apply(node)
    node.clock.pass_s(10)
    await node.services.commands.send(
        ORGANISATION, "CP7", "ChangeConfiguration", {"key": "WifiPassword", "value": "mine"},
        requested_by=ACTOR, wait_s=5,
    )  # fmt: skip
    await until(lambda: _is(node, {"WifiPassword": ("unknown", "never_set")}))


async def test_a_deleted_template_leaves_stations_and_their_drift(node: Node) -> None:
    template_id = await template(node, vendor=None)
    await booted(node)
    await follow(node, "on_demand", template_id)
    await apply(node)
    await node.services.configuration_templates.delete(ORGANISATION, template_id)
    await node.services.desired_configuration.sweep(node.clock())
    assert await states(node) == {}
    followed = await node.services.desired_configuration.followed(await station_of(node))
    assert (followed.mode, followed.template_ids) == ("on_demand", ())


async def test_an_unknown_template_cannot_be_assigned(node: Node) -> None:
    await node.station("CP7")
    with pytest.raises(Invalid):
        await follow(node, "show", "0" * 32)


async def test_advice_is_given_by_what_was_read(node: Node) -> None:
    line = await booted(node, "off")
    line.keys |= {"WebSocketPingInterval": "600", "TransactionMessageAttempts": "3"}
    line.keys |= {"TransactionMessageRetryInterval": "60"}
    await node.services.commands.send(ORGANISATION, "CP7", "GetConfiguration", {}, requested_by=ACTOR, wait_s=5)
    advice = await node.services.desired_configuration.advice(await station_of(node))
    assert [(each.code, each.severity) for each in advice] == [("pings_too_rare", "warning")]
    assert "3 x 60 s = 180 s" in advice[0].words


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
        await until(lambda: _heard(line, "ChangeConfiguration"))
