"""Rules over facts: raised once, counted, cleared by themselves, whatever dies in between."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from stationmaster.domain.alerts.kinds import KINDS
from stationmaster.domain.alerts.nouns import Alert
from stationmaster.domain.alerts.words import summary_of
from stationmaster.domain.desired_configuration import ConfigurationDrifted, ConfigurationInStep, DriftingKey
from stationmaster.domain.facts import (
    ConnectorStatusChanged,
    Fact,
    HandshakeRefused,
    MeterSample,
    MeterSampled,
    SecurityEventReported,
    StationConnected,
    StationDisconnected,
    TransactionEnded,
    TransactionStarted,
)
from stationmaster.domain.load_management.facts import SiteAlertCleared, SiteAlertRaised
from stationmaster.domain.local_lists import LocalListReplaced
from stationmaster.domain.locations import Location
from stationmaster.services.alerts import NewRule
from stationmaster.storage.errors import Conflict
from tests.services.node import ORGANISATION, Clock, Node, open_node

MINUTE = 60


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    async with open_node(database_url) as running:
        running.clock.pass_s(1)
        yield running


async def advance(node: Node) -> None:
    await node.services.alert_evaluator.advance(node.clock())


async def alerts(node: Node, **wanted: Any) -> list[Alert]:
    page = await node.storage.alerts.find(ORGANISATION, limit=1000, **wanted)
    return list(page.items)


async def happened(node: Node, *facts: Fact) -> None:
    await node.storage.record(facts)
    await advance(node)


def words(node: Node, station_id: str = "CP7") -> dict[str, Any]:
    return {"organisation_id": ORGANISATION, "station_id": station_id, "received_at": node.clock()}


def gone(node: Node, station_id: str = "CP7", number: int = 1) -> StationDisconnected:
    return StationDisconnected(
        **words(node, station_id), connection_id=number, epoch=number, close_code=1006, reason="-"
    )


def came(node: Node, station_id: str = "CP7", number: int = 1) -> StationConnected:
    return StationConnected(
        **words(node, station_id),
        connection_id=number,
        node_id="node-a",
        epoch=number,
        remote_address="192.0.2.1",
        protocol="ocpp1.6",
        security_profile=0,
    )


def status(node: Node, state: str) -> ConnectorStatusChanged:
    return ConnectorStatusChanged(
        **words(node),
        location=Location("CP7", 2, 1),
        status=state,
        error_code="GroundFailure",
        reported_at=node.clock(),
    )


def refused(node: Node, station_id: str = "CP7", organisation_id: str = ORGANISATION) -> HandshakeRefused:
    return HandshakeRefused(
        **words(node, station_id) | {"organisation_id": organisation_id},
        remote_address="192.0.2.9",
        path="/ocpp/CP7",
        status=401,
        reason="password_wrong",
        detail="The password is wrong.",
        known=bool(organisation_id),
    )


async def test_a_station_that_stays_away_raises_one_alert_that_clears_when_it_comes_back(node: Node) -> None:
    await node.station("CP7", name="Deck 2")
    await happened(node, came(node))
    await happened(node, gone(node))
    node.clock.pass_s(14 * MINUTE)
    await advance(node)
    assert await alerts(node) == []
    node.clock.pass_s(2 * MINUTE)
    await advance(node)
    await advance(node)
    (alert,) = await alerts(node)
    assert alert.state == "open"
    assert alert.summary == "CP7 (Deck 2) has been offline for more than 15 min."
    assert (alert.kind, alert.severity, alert.station_id, alert.count) == ("station_offline", "warning", "CP7", 1)
    await happened(node, came(node, number=2))
    (alert,) = await alerts(node)
    assert (alert.state, alert.cleared_reason, alert.cleared_at) == ("cleared", "cause_ended", node.clock())


async def test_a_station_that_comes_back_in_time_raises_nothing(node: Node) -> None:
    await node.station()
    await happened(node, came(node), gone(node))
    node.clock.pass_s(10 * MINUTE)
    # The late end of the old connection is told after the new one has begun.
    await happened(node, came(node, number=2), gone(node, number=1))
    node.clock.pass_s(60 * MINUTE)
    await advance(node)
    assert await alerts(node) == []


async def test_a_restart_forgets_nothing_that_is_waited_for(database_url: str) -> None:
    clock = Clock()
    async with open_node(database_url, clock=clock) as first:
        await advance(first)
        clock.pass_s(1)
        await first.station()
        await happened(first, came(first), gone(first))
    clock.pass_s(16 * MINUTE)
    async with open_node(database_url, clock=clock) as second:
        await advance(second)
        assert [each.kind for each in await alerts(second)] == ["station_offline"]


async def test_two_nodes_that_evaluate_at_once_count_each_event_once(database_url: str) -> None:
    clock = Clock()
    async with (
        open_node(database_url, clock=clock) as first,
        open_node(database_url, clock=clock, node_id="node-b") as second,
    ):
        await advance(first)
        clock.pass_s(1)
        await first.station()
        for number in range(12):
            node = first if number % 2 else second
            await node.storage.record([refused(node)])
            clock.pass_s(1)
        await asyncio.gather(advance(first), advance(second), advance(first))
        await advance(first)
        (alert,) = await alerts(first)
        # The tenth raises it and stands for all before; two more are counted.
        assert (alert.kind, alert.count) == ("repeated_refusals", 3)


# Only one node writes to an SQLite file.
@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_what_is_stored_late_by_another_node_is_not_passed_over(database_url: str) -> None:
    clock = Clock()
    slow = Clock(clock.now - 2_000_000)
    async with (
        open_node(database_url, clock=clock) as first,
        open_node(database_url, clock=slow, node_id="node-b") as second,
    ):
        await advance(first)
        await first.station()
        await happened(first, came(first), gone(first))
        # Its id is lower than those that have been read already.
        await second.storage.record([came(first, number=2)])
        await advance(first)
        clock.pass_s(60 * MINUTE)
        await advance(first)
        assert await alerts(first) == []


async def test_a_fault_must_last_and_its_end_clears_it(node: Node) -> None:
    await node.station()
    await happened(node, status(node, "Faulted"))
    node.clock.pass_s(MINUTE)
    await happened(node, status(node, "Available"))
    node.clock.pass_s(10 * MINUTE)
    await advance(node)
    assert await alerts(node) == []
    await happened(node, status(node, "Faulted"))
    node.clock.pass_s(3 * MINUTE)
    await happened(node, status(node, "Faulted"))
    (alert,) = await alerts(node)
    assert alert.summary == "Connector 2 of CP7 is faulted (GroundFailure)."
    assert alert.evse_id == 2
    await happened(node, status(node, "Available"))
    assert [each.state for each in await alerts(node)] == ["cleared"]


async def test_refusals_are_counted_within_a_window_and_clear_when_it_is_quiet(node: Node) -> None:
    await node.station()
    for _ in range(9):
        await node.storage.record([refused(node)])
    node.clock.pass_s(11 * MINUTE)
    await happened(node, refused(node))
    assert await alerts(node) == []
    await happened(node, *(refused(node) for _ in range(9)))
    (alert,) = await alerts(node)
    assert alert.summary == "CP7 was refused at the door again and again, from 192.0.2.9: The password is wrong."
    node.clock.pass_s(50 * MINUTE)
    await happened(node, refused(node))
    node.clock.pass_s(50 * MINUTE)
    await advance(node)
    (alert,) = await alerts(node)
    assert (alert.state, alert.count) == ("open", 2)
    node.clock.pass_s(11 * MINUTE)
    await advance(node)
    (alert,) = await alerts(node)
    assert (alert.state, alert.cleared_reason) == ("cleared", "quiet")


async def test_ten_thousand_invented_identities_are_one_alert(node: Node) -> None:
    facts = [refused(node, f"MADE-UP-{number}", "") for number in range(1_200)]
    await happened(node, *facts)
    (alert,) = await alerts(node)
    assert alert.station_id == ""
    assert alert.summary.startswith("Unknown stations knock again and again")
    keys = [(alert.rule_id, f"station:MADE-UP-{number}") for number in range(400)]
    assert await node.storage.alerts.watches(keys) == {}


def started(node: Node, number: int, evse_id: int = 1) -> TransactionStarted:
    return TransactionStarted(
        **words(node), id=number, protocol="ocpp1.6", location=Location("CP7", evse_id, 1), id_tag="TAG", token_id=None,
        parent_id_tag=None, meter_start_wh=1000, started_at=node.clock(), started_at_text=None,
        authorization_status="Accepted",
    )  # fmt: skip


def measured(node: Node, number: int, value: float) -> MeterSampled:
    sample = MeterSample(raw=str(value), value=value, unit="Wh")
    return MeterSampled(
        **words(node), location=Location("CP7", 1, 1), transaction_id=number, sampled_at=node.clock(), samples=(sample,)
    )


async def test_a_transaction_that_delivers_nothing_is_told_and_cleared_when_energy_flows(node: Node) -> None:
    await node.station()
    number = await node.storage.draw_transaction_id()
    await happened(node, started(node, number))
    node.clock.pass_s(10 * MINUTE)
    await node.storage.record([measured(node, number, 1050)])
    node.clock.pass_s(21 * MINUTE)
    await advance(node)
    (alert,) = await alerts(node)
    assert alert.kind == "transaction_without_energy"
    await node.storage.record([measured(node, number, 1500)])
    node.clock.pass_s(11 * MINUTE)
    await advance(node)
    assert [each.state for each in await alerts(node)] == ["cleared"]


async def test_a_transaction_that_charges_never_measures_or_ends_raises_nothing(node: Node) -> None:
    await node.station()
    charging, unmeasured, ended = [await node.storage.draw_transaction_id() for _ in range(3)]
    (stored,) = await node.storage.record([started(node, ended)])
    end = TransactionEnded(
        **words(node), protocol="ocpp1.6", ocpp_id=stored.ocpp_id, orphan_id=0, meter_stop_wh=1000,
        ended_at=node.clock(), ended_at_text=None, reason="Local",
    )  # fmt: skip
    await happened(node, end)
    node.clock.pass_s(1)
    await happened(node, started(node, unmeasured, evse_id=2))
    node.clock.pass_s(1)
    await happened(node, started(node, charging), measured(node, charging, 9000))
    node.clock.pass_s(60 * MINUTE)
    await advance(node)
    assert await alerts(node) == []


async def test_security_events_that_matter_are_told_and_those_of_a_start_are_not(node: Node) -> None:
    await node.station()

    def event(type: str, critical: bool = True) -> SecurityEventReported:
        return SecurityEventReported(
            **words(node), type=type, occurred_at=node.clock(), technical_info="look", critical=critical
        )

    names = ["StartupOfTheDevice", "TamperDetectionActivated", "StationIdentityContested", "CertificateExpiring"]
    await happened(node, *map(event, names), event("InvalidMessages", critical=False))
    found = {each.kind: each.severity for each in await alerts(node)}
    assert found == {"security_event": "critical", "identity_contested": "critical", "certificate_expiring": "warning"}


async def test_what_planners_and_templates_say_becomes_alerts_and_ends(node: Node) -> None:
    await node.station("CP7", site_id="site-1")
    key = DriftingKey("HeartbeatInterval", "drifted", "", "300", "60", "t")
    silent = SiteAlertRaised(
        **words(node, ""), site_id="site-1", location=None, kind="meter_silent", message="The meter is silent."
    )
    ignored = SiteAlertRaised(
        **words(node), site_id="site-1", location=Location("CP7", 1, 1), kind="limit_ignored", message="CP7 ignores it."
    )
    await happened(node, silent, ignored, ConfigurationDrifted(**words(node), keys=(key,)))
    found = {each.kind: (each.summary, each.site_id) for each in await alerts(node)}
    assert found == {
        "site_meter_silent": ("The meter is silent.", "site-1"),
        "limit_ignored": ("CP7 ignores it.", "site-1"),
        "configuration_drift": ("1 configuration keys of CP7 are not as desired: HeartbeatInterval", "site-1"),
    }
    over = SiteAlertCleared(**words(node, ""), site_id="site-1", location=None, kind="meter_silent")
    await happened(node, over, ConfigurationInStep(**words(node), mended=("HeartbeatInterval",)))
    assert {each.kind for each in await alerts(node, state=["open"])} == {"limit_ignored"}


def says(node: Node, error_code: str, state: str = "Available", number: int | None = None) -> ConnectorStatusChanged:
    location = Location("CP7", number, None if number is None else 1)
    return ConnectorStatusChanged(
        **words(node), location=location, status=state, error_code=error_code, info="v7", reported_at=node.clock()
    )


async def test_a_list_that_contradicts_our_answers_is_one_alert_that_names_the_remedy(node: Node) -> None:
    await node.station()
    await happened(node, says(node, "LocalListConflict"))
    await happened(node, says(node, "LocalListConflict", "Unavailable"), says(node, "NoError", number=2))
    (alert,) = await alerts(node)
    assert (alert.kind, alert.state, alert.count, alert.station_id) == ("local_list_conflict", "open", 2, "CP7")
    assert alert.summary == (
        "The local list of CP7 contradicts what the station is answered, v7. Send it the full list."
    )
    assert alert.facts["remedy"] == "send the full list"
    assert summary_of(alert, "de").endswith("Senden Sie ihr die ganze Liste.")


@pytest.mark.parametrize("end", ["NoError", "list"])
async def test_the_conflict_is_over_when_the_station_says_so_or_took_a_full_list(node: Node, end: str) -> None:
    await node.station()
    await happened(node, says(node, "LocalListConflict"))
    over = says(node, "NoError") if end == "NoError" else LocalListReplaced(**words(node), version=3)
    await happened(node, over)
    (alert,) = await alerts(node)
    assert (alert.state, alert.cleared_reason) == ("cleared", "cause_ended")
    await happened(node, says(node, "LocalListConflict"))
    assert len(await alerts(node)) == 2


async def test_rules_look_where_they_are_told_and_clear_what_is_not_their_business(node: Node) -> None:
    await node.station("CP7", site_id="north")
    await node.station("CP8", site_id="south")
    rules = node.services.alert_rules
    await rules.complete([ORGANISATION])
    (usual,) = rules.watching(ORGANISATION, "station_offline")
    quick = await rules.create(
        ORGANISATION, NewRule(kind="station_offline", parameters={"after_minutes": 1}, site_ids=("south",))
    )
    for number, name in enumerate(("CP7", "CP8"), 1):
        await happened(node, came(node, name, number), gone(node, name, number))
    node.clock.pass_s(2 * MINUTE)
    await advance(node)
    assert [(each.station_id, each.rule_id) for each in await alerts(node)] == [("CP8", quick.id)]
    # A shorter wait counts for what is waited for already.
    await rules.update(ORGANISATION, usual.id, {"parameters": {"after_minutes": 2}})
    await advance(node)
    assert len(await alerts(node)) == 3
    await rules.update(ORGANISATION, usual.id, {"enabled": False})
    cleared = await alerts(node, state=["cleared"])
    assert {each.cleared_reason for each in cleared} == {"rule_changed"}
    assert len(cleared) == 2
    await rules.delete(ORGANISATION, quick.id)
    assert await alerts(node, state=["open"]) == []


async def test_rules_that_are_needed_twice_at_once_are_made_once(node: Node) -> None:
    rules = node.services.alert_rules
    await asyncio.gather(*(rules.complete([ORGANISATION]) for _ in range(3)))
    await node.storage.alert_rules.add([])
    assert len(await rules.of(ORGANISATION)) == len(KINDS)


async def test_a_rule_that_is_switched_off_hears_nothing(node: Node) -> None:
    await node.station()
    rules = node.services.alert_rules
    await rules.complete([ORGANISATION])
    (rule,) = rules.watching(ORGANISATION, "station_offline")
    await rules.update(ORGANISATION, rule.id, {"enabled": False})
    await happened(node, came(node), gone(node))
    assert await node.storage.alerts.watches([(rule.id, "station:CP7")]) == {}
    node.clock.pass_s(60 * MINUTE)
    await advance(node)
    assert await alerts(node) == []


async def test_a_removed_station_leaves_nothing_standing(node: Node) -> None:
    await node.station()
    await happened(node, status(node, "Faulted"), came(node), gone(node))
    node.clock.pass_s(5 * MINUTE)
    await advance(node)
    await node.services.stations.delete(ORGANISATION, "CP7")
    assert [each.cleared_reason for each in await alerts(node)] == ["station_removed"]
    node.clock.pass_s(60 * MINUTE)
    await advance(node)
    assert len(await alerts(node)) == 1


async def test_a_page_that_another_node_has_dealt_with_changes_nothing(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.station()
    sheet_of = node.services.alert_evaluator._sheet

    async def late(*given: Any) -> Any:
        # Another node is faster, between our reading and our writing.
        monkeypatch.setattr(node.services.alert_evaluator, "_sheet", sheet_of)
        await advance(node)
        return await sheet_of(*given)

    await node.storage.record([refused(node) for _ in range(15)])
    monkeypatch.setattr(node.services.alert_evaluator, "_sheet", late)
    with pytest.raises(Conflict):
        await node.services.alert_evaluator._hear(node.clock())
    await advance(node)
    (alert,) = await alerts(node)
    assert alert.count == 6


async def test_a_rule_that_is_switched_on_finds_what_lasts_already(node: Node) -> None:
    await node.station("CP7", site_id="north")
    await node.station("CP8", site_id="south")
    await node.station("CP9")  # It was never here, so it is not away.
    rules = node.services.alert_rules
    await rules.complete([ORGANISATION])
    usual = {kind: rules.watching(ORGANISATION, kind)[0] for kind in ("station_offline", "connector_faulted")}
    for rule in usual.values():
        await rules.update(ORGANISATION, rule.id, {"enabled": False})
    await happened(node, status(node, "Faulted"), came(node), gone(node))
    node.clock.pass_s(60 * MINUTE)
    await happened(node, came(node, "CP8", 2), gone(node, "CP8", 2))
    for rule in usual.values():
        await rules.update(ORGANISATION, rule.id, {"enabled": True})
    node.clock.pass_s(MINUTE)
    await advance(node)
    found = {each.kind: each for each in await alerts(node)}
    assert {each.station_id for each in found.values()} == {"CP7"}, "CP8 has not been away for long enough"
    assert found["station_offline"].first_at == node.clock() - 61 * MINUTE * 1_000_000
    assert found["connector_faulted"].summary == "Connector 2 of CP7 is faulted (GroundFailure)."
    node.clock.pass_s(15 * MINUTE)
    await advance(node)
    assert {each.station_id for each in await alerts(node, kind=["station_offline"])} == {"CP7", "CP8"}
    # Switched on though it is on, and renamed: what stands goes on and counts once.
    await rules.update(ORGANISATION, usual["station_offline"].id, {"enabled": True, "name": "Away"})
    node.clock.pass_s(MINUTE)
    await advance(node)
    assert [each.count for each in await alerts(node)] == [1, 1, 1]
    await happened(node, came(node, "CP7", 3), came(node, "CP8", 4), status(node, "Available"))
    assert await alerts(node, state=["open"]) == []


async def test_a_new_rule_and_one_with_more_sites_find_what_lasts_there(node: Node) -> None:
    await node.station("CP7", site_id="north")
    await node.station("CP8", site_id="south")
    for number, name in enumerate(("CP7", "CP8"), 1):
        await happened(node, came(node, name, number), gone(node, name, number))
    node.clock.pass_s(5 * MINUTE)
    quick = NewRule(kind="station_offline", parameters={"after_minutes": 1}, site_ids=("south",))
    rule = await node.services.alert_rules.create(ORGANISATION, quick)
    node.clock.pass_s(MINUTE)
    await advance(node)
    assert [each.station_id for each in await alerts(node)] == ["CP8"]
    await node.services.alert_rules.update(ORGANISATION, rule.id, {"site_ids": ["north", "south"]})
    node.clock.pass_s(MINUTE)
    await advance(node)
    assert {each.station_id: each.count for each in await alerts(node)} == {"CP7": 1, "CP8": 1}


async def test_a_rule_that_is_switched_on_finds_a_transaction_that_delivers_nothing(node: Node) -> None:
    await node.station()
    rules = node.services.alert_rules
    await rules.complete([ORGANISATION])
    (rule,) = rules.watching(ORGANISATION, "transaction_without_energy")
    await rules.update(ORGANISATION, rule.id, {"enabled": False})
    number = await node.storage.draw_transaction_id()
    await happened(node, started(node, number))
    node.clock.pass_s(10 * MINUTE)
    await happened(node, measured(node, number, 1050))
    await rules.update(ORGANISATION, rule.id, {"enabled": True})
    node.clock.pass_s(15 * MINUTE)
    await advance(node)
    assert await alerts(node) == []
    node.clock.pass_s(6 * MINUTE)
    await advance(node)
    assert [each.kind for each in await alerts(node)] == ["transaction_without_energy"]
