"""The limit over time: what is in force, what falls when, and how early it counts."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from stationmaster.domain.load_management.lanes import UNLIMITED, UNLIMITED_LANES, Phase
from stationmaster.domain.load_management.site import Site, SiteLimit
from stationmaster.domain.load_management.timeline import lanes_at, limiting_names, outlook
from stationmaster.domain.smart_charging.local_time import UtcOffset, offsets_between
from stationmaster.instants import parse_instant as at

SECOND = 1_000_000
FUSE = SiteLimit(name="fuse", phase_deciamps=(630, 630, 630))
NIGHT = SiteLimit(name="night", phase_deciamps=(320, 320, 320), daily_from_s=22 * 3600, daily_to_s=6 * 3600)
PEAK = SiteLimit(name="peak", total_w=23_000, daily_from_s=17 * 3600, daily_to_s=19 * 3600)


def site(*limits: SiteLimit, offsets: tuple[UtcOffset, ...] = (), phases: tuple[Phase, ...] = tuple(Phase)) -> Site:
    return Site(site_id="garage", limits=limits, utc_offsets=offsets, phases=phases)


class TestWhatIsInForce:
    def test_without_a_limit_there_is_none(self) -> None:
        assert lanes_at(site(), 0) == UNLIMITED_LANES

    def test_all_limits_hold_together(self) -> None:
        garage = site(FUSE, PEAK)
        assert lanes_at(garage, at("2024-03-05T12:00Z")) == (630, 630, 630, UNLIMITED)
        assert lanes_at(garage, at("2024-03-05T17:00Z")) == (630, 630, 630, 1000), "23 kW at 230 V are 100 A in total"
        assert limiting_names(garage, at("2024-03-05T17:00Z"), 3) == ("peak",)
        assert limiting_names(garage, at("2024-03-05T17:00Z"), 0) == ("fuse",)

    def test_a_phase_that_the_site_does_not_have_carries_nothing(self) -> None:
        assert lanes_at(site(FUSE, phases=(Phase.L1,)), 0) == (630, 0, 0, UNLIMITED)

    def test_a_limit_may_speak_of_one_phase(self) -> None:
        assert lanes_at(site(SiteLimit(name="L2", phase_deciamps=(None, 250, None))), 0)[:3] == (
            UNLIMITED,
            250,
            UNLIMITED,
        )

    @pytest.mark.parametrize(
        "clock, limited", [("21:59:59", False), ("22:00", True), ("23:59", True), ("00:00", True), ("06:00", False)]
    )
    def test_a_window_may_pass_midnight(self, clock: str, limited: bool) -> None:
        assert (lanes_at(site(FUSE, NIGHT), at(f"2024-03-05T{clock}Z"))[0] == 320) is limited

    def test_weekdays_are_those_on_which_the_window_begins(self) -> None:
        friday_night = SiteLimit(
            name="friday",
            phase_deciamps=(100, 100, 100),
            daily_from_s=79_200,
            daily_to_s=21_600,
            weekdays=frozenset({4}),
        )
        days = {day: lanes_at(site(friday_night), at(f"2024-03-0{day}T03:00Z"))[0] == 100 for day in range(5, 10)}
        assert [day for day, limited in days.items() if limited] == [9], "2024-03-08 is a Friday"

    def test_a_whole_weekday(self) -> None:
        sunday = SiteLimit(name="sunday", phase_deciamps=(100, 100, 100), weekdays=frozenset({6}))
        assert lanes_at(site(sunday), at("2024-03-10T23:59Z"))[0] == 100
        assert lanes_at(site(sunday), at("2024-03-11T00:00Z"))[0] == UNLIMITED

    def test_a_signal_holds_from_to(self) -> None:
        signal = SiteLimit(name="grid", total_w=0, valid_from=at("2024-03-05T12:00Z"), valid_to=at("2024-03-05T12:30Z"))
        values = [lanes_at(site(signal), at(f"2024-03-05T{clock}Z"))[3] for clock in ("11:59", "12:00", "12:30")]
        assert values == [UNLIMITED, 0, UNLIMITED]

    def test_windows_are_in_local_time(self) -> None:
        local = ZoneInfo("Europe/Berlin")

        def offset_s(instant: int) -> int:
            offset = datetime.fromtimestamp(instant // SECOND, UTC).astimezone(local).utcoffset()
            return int(offset.total_seconds()) if offset else 0

        offsets = offsets_between(offset_s, at("2024-03-01T00:00Z"), at("2024-12-01T00:00Z"))
        garage = site(PEAK, offsets=offsets)
        assert lanes_at(garage, at("2024-03-30T16:00Z"))[3] == 1000, "17:00 in winter"
        assert lanes_at(garage, at("2024-03-31T15:00Z"))[3] == 1000, "17:00 on the first day of summer time"
        assert lanes_at(garage, at("2024-03-31T14:59Z"))[3] == UNLIMITED


class TestWhatIsAhead:
    def test_a_steady_limit_has_no_falls(self) -> None:
        ahead = outlook(site(FUSE), at("2024-03-05T12:00Z"))
        assert (ahead.enforced, ahead.planned) == ((630, 630, 630, UNLIMITED),) * 2
        assert (ahead.falls, ahead.next_change) == ((), None)

    def test_a_fall_is_known_a_day_ahead_and_offers_fall_before_it(self) -> None:
        [fall] = outlook(site(FUSE, NIGHT), at("2024-03-05T12:00Z")).falls
        assert (fall.at, fall.since) == (at("2024-03-05T22:00Z"), at("2024-03-05T21:58Z"))
        assert fall.lanes[:3] == (320, 320, 320)

    def test_only_new_lows_count(self) -> None:
        lower_twice = SiteLimit(
            name="dusk", phase_deciamps=(500, 500, 500), daily_from_s=18 * 3600, daily_to_s=20 * 3600
        )
        afternoon = outlook(site(FUSE, NIGHT, lower_twice), at("2024-03-05T12:00Z"))
        assert [fall.lanes[0] for fall in afternoon.falls] == [500, 320]
        assert outlook(site(FUSE, NIGHT, lower_twice), at("2024-03-05T23:00Z")).falls == (), "it is low already"

    def test_lows_of_different_lanes_add_up(self) -> None:
        falls = outlook(site(FUSE, NIGHT, PEAK), at("2024-03-05T12:00Z")).falls
        assert [fall.lanes for fall in falls] == [(630, 630, 630, 1000), (320, 320, 320, 1000)]

    @pytest.mark.parametrize(
        "clock, planned, enforced",
        [("21:57:59", 630, 630), ("21:58", 320, 630), ("21:58:59", 320, 630), ("21:59", 320, 320), ("22:00", 320, 320)],
    )
    def test_it_is_planned_for_two_minutes_ahead_and_enforced_one(
        self, clock: str, planned: int, enforced: int
    ) -> None:
        ahead = outlook(site(FUSE, NIGHT), at(f"2024-03-05T{clock}Z"))
        assert (ahead.planned[0], ahead.enforced[0]) == (planned, enforced)

    def test_it_says_when_to_look_again(self) -> None:
        moments = []
        now = at("2024-03-05T21:00Z")
        for _ in range(4):
            following = outlook(site(FUSE, NIGHT), now).next_change
            assert following is not None
            now = following
            moments.append(now)
        assert moments[1:] == [at("2024-03-05T21:58Z"), at("2024-03-05T21:59Z"), at("2024-03-05T22:00Z")] or moments[
            :3
        ] == [at("2024-03-05T21:58Z"), at("2024-03-05T21:59Z"), at("2024-03-05T22:00Z")]
