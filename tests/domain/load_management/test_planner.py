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


class TestGettingControl:
    def test_a_station_without_a_limit_is_reserved_with_its_maximum_until_it_has_confirmed_one(self) -> None:
        garage = Garage(ONE, TWO, commissioned=False)
        assert garage.tell() == [], "nobody is online yet"
        assert garage.reserved() == (640, 640, 640, 1920)
        assert garage.tell(said.StationOnline(station_id="CP1")) == ["CP1 standby: 0 A"]
        assert garage.reserved() == (640, 640, 640, 1920), "sent is not confirmed"
        assert garage.accepts() == []
        assert garage.reserved() == (320, 320, 320, 960)

    def test_nobody_gets_more_before_the_site_is_under_control(self) -> None:
        garage = Garage(ONE, TWO, THREE, limits=(fuse(80),), commissioned=False)
        garage.tell(said.StationOnline(station_id="CP1"), said.StationOnline(station_id="CP2"))
        garage.accepts(1)
        assert garage.comes("CP1") == [], ">> CP2 and CP3 may still draw 64 A of 80 A"
        assert garage.decision("CP1").reason is Reason.WAITING
        assert garage.decision("CP1").message == (
            "32 A is planned, and waits until others have confirmed less on L1 (limit fuse)"
        )
        assert garage.accepts(1) == ["CP1: 32 A"], ">> CP2 confirms << there is room beside CP3"

    def test_it_is_off_until_a_limit_is_set_and_lets_go_when_it_is_gone(self) -> None:
        garage = Garage(ONE, limits=(), commissioned=False)
        assert garage.tell(said.StationOnline(station_id="CP1")) == []
        assert garage.comes("CP1") == []
        assert garage.decision("CP1").reason is Reason.NOT_MANAGED
        limited = msgspec.structs.replace(garage.site, limits=(fuse(20),))
        assert garage.tell(said.SiteChanged(site=limited)) == ["CP1: 20 A"]
        assert garage.settle() == ["CP1 standby: 0 A"]
        assert garage.tell(said.SiteChanged(site=garage.site)) == ["CP1: release"]
        assert garage.decision("CP1").message == "the site has no limit, so nothing is shared"
        assert garage.comes("CP1", "2") == []

    def test_a_connector_that_leaves_is_released(self) -> None:
        garage = Garage(ONE, TWO)
        garage.draws("CP1", 100)
        garage.draws("CP1", 100)
        assert garage.heard() == ["CP1: limit_ignored"]
        assert garage.tell(said.ConnectorRemoved(location=ONE.location)) == ["CP1: release"]
        assert garage.heard() == ["CP1: limit_ignored is over"]
        assert [each.location.station_id for each in garage.planner.decisions()] == ["CP2"]
        assert garage.tell(said.ConnectorRemoved(location=ONE.location)) == []

    def test_a_connector_may_come_later(self) -> None:
        garage = Garage(ONE)
        assert garage.tell(said.ConnectorChanged(connector=TWO, online=True)) == ["CP2 standby: 0 A"]

    def test_a_site_without_stations_has_nothing_to_share(self) -> None:
        garage = Garage()
        assert garage.after(86_400) == []
        assert garage.planner.decisions() == ()
        assert garage.within_limit()


class TestSharing:
    def test_a_lone_car_gets_what_its_connector_has(self) -> None:
        garage = Garage(ONE, TWO)
        assert garage.comes("CP1") == ["CP1: 32 A"]
        assert garage.decision("CP1").message == "32 A: as much as the connector or the car can take"

    def test_the_next_car_waits_until_the_first_has_confirmed_less(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.settle()
        assert garage.comes("CP2", "2") == ["CP1: 20 A"], "<< not a word to CP2 yet"
        assert garage.after(5) == []
        assert garage.accepts() == ["CP2: 20 A"]
        assert garage.reserved() == (400, 400, 400, 1200)

    def test_a_car_that_goes_makes_room_at_once(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.comes("CP2", "2")
        garage.settle()
        assert garage.goes("CP2", "2") == ["CP1: 32 A"]

    def test_below_its_minimum_a_car_is_paused_and_takes_its_turn(self) -> None:
        garage = Garage(ONE, TWO, THREE, limits=(fuse(16),))
        for number, station_id in enumerate(("CP1", "CP2", "CP3")):
            garage.comes(station_id, str(number))
            garage.accepts()
            garage.accepts()
            garage.now += SECOND
        assert [garage.decision(each).offered_deciamps for each in ("CP1", "CP2", "CP3")] == [80, 80, 0]
        paused = garage.decision("CP3")
        assert paused.reason is Reason.PAUSED
        assert paused.message == "paused at 0 A: no room on L1 (limit fuse) for the minimum of 6 A"
        turn = [each for _ in range(40) for each in (*garage.accepts(), *garage.after(60))]
        assert "CP1: 0 A" in turn, "<< the first has had its half hour"
        assert turn.index("CP1: 0 A") < turn.index("CP3: 8 A")

    def test_cars_on_different_phases_do_not_hold_each_other_up(self) -> None:
        garage = Garage(
            connector("CP1", phases=(L1, L2, L3)), connector("CP2", phases=(L2, L3, L1)), limits=(fuse(32),)
        )
        assert garage.comes("CP1", "1", phases=(L1,)) == ["CP1: 32 A"]
        assert garage.comes("CP2", "2", phases=(L2,)) == ["CP2: 32 A"]
        assert garage.reserved() == (320, 320, 0, 640)

    def test_first_come_first_served(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),), policy=Policy.FIRST_COME)
        garage.comes("CP1")
        garage.settle()
        garage.now += SECOND
        assert garage.comes("CP2", "2") == ["CP2: 8 A"]
        assert garage.goes("CP1") == []
        assert garage.settle() == ["CP2: 32 A"]

    def test_priority_first_but_everybody_has_the_minimum(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),), policy=Policy.PRIORITY)
        garage.comes("CP1")
        garage.settle()
        assert garage.comes("CP2", "2", priority=5) == ["CP1: 8 A"]
        assert garage.accepts() == ["CP2: 32 A"]

    def test_a_limit_below_the_minimum_of_one_car_pauses_all_and_says_so(self) -> None:
        garage = Garage(ONE, limits=(fuse(5),), commissioned=False)
        garage.tell(said.StationOnline(station_id="CP1"))
        assert "site: limit_below_minimum" in garage.heard()
        garage.settle()
        assert garage.comes("CP1") == []
        assert garage.decision("CP1").reason is Reason.PAUSED

    def test_a_limit_in_watts(self) -> None:
        garage = Garage(ONE, TWO, limits=(SiteLimit(name="contract", total_w=13_800),))
        assert garage.comes("CP1") == ["CP1: 20 A"], "13.8 kW are 60 A in total"
        garage.accepts()
        assert garage.comes("CP2", "2", phases=(L1,)) == ["CP1: 15 A"]
        assert garage.accepts() == ["CP2: 15 A"]

    def test_what_the_car_can_take_is_enough_for_it(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        assert garage.comes("CP1", max_deciamps=105) == ["CP1: 10 A"]
        assert garage.comes("CP2", "2") == ["CP2: 30 A"]


class TestHysteresis:
    def test_small_changes_are_not_sent(self) -> None:
        cars = [connector(f"CP{number}") for number in range(12)]
        garage = Garage(*cars, limits=(fuse(160),))
        for number in range(11):
            garage.comes(f"CP{number}", str(number))
            garage.settle()
        before = len(garage.settle())
        assert before == 0
        commands = garage.comes("CP11", "11") + garage.settle()
        told_less = [each for each in commands if not each.startswith("CP11")]
        assert len(told_less) <= 11
        assert (garage.decision("CP11").offered_deciamps or 0) >= 60

    def test_a_station_hears_of_more_at_most_once_a_minute(self) -> None:
        garage = Garage(ONE, TWO, THREE, limits=(fuse(60),))
        for number, station_id in enumerate(("CP1", "CP2", "CP3")):
            garage.comes(station_id, str(number))
        garage.settle()
        assert garage.goes("CP3", "2") == ["CP1: 30 A", "CP2: 30 A"]
        garage.accepts()
        assert garage.goes("CP2", "1") == []
        assert garage.after(59) == []
        assert garage.after(2) == ["CP1: 32 A"]

    def test_nobody_is_cut_back_unless_somebody_needs_it(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.settle()
        for _ in range(10):
            garage.draws("CP1", 80, 80, 80)
            assert garage.after(60) == []
        assert garage.decision("CP1").message.startswith("10 A: the car seems to use no more")
        assert garage.comes("CP2", "2") == ["CP1: 10 A"]
        assert garage.accepts() == ["CP2: 30 A"]

    def test_a_car_that_reaches_its_limit_wants_more_again(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.comes("CP2", "2", max_deciamps=100)
        garage.settle()
        for _ in range(5):
            garage.draws("CP1", 80, 80, 80)
            garage.after(60)
        assert garage.comes("CP2", "3") == ["CP1: 10 A"]
        garage.settle()
        assert garage.draws("CP1", 98, 98, 98) == ["CP2: 20 A"], "<< CP2 gives way"
        assert garage.accepts() == ["CP1: 20 A"]

    def test_a_car_that_draws_nothing_for_long_stands_back(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(8),))
        garage.comes("CP1")
        garage.settle()
        garage.comes("CP2", "2")
        for _ in range(12):
            garage.draws("CP1", 0, 0, 0)
            garage.after(60)
        assert garage.decision("CP1").reason is Reason.IDLE
        assert garage.accepts() == ["CP2: 8 A"]


class TestStationsThatCannotBeReached:
    def test_what_an_offline_station_was_offered_stays_reserved(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.settle()
        assert garage.tell(said.StationOffline(station_id="CP1")) == []
        assert garage.heard() == ["CP1: station_offline"]
        assert garage.comes("CP2", "2") == ["CP2: 8 A"]
        assert garage.decision("CP1").message == (
            "the station is offline: 32 A per phase stay reserved, the most it may draw"
        )
        garage.accepts()
        garage.after(61)
        assert garage.tell(said.StationOnline(station_id="CP1")) == ["CP1: 20 A"]
        assert garage.heard() == ["CP1: station_offline is over"]

    def test_an_idle_offline_station_keeps_nobody_waiting(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(32),))
        garage.tell(said.StationOffline(station_id="CP1"))
        assert garage.heard() == []
        assert garage.comes("CP2") == ["CP2: 32 A"]

    def test_one_that_forgets_its_limits_is_reserved_with_its_maximum(self) -> None:
        garage = Garage(connector("CP1", forgets_offline=True), TWO, limits=(fuse(40),))
        garage.tell(said.StationOffline(station_id="CP1"))
        assert garage.comes("CP2") == ["CP2: 8 A"]

    def test_a_limit_that_falls_later_is_told_before_it_is_too_late(self) -> None:
        evening = SiteLimit(
            name="evening", phase_deciamps=(100, 100, 100), daily_from_s=13 * 3600, daily_to_s=14 * 3600
        )
        garage = Garage(ONE, TWO, limits=(fuse(40), evening))
        assert garage.comes("CP1") == ["CP1: 32 A, 10 A from +3480 s"]
        garage.accepts()
        assert garage.comes("CP2", "2") == ["CP1: 20 A, 10 A from +3480 s"], "<< only one can have the minimum then"
        assert garage.accepts() == ["CP2: 20 A, 0 A from +3480 s"]
        garage.accepts()
        garage.tell(said.StationOffline(station_id="CP1"), said.StationOffline(station_id="CP2"))
        garage.after(3600)
        assert garage.within_limit()
        assert garage.reserved() == (100, 100, 100, 300)

    def test_while_stations_fall_by_their_own_clocks_nobody_rises_before_another_has_confirmed_less(self) -> None:
        evening = SiteLimit(
            name="evening", phase_deciamps=(200, 200, 200), daily_from_s=13 * 3600, daily_to_s=14 * 3600
        )
        garage = Garage(ONE, TWO, limits=(fuse(40), evening))
        garage.comes("CP1")
        garage.accepts()
        garage.comes("CP2", "2")
        garage.accepts()
        assert garage.accepts() == []
        assert garage.after(3490 - (garage.now - NOON) / SECOND) == [], (
            ">> at +3480 s each falls to 10 A, at +3600 s the limit falls"
        )
        assert garage.comes("CP2", "2", max_deciamps=60) == ["CP2: 6 A"], "<< CP1 may have 14 A, but not yet"
        assert garage.accepts() == ["CP1: 14 A"]

    def test_who_gives_way_now_is_not_promised_more_for_later_than_there_is_room_for(self) -> None:
        evening = SiteLimit(
            name="evening", phase_deciamps=(100, 100, 100), daily_from_s=13 * 3600, daily_to_s=14 * 3600
        )
        garage = Garage(ONE, TWO, THREE, limits=(fuse(40), evening), policy=Policy.FIRST_COME)
        garage.comes("CP1", max_deciamps=80)
        garage.now += SECOND
        assert garage.comes("CP2", "2") == ["CP2: 32 A, 0 A from +3480 s"]
        garage.accepts()
        assert garage.goes("CP1") == [], "<< CP2 has what it can take now; later is later"
        garage.now += SECOND
        first = garage.comes("CP1", "3")
        assert first == ["CP1: 8 A, 0 A from +3480 s"], ">> the evening is for CP2, who came first"
        garage.accepts()
        garage.now += 61 * SECOND
        lower = msgspec.structs.replace(garage.site, policy=Policy.EQUAL)
        assert garage.tell(said.SiteChanged(site=lower)) == ["CP2: 20 A, 0 A from +3480 s"]

    def test_a_command_on_its_way_when_the_station_goes_may_have_arrived(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),))
        garage.comes("CP1")
        garage.tell(said.StationOffline(station_id="CP1"))
        assert garage.reserved() == (320, 320, 320, 960)
        assert garage.says_nothing() == []
        assert garage.tell(said.StationOnline(station_id="CP1")) == ["CP1: 32 A"]


class TestAnswers:
    def test_no_answer_leaves_both_limits_possible_until_one_is_confirmed(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.settle()
        garage.comes("CP2", "2")
        assert garage.says_nothing() == ["CP2: 8 A"], "<< what is free for certain need not wait"
        assert garage.decision("CP1").offered_deciamps is None
        assert garage.reserved()[0] == 400
        garage.accepts()
        assert garage.after(9) == []
        assert garage.after(2) == ["CP1: 20 A"], "<< again, after ten seconds"
        assert garage.accepts() == []
        assert garage.after(60) == ["CP2: 20 A"]

    def test_in_doubt_a_limit_is_confirmed_even_where_there_is_no_room_for_more(self) -> None:
        garage = Garage(ONE, connector("CP2", limits_outlive_transactions=True), limits=(fuse(40),))
        garage.comes("CP1")
        garage.comes("CP2", "2")
        garage.settle()
        assert garage.goes("CP2", "2") == ["CP2 standby: 0 A"]
        cleared = garage.tell(said.ControlLost(station_id="CP1"))
        assert cleared == [], "<< first CP2 must have confirmed"
        assert "CP1: 20 A" in garage.says_nothing(), "<< it did not, so what CP1 should have anyway is said again"

    def test_a_late_answer_is_better_than_none(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        late = garage.pending[0]
        garage.says_nothing()
        assert garage.tell(said.CommandAcknowledged(command_id=late.command_id)) == []
        assert garage.decision("CP1").offered_deciamps == 320

    def test_an_answer_to_a_command_that_is_long_replaced_means_nothing(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),))
        garage.comes("CP1")
        old = garage.pending[0]
        garage.says_nothing()
        garage.after(11)
        garage.tell(said.CommandAcknowledged(command_id=old.command_id), said.CommandFailed(command_id=999))
        assert garage.decision("CP1").offered_deciamps is None

    def test_commands_without_any_result_are_given_up_in_time(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),))
        garage.comes("CP1")
        garage.pending.clear()
        assert garage.after(89) == []
        assert garage.after(12) == ["CP1: 32 A"]

    def test_three_silences_in_a_row_are_told(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),))
        garage.comes("CP1")
        for wait in (11, 31, 61):
            assert garage.heard() == []
            garage.says_nothing()
            garage.after(wait)
        assert garage.heard() == ["CP1: limit_unconfirmed"]
        garage.accepts()
        assert garage.heard() == ["CP1: limit_unconfirmed is over"]

    def test_refused_leaves_the_old_limit_and_waits_longer_each_time(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.settle()
        garage.comes("CP2", "2")
        assert garage.refuses() == ["CP2: 8 A"], "<< what there is room for"
        assert garage.decision("CP1").offered_deciamps == 320
        garage.accepts()
        assert garage.after(59) == []
        assert garage.after(2) == ["CP1: 20 A"], "<< CP2 may be raised again, so CP1 is asked again"
        assert garage.refuses() == []
        assert garage.after(58) == []
        assert garage.after(2) == ["CP1: 20 A"]
        assert garage.heard() == ["CP1: limit_refused"]

    def test_a_station_that_takes_no_limits_is_reserved_with_what_it_may_draw(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(63),), commissioned=False)
        garage.tell(said.StationOnline(station_id="CP1"), said.StationOnline(station_id="CP2"))
        garage.refuses(permanent=True)
        garage.accepts()
        assert "CP1: limit_refused" in garage.heard()
        assert garage.comes("CP2") == ["CP2: 31 A"]
        garage.accepts()
        assert garage.decision("CP1").reason is Reason.REFUSING
        assert garage.after(3600) == [], "<< it is not asked again"
        assert garage.tell(said.StationOffline(station_id="CP1")) == []
        assert garage.tell(said.StationOnline(station_id="CP1")) == ["CP1 standby: 0 A"], "<< until it comes anew"

    def test_answers_after_the_transaction_has_ended_change_nothing(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),))
        garage.comes("CP1")
        garage.goes("CP1")
        assert garage.accepts() == []
        assert garage.reserved() == (0, 0, 0, 0)

    def test_limits_that_were_cleared_by_somebody_else_are_set_again(self) -> None:
        garage = Garage(ONE, limits=(fuse(40),))
        garage.comes("CP1")
        garage.settle()
        assert garage.tell(said.ControlLost(station_id="CP1")) == ["CP1: 32 A"]
        assert garage.accepts() == ["CP1 standby: 0 A"]


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

    def test_out_of_sight_a_limit_that_outlives_its_transaction_may_be_that_of_another_car(self) -> None:
        garage = Garage(connector("CP1", limits_outlive_transactions=True))
        garage.comes("CP1", phases=(L1,))
        garage.settle()
        assert garage.decision("CP1").reserved == (320, 0, 0, 320)
        garage.tell(said.StationOffline(station_id="CP1"))
        assert garage.decision("CP1").reserved == (320, 320, 320, 960)

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
        garage.settle()
        first = garage.decision("CP1")
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
