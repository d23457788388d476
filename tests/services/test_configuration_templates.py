"""Templates: which one counts, what is refused, secrets that stand nowhere, advice."""

from typing import Any

import pytest
import sqlalchemy as sa

from stationmaster.domain.errors import Invalid
from stationmaster.services.configuration_templates import GivenEntry
from stationmaster.storage.tables import metadata
from tests.services.following import ACTOR, apply, booted, follow, stands, states, station_of, template, template_of
from tests.services.node import ORGANISATION, Node, until


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


async def test_what_a_station_told_of_a_key_before_it_was_secret_is_forgotten(node: Node) -> None:
    template_id = await template(node, keys={"CpoName": SECRET, "VendorPin": "1234"})
    line = await booted(node, "show")
    line.keys |= {"VendorPin": SECRET, "CpoName": "North"}
    await node.services.commands.send(ORGANISATION, "CP7", "GetConfiguration", {}, requested_by=ACTOR, wait_s=5)
    line.at_boot.add("VendorPin")
    change = {"key": "VendorPin", "value": f"{SECRET}, from the next boot on"}
    await node.services.commands.send(ORGANISATION, "CP7", "ChangeConfiguration", change, requested_by=ACTOR, wait_s=5)
    drifted = {"CpoName": ("drifted", "differs"), "VendorPin": ("drifted", "differs")}
    await until(lambda: stands(node, drifted))

    async def compared_after_the_change() -> bool:
        return "from the next boot on" in repr(await node.storage.read(everything_in("desired_key")))

    await until(compared_after_the_change)
    hidden = [GivenEntry("CpoName", "South"), GivenEntry("VendorPin", SECRET, secret=True)]
    await node.services.configuration_templates.update(ORGANISATION, template_id, {}, hidden)
    for _ in range(2):
        for table in ("variable", "desired_key", "configuration_template"):
            rows = await node.storage.read(everything_in(table))
            assert SECRET not in repr([row for row in rows if "VendorPin" in repr(row)]), table
        await node.services.desired_configuration.sweep(node.clock())
    known = {each.variable: each.value for each in await node.storage.configuration.of("CP7")}
    assert (known["VendorPin"], known["CpoName"]) == (None, "North"), "only what is secret"


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
    await until(lambda: stands(node, {"WifiPassword": ("unknown", "never_set")}))


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
