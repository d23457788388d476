"""Dialogues with the planner: what happens at the site, and what it commands.

`>>` is what the planner is told, `<<` what it must say.
"""

import msgspec
import pytest

from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management.effects import Reason
from stationmaster.domain.load_management.lanes import UNLIMITED, Phase
from stationmaster.domain.load_management.planner import PlannerSnapshot, SitePlanner
from stationmaster.domain.load_management.site import MeterKind, Policy, Site, SiteLimit, SiteMeter
from stationmaster.domain.locations import Location
from tests.domain.load_management.garage import NOON, PROMPT, SECOND, Garage, connector, fuse, told

ONE, TWO, THREE = connector("CP1"), connector("CP2"), connector("CP3")
L1, L2, L3 = Phase


class TestStationsThatIgnoreTheirLimit:
    def make(self) -> Garage:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.comes("CP2", "2")
        garage.settle()
        return garage

    def test_what_is_drawn_above_the_limit_is_reserved_at_once_and_the_worst_when_it_is_seen_again(self) -> None:
        garage = self.make()
        assert garage.draws("CP1", 240, 240, 240) == ["CP1: 20 A", "CP2: 16 A"], "<< CP1 is told once more"
        assert garage.heard() == []
        garage.accepts()
        garage.after(31)
        assert garage.draws("CP1", 240, 240, 240) == ["CP2: 8 A"]
        assert garage.heard() == ["CP1: limit_ignored"]
        assert garage.decision("CP1").message == (
            "the station draws more than its limit: 32 A per phase are reserved for it"
        )

    def test_it_is_told_its_limit_again_now_and_then(self) -> None:
        garage = self.make()
        assert "CP1: 20 A" in garage.draws("CP1", 240, 240, 240)
        garage.accepts()
        garage.after(31)
        garage.draws("CP1", 240, 240, 240)
        garage.accepts()
        assert garage.after(301) == ["CP1: 20 A"]

    def test_it_is_forgiven_after_a_quarter_of_an_hour_within_the_limit(self) -> None:
        garage = self.make()
        for _ in range(2):
            garage.draws("CP1", 240, 240, 240)
            garage.accepts()
            garage.after(31)
        assert garage.heard() == ["CP1: limit_ignored"]
        for _ in range(16):
            garage.draws("CP1", 200, 200, 200)
            garage.accepts()
            garage.after(60)
        assert garage.heard() == ["CP1: limit_ignored is over"]
        assert garage.settle() == ["CP2: 20 A"] or garage.decision("CP2").offered_deciamps == 200

    def test_a_car_may_take_its_time_to_follow(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.settle()
        garage.comes("CP2", "2")
        garage.accepts()
        for _ in range(3):
            garage.draws("CP1", 320, 320, 320)
            garage.after(9)
        assert garage.heard() == []

    def test_a_little_above_is_reserved_and_no_offence(self) -> None:
        garage = self.make()
        for _ in range(5):
            garage.draws("CP1", 208, 208, 208)
            garage.accepts()
            garage.after(60)
        assert garage.heard() == []
        assert garage.decision("CP1").reserved[0] == 208

    def test_a_connector_that_draws_without_a_transaction_is_found_out_too(self) -> None:
        garage = Garage(ONE)
        garage.draws("CP1", 100, 0, 0)
        garage.draws("CP1", 100, 0, 0)
        assert garage.heard() == ["CP1: limit_ignored"]


class TestPhases:
    def test_new_wiring_makes_what_was_seen_worthless(self) -> None:
        garage = Garage(ONE)
        garage.comes("CP1", phases=(L1,))
        garage.settle()
        garage.tell(said.ConnectorChanged(connector=connector("CP1", phases=(L2, L3))))
        assert garage.decision("CP1").reserved == (0, 320, 320, 640)
        garage.tell(said.ConnectorChanged(connector=connector("CP1", phases=(L2, L3), step_deciamps=20)))
        assert garage.decision("CP1").reserved == (0, 320, 320, 640)

    def test_a_station_that_tells_one_phase_only_shows_nothing_about_the_others(self) -> None:
        garage = Garage(ONE)
        garage.comes("CP1", phases=None)
        garage.settle()
        for _ in range(3):
            garage.draws("CP1", 310)
        assert garage.decision("CP1").reserved == (320, 320, 320, 960)

    def test_phases_must_be_the_same_twice(self) -> None:
        garage = Garage(ONE)
        garage.comes("CP1", phases=None)
        garage.settle()
        garage.draws("CP1", 310, 0, 0)
        garage.draws("CP1", 310, 310, 0)
        assert garage.decision("CP1").reserved == (320, 320, 320, 960)
        garage.draws("CP1", 310, 310, 0)
        assert garage.decision("CP1").reserved == (320, 320, 0, 640)

    def test_a_car_is_taken_to_use_all_phases_until_it_shows_otherwise_twice(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(32),))
        garage.comes("CP1", phases=None)
        garage.settle()
        assert garage.decision("CP1").reserved == (320, 320, 320, 960)
        garage.draws("CP1", 310, 1, 0)
        assert garage.decision("CP1").reserved == (320, 320, 320, 960)
        garage.draws("CP1", 310, 1, 0)
        assert garage.decision("CP1").reserved == (320, 0, 0, 320)

    def test_the_connectors_own_l1_is_the_phase_it_is_wired_to(self) -> None:
        garage = Garage(connector("CP1", phases=(L3, L1, L2)))
        garage.comes("CP1", phases=None)
        garage.settle()
        garage.draws("CP1", 310, 0, 0)
        garage.draws("CP1", 310, 0, 0)
        assert garage.decision("CP1").reserved == (0, 0, 320, 320)

    def test_a_further_phase_counts_at_once(self) -> None:
        garage = Garage(ONE, limits=(fuse(32),))
        garage.comes("CP1", phases=(L1,))
        garage.settle()
        garage.draws("CP1", 160, 160, 0)
        assert garage.decision("CP1").reserved == (320, 320, 0, 640)

    def test_phases_that_nobody_declared_are_all_of_them(self) -> None:
        garage = Garage(connector("CP1", phases=None), commissioned=False)
        garage.tell(said.StationOnline(station_id="CP1"))
        assert "CP1: phases_undeclared" in garage.heard()
        garage.settle()
        assert garage.comes("CP1", phases=None) == ["CP1: 32 A"]
        assert garage.decision("CP1").reserved == (320, 320, 320, 960)

    def test_a_phase_that_the_site_does_not_have_gives_nothing(self) -> None:
        garage = Garage(commissioned=False)
        site = Site(
            site_id="hut",
            phases=(L1,),
            limits=(SiteLimit(name="fuse", phase_deciamps=(320, None, None)),),
            settings=PROMPT,
        )
        garage.planner = SitePlanner(site, garage.now, [connector("CP1", phases=(L2,))])
        garage.tell(said.StationOnline(station_id="CP1"))
        assert "CP1: phases_undeclared" in garage.heard()
        garage.settle()
        assert garage.comes("CP1", phases=None) == []
        assert garage.decision("CP1").reason is Reason.PAUSED


class TestKindsOfConnectors:
    def test_a_limit_by_power_may_be_drawn_from_one_phase_until_more_is_known(self) -> None:
        garage = Garage(connector("CP1", by_power=True), limits=(fuse(63),))
        garage.comes("CP1", phases=None)
        assert (told(garage.pending[0]), garage.pending[0].phases) == ("CP1: 21 A", 3), "3 x 21 A fit one phase of 63 A"
        garage.accepts()
        for _ in range(2):
            garage.draws("CP1", 210, 210, 210)
        assert garage.after(61) == ["CP1: 32 A"]

    def test_power_for_a_car_on_one_phase_is_told_for_one_phase(self) -> None:
        garage = Garage(connector("CP1", by_power=True), limits=(fuse(63),))
        garage.comes("CP1", phases=(L1,))
        assert (told(garage.pending[0]), garage.pending[0].phases) == ("CP1: 32 A", 1)

    def test_direct_current_draws_evenly(self) -> None:
        garage = Garage(connector("CP1", by_power=True, all_phases=True, max_deciamps=630), limits=(fuse(63),))
        assert garage.comes("CP1", phases=None) == ["CP1: 63 A"]

    def test_a_station_that_locks_at_zero_is_never_sent_there(self) -> None:
        locking = connector("CP1", pause_deciamps=60, standby_deciamps=60)
        garage = Garage(locking, TWO, limits=(fuse(10),))
        assert garage.reserved() == (60, 60, 60, 180), "its standby is reserved all the time"
        assert garage.comes("CP1") == ["CP1: 10 A"]
        garage.accepts()
        garage.comes("CP2", "2")
        assert garage.settle() == []
        assert garage.decision("CP2").reason is Reason.PAUSED
        assert garage.decision("CP1").offered_deciamps == 100

    def test_limits_that_outlive_a_transaction_are_lowered_after_it(self) -> None:
        garage = Garage(connector("CP1", limits_outlive_transactions=True), TWO, limits=(fuse(40),))
        assert garage.comes("CP1") == ["CP1 standby: 32 A"], "<< for the connector, not for the transaction"
        garage.accepts()
        assert garage.goes("CP1") == ["CP1 standby: 0 A"]
        assert garage.comes("CP2", "2") == [], "<< until then a next car could draw it"
        assert garage.accepts() == ["CP2: 32 A"]

    def test_a_limit_that_outlives_its_transaction_counts_as_that_of_any_car(self) -> None:
        garage = Garage(connector("CP1", limits_outlive_transactions=True))
        garage.comes("CP1", phases=(L1,))
        garage.settle()
        assert garage.decision("CP1").reserved == (320, 320, 320, 960), "<< the next may come before we hear of it"
        garage.tell(said.StationOffline(station_id="CP1"))
        assert garage.decision("CP1").reserved == (320, 320, 320, 960)

    def test_power_that_one_phase_may_carry_is_not_obeyed_by_drawing_it_on_two(self) -> None:
        garage = Garage(connector("CP1", by_power=True, limits_outlive_transactions=True), limits=(fuse(20),))
        garage.comes("CP1", phases=None)
        garage.settle()
        assert garage.decision("CP1").offered_deciamps == 60, "<< 4.1 kW: 18 A of one phase, if the car uses one"
        for _ in range(2):
            garage.after(120)
            garage.draws("CP1", 185, 185, 0)
        assert "CP1: limit_ignored" in garage.heard()

    def test_what_fits_now_starts_although_others_have_not_made_room_for_it_at_a_fall_ahead(self) -> None:
        evening = SiteLimit(name="evening", phase_deciamps=(260,) * 3, daily_from_s=17 * 3600, daily_to_s=20 * 3600)
        garage = Garage(
            connector("CP1", max_deciamps=160, by_power=True),
            connector("CP2", max_deciamps=160),
            limits=(fuse(33), evening),
        )
        garage.comes("CP2", "2")
        garage.settle()
        garage.comes("CP1", phases=None)
        garage.settle()
        assert garage.decision("CP1").offered_deciamps == 80, (
            "<< 16 A, as a car on one phase may draw, of the 17 A left"
        )

    def test_what_the_station_would_round_is_never_offered(self) -> None:
        garage = Garage(connector("CP1", step_deciamps=50), connector("CP2", step_deciamps=1), limits=(fuse(33),))
        garage.comes("CP1")
        garage.comes("CP2", "2")
        garage.settle()
        assert garage.decision("CP1").offered_deciamps in {150, 200}
        assert garage.reserved()[0] == 330


class TestOtherLoads:
    METER = SiteMeter(kind=MeterKind.OTHER_LOADS, assumed_deciamps=(100, 100, 100))

    def test_before_the_first_reading_the_assumption_holds(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),), meter=self.METER)
        assert garage.comes("CP1") == ["CP1: 30 A"]

    def test_other_loads_count_after_a_fall_as_well(self) -> None:
        evening = SiteLimit(
            name="evening", phase_deciamps=(200, 200, 200), daily_from_s=13 * 3600, daily_to_s=14 * 3600
        )
        garage = Garage(ONE, limits=(fuse(40), evening), meter=self.METER)
        assert garage.comes("CP1") == ["CP1: 30 A, 10 A from +3480 s"]

    def test_other_loads_make_less_room_and_the_largest_of_late_counts(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),), meter=self.METER)
        garage.tell(said.SiteMeterRead(deciamps=(200, 50, 50)))
        assert garage.comes("CP1") == ["CP1: 20 A"]
        garage.accepts()
        garage.after(30)
        assert garage.tell(said.SiteMeterRead(deciamps=(50, 50, 50))) == [], "<< not yet"
        assert garage.after(91) == ["CP1: 32 A"]
        garage.accepts()
        assert garage.tell(said.SiteMeterRead(deciamps=(90, 50, 50))) == ["CP1: 31 A"]

    def test_a_meter_that_falls_silent_leaves_the_last_safe_assumption(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),), meter=self.METER)
        garage.heard()
        garage.tell(said.SiteMeterRead(deciamps=(0, 0, 0)))
        garage.comes("CP1")
        garage.accepts()
        assert garage.after(299) == []
        assert garage.after(2) == ["CP1: 30 A"]
        assert garage.heard() == ["site: meter_silent is over", "site: meter_silent"]

    def test_of_a_total_the_cars_are_taken_off(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),), meter=SiteMeter(kind=MeterKind.TOTAL))
        garage.tell(said.SiteMeterRead(deciamps=(0, 0, 0)))
        garage.comes("CP1", max_deciamps=160)
        garage.settle()
        garage.draws("CP1", 160, 160, 160)
        garage.tell(said.SiteMeterRead(deciamps=(200, 200, 200)))
        garage.after(121)
        assert garage.comes("CP2", "2") == ["CP2: 20 A"], "40 A less 16 A for CP1 and 4 A for the lift"

    def test_a_reading_without_a_meter_means_nothing(self) -> None:
        garage = Garage(ONE)
        assert garage.tell(said.SiteMeterRead(deciamps=(630, 630, 630))) == []
        assert garage.comes("CP1") == ["CP1: 32 A"]


class TestALimitThatChanges:
    def test_falls_first_rises_afterwards(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.comes("CP2", "2")
        garage.settle()
        lower = msgspec.structs.replace(garage.site, limits=(fuse(20),))
        assert garage.tell(said.SiteChanged(site=lower)) == ["CP1: 10 A", "CP2: 10 A"]
        assert not garage.within_limit()
        assert garage.accepts() == []
        assert garage.within_limit()
        garage.after(61)
        assert garage.tell(said.SiteChanged(site=garage.site)) == ["CP1: 20 A", "CP2: 20 A"]

    def test_no_more_are_cut_back_than_it_takes(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),), policy=Policy.FIRST_COME)
        garage.comes("CP1")
        garage.now += SECOND
        garage.comes("CP2", "2")
        garage.settle()
        lower = msgspec.structs.replace(garage.site, limits=(fuse(38),))
        assert garage.tell(said.SiteChanged(site=lower)) == ["CP2: 6 A"]

    def test_worst_cases_above_the_limit_are_told(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),))
        garage.comes("CP1")
        garage.settle()
        garage.tell(said.StationOffline(station_id="CP1"))
        lower = msgspec.structs.replace(garage.site, limits=(fuse(20),))
        garage.tell(said.SiteChanged(site=lower))
        assert garage.heard() == ["CP1: station_offline", "site: limit_not_held"]

    @pytest.mark.parametrize("limits", [(SiteLimit(name="none"),), (SiteLimit(name="below", total_w=-5),)])
    def test_a_site_with_a_problem_is_refused_and_the_old_one_goes_on(self, limits: tuple[SiteLimit, ...]) -> None:
        garage = Garage(ONE)
        with pytest.raises(ValueError, match="limit '"):
            garage.tell(said.SiteChanged(site=msgspec.structs.replace(garage.site, limits=limits)))
        assert garage.comes("CP1") == ["CP1: 32 A"]

    def test_a_connector_with_a_problem_is_refused(self) -> None:
        garage = Garage(ONE)
        with pytest.raises(ValueError, match="no current between its minimum and its maximum"):
            garage.tell(said.ConnectorChanged(connector=connector("CP9", max_deciamps=10)))


class TestTransactionsThatAreOdd:
    def test_a_newer_transaction_replaces_an_older_one(self) -> None:
        garage = Garage(ONE)
        garage.comes("CP1", "1")
        garage.accepts()
        assert garage.comes("CP1", "2") == ["CP1: 32 A"]
        assert garage.goes("CP1", "1") == []
        assert garage.decision("CP1").transaction_id == "2"

    def test_a_start_that_is_told_twice_changes_nothing(self) -> None:
        garage = Garage(ONE)
        garage.comes("CP1", "1")
        garage.accepts()
        assert garage.comes("CP1", "1") == []

    def test_what_is_not_ours_is_not_our_business(self) -> None:
        garage = Garage(ONE)
        assert garage.comes("CP9") == []
        assert garage.goes("CP9") == []
        assert garage.draws("CP9", 100) == []
        assert garage.tell(said.StationOffline(station_id="CP9")) == []

    def test_a_measurement_that_says_nothing_changes_nothing(self) -> None:
        garage = Garage(ONE)
        assert garage.draws("CP1") == []
        assert garage.decision("CP1").reason is Reason.STANDBY


class TestExplanations:
    def test_a_decision_keeps_its_date_until_it_changes(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.after(5)
        garage.settle()
        first = garage.decision("CP1")
        assert first.offered_deciamps == 320, "confirmed five seconds after it was decided"
        garage.after(600)
        assert garage.decision("CP1").since == first.since == NOON + 12 * 61 * SECOND
        garage.comes("CP2", "2")
        shared = garage.decision("CP1")
        assert (shared.since, shared.lane) == (garage.now, 0)
        assert shared.message == "20 A: its share by the policy 'equal' of L1 (limit fuse)"
        assert (shared.target_deciamps, shared.offered_deciamps) == (200, None), "on its way"

    def test_a_free_connector_says_what_the_next_car_may_draw(self) -> None:
        garage = Garage(ONE)
        assert garage.decision("CP1").message == (
            "no transaction runs; a car that comes may draw 0 A until the plan is made"
        )


def test_a_planner_goes_on_where_another_one_ended() -> None:
    garage = Garage(ONE, TWO, limits=(fuse(40),))
    garage.comes("CP1")
    garage.settle()
    garage.comes("CP2", "2")
    written = msgspec.json.encode(garage.planner.snapshot())
    garage.planner = SitePlanner.restored(msgspec.json.decode(written, type=PlannerSnapshot), garage.now)
    garage.tell()
    assert garage.reserved()[0] == 320, "what was on its way to CP1 may not have arrived"
    garage.pending.clear()
    both = (said.StationOnline(station_id="CP1"), said.StationOnline(station_id="CP2"))
    assert garage.tell(*both) == ["CP1: 20 A"]
    assert garage.accepts() == ["CP2: 20 A"]


def test_time_alone_is_no_reason_to_plan() -> None:
    garage = Garage(ONE)
    garage.comes("CP1")
    garage.settle()
    assert garage.planner.next_deadline() is None
    assert garage.planner.handle(said.Tick(), garage.now) == []


def test_news_that_comes_together_is_planned_for_once() -> None:
    site = Site(site_id="garage", limits=(fuse(40),))
    planner = SitePlanner(site, NOON, [ONE])
    planner.handle(said.Tick(), NOON)
    planner.handle(said.StationOnline(station_id="CP1"), NOON)
    assert planner.handle(said.Tick(), NOON) == []
    assert planner.next_deadline() == NOON + 500_000
    assert planner.handle(said.Tick(), NOON + 500_000) != []


def test_a_location_of_another_version_is_a_place_like_any_other() -> None:
    here = connector("CP1")
    elsewhere = type(here)(location=Location("CP1", 1, 2))
    garage = Garage(here, elsewhere)
    assert len(garage.planner.decisions()) == 2
    assert UNLIMITED > 10**8
