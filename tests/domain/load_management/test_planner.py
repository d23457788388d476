"""Dialogues with the planner: what happens at the site, and what it commands.

`>>` is what the planner is told, `<<` what it must say.
"""

import msgspec

from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management.effects import Reason
from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.load_management.site import Policy, SiteLimit
from tests.domain.load_management.garage import NOON, SECOND, Garage, connector, fuse

ONE, TWO, THREE = connector("CP1"), connector("CP2"), connector("CP3")
L1, L2, L3 = Phase


class TestGettingControl:
    def test_a_station_without_a_limit_is_reserved_with_its_maximum_until_it_has_confirmed_one(self) -> None:
        garage = Garage(ONE, TWO, commissioned=False)
        assert garage.tell() == [], "nobody is online yet"
        assert garage.reserved() == (640, 640, 640, 1920)
        assert garage.heard() == ["CP1: station_offline", "CP2: station_offline", "site: limit_not_held"]
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

    def test_one_ampere_more_is_not_worth_a_command_and_two_are(self) -> None:
        garage = Garage(ONE, TWO, limits=(fuse(40),))
        garage.comes("CP1")
        garage.comes("CP2", "2")
        garage.settle()
        for limit, commands in ((42, []), (44, ["CP1: 22 A", "CP2: 22 A"])):
            raised = msgspec.structs.replace(garage.site, limits=(fuse(limit),))
            assert garage.tell(said.SiteChanged(site=raised)) + garage.settle() == commands

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
