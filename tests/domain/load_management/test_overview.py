"""A site as it stands: the limit ahead, the sums, and what is held back."""

from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management.effects import AlertKind
from stationmaster.domain.load_management.lanes import UNLIMITED, Phase
from stationmaster.domain.load_management.overview import limits_ahead, overview
from stationmaster.domain.load_management.site import Policy, Site, SiteLimit
from stationmaster.domain.locations import Location
from tests.domain.load_management.garage import NOON, SECOND, Garage, connector, fuse

HOUR = 3600 * SECOND
EVENING = SiteLimit(name="evening", total_w=9200, daily_from_s=17 * 3600, daily_to_s=20 * 3600)


def test_the_limit_ahead_is_told_where_it_changes_and_by_whom_it_is_set() -> None:
    site = Site(site_id="garage", limits=(fuse(63), EVENING), policy=Policy.EQUAL)
    now, evening, night = limits_ahead(site, NOON, NOON + 24 * HOUR)
    assert (now.lanes, now.names) == ((630, 630, 630, UNLIMITED), (("fuse",), ("fuse",), ("fuse",), ()))
    assert (evening.at, evening.lanes[3], evening.names[3]) == (NOON + 5 * HOUR, 400, ("evening",))
    assert (night.at, night.lanes) == (NOON + 8 * HOUR, now.lanes)


def test_the_sums_are_those_of_the_connectors() -> None:
    garage = Garage(connector("CP1"), connector("CP2"), connector("CP3"), limits=(fuse(40),))
    garage.comes("CP1", phases=(Phase.L1,))
    garage.comes("CP2", "2")
    garage.settle()
    found = overview(garage.planner.snapshot(), garage.now)
    totals = found.totals
    assert totals.offered == totals.reserved
    assert (totals.offered[0], totals.transactions, totals.paused) == (400, 2, 0)
    garage.tell(said.StationOffline(station_id="CP2"))
    found = overview(garage.planner.snapshot(), garage.now)
    reserved = garage.decision("CP2").reserved
    assert found.totals.held_back == reserved
    assert [each.kind for each in found.alerts] == [AlertKind.STATION_OFFLINE]
    assert found.alerts[0].raised_at == garage.now


def test_what_was_measured_long_ago_is_not_summed() -> None:
    garage = Garage(connector("CP1"))
    garage.comes("CP1")
    garage.settle()
    garage.tell(said.Measured(location=Location.of_connector_number("CP1", 1), deciamps=(100, 100, 100)))
    assert overview(garage.planner.snapshot(), garage.now).totals.measured == (100, 100, 100, 300)
    assert overview(garage.planner.snapshot(), garage.now + HOUR).totals.measured == (0, 0, 0, 0)


def test_where_somebody_else_rules_the_most_is_reserved_until_they_do_not() -> None:
    garage = Garage(connector("CP1"), connector("CP2"), limits=(fuse(40),))
    garage.comes("CP1")
    garage.comes("CP2", "2")
    garage.settle()
    location = Location.of_connector_number("CP1", 1)
    garage.tell(said.Overruled(location=location, overruled=True))
    garage.settle()
    decision = garage.decision("CP1")
    assert (decision.reason.value, decision.reserved[0]) == ("overruled", 320)
    assert "somebody else" in decision.message
    assert garage.decision("CP2").offered_deciamps == 80
    garage.tell(said.Overruled(location=location, overruled=False))
    garage.settle()
    assert garage.decision("CP2").offered_deciamps == 200
    assert overview(garage.planner.snapshot(), garage.now).alerts == ()
