"""Which profiles are sent anew when the clocks change: those known to be there that follow them, once per change."""

import msgspec
import pytest

from stationmaster.domain.smart_charging.installed import (
    OURS_FROM,
    ClearFilter,
    Mirror,
    clear,
    clear_unanswered,
    install,
    install_at_start,
    install_unanswered,
)
from stationmaster.domain.smart_charging.local_time import in_step, moved
from stationmaster.domain.smart_charging.profiles import (
    Certainty,
    ChargingProfile,
    InstalledProfile,
    Kind,
    Purpose,
    Recurrency,
    Renewal,
)
from stationmaster.domain.smart_charging.renewals import MOST_ASKED, asked, is_due, put_in_doubt, settled
from tests.domain.smart_charging.builders import at, place, profile

BERLIN = "Europe/Berlin"
WINTER_S, SUMMER_S = 3600, 7200
SPRING = at("2024-03-31T01:00Z")


def daily(profile_id: int = 7, *, level: int = 0, start: str = "2024-01-01T23:00Z") -> ChargingProfile:
    return profile(
        Purpose.TX_DEFAULT,
        (0, "32"),
        recurrency=Recurrency.DAILY,
        start=start,
        profile_id=profile_id,
        level=level,
    )


WINTER = daily()
SUMMER = moved(WINTER, SUMMER_S, SPRING)
HELD = install((), place(1), WINTER, 0, local_time_zone=BERLIN).mirror


def due(mirror: Mirror, offset_s: int = SUMMER_S, now: int = SPRING) -> list[int]:
    return [each.profile.profile_id for each in mirror if is_due(each, offset_s, now)]


def unanswered(mirror: Mirror) -> Mirror:
    """We sent it anew for the summer, and no answer came."""
    entry = next(each for each in mirror if is_due(each, SUMMER_S, SPRING))
    sent = moved(entry.profile, SUMMER_S, SPRING)
    after = install_unanswered(mirror, entry.location, sent, SPRING, local_time_zone=BERLIN).mirror
    return asked(after, entry, SUMMER_S, refused=False)


def test_what_follows_the_clocks_is_due_when_they_have_changed() -> None:
    assert due(HELD, WINTER_S) == []
    assert due(HELD, SUMMER_S) == [7]
    taken = install(HELD, place(1), SUMMER, SPRING, local_time_zone=BERLIN).mirror
    assert due(taken, SUMMER_S) == []
    assert due(taken, WINTER_S) == [7], "and in autumn again"


@pytest.mark.parametrize(
    "what",
    [
        daily(),
        profile(Purpose.TX_DEFAULT, (0, "6"), start="2024-01-01T23:00Z", profile_id=7),
        profile(Purpose.TX, (0, "6"), kind=Kind.RELATIVE, profile_id=7),
    ],
)
def test_what_somebody_gave_a_start_is_left_alone(what: ChargingProfile) -> None:
    assert due(install((), place(1), what, 0).mirror) == []


def test_what_does_not_recur_or_is_over_is_left_alone() -> None:
    absolute = profile(Purpose.TX_DEFAULT, (0, "6"), start="2024-01-01T23:00Z")
    assert due(install((), place(1), absolute, 0, local_time_zone=BERLIN).mirror) == []
    over = msgspec.structs.replace(WINTER, valid_to=SPRING)
    assert due(install((), place(1), over, 0, local_time_zone=BERLIN).mirror) == []
    assert due(install((), place(1), over, 0, local_time_zone=BERLIN).mirror, now=SPRING - 1) == [7]


def test_the_zone_goes_with_what_a_remote_start_brought() -> None:
    what = profile(Purpose.TX, (0, "6"), recurrency=Recurrency.DAILY, start="2024-01-01T23:00Z", profile_id=7)
    for smart_charging, wanted in ((True, [7]), (None, [])):
        mirror = install_at_start(
            (), place(1), what, "17", 0, smart_charging=smart_charging, local_time_zone=BERLIN
        ).mirror
        assert mirror[0].local_time_zone == BERLIN
        assert due(mirror) == wanted, "what a station may have ignored is not brought to it"


def test_a_refusal_holds_for_this_change_and_for_no_other() -> None:
    refused = asked(HELD, HELD[0], SUMMER_S, refused=True)
    assert refused[0].renewal == Renewal(utc_offset_s=SUMMER_S, asked=1, refused=True)
    assert due(refused, SUMMER_S) == []
    assert due(refused, -5 * 3600) == [7], "the site has got another time zone"
    autumn = settled(refused, lambda _entry: (BERLIN, WINTER_S))
    assert autumn == HELD
    assert due(autumn, SUMMER_S) == [7], "in the spring after that it is asked again"


def test_without_an_answer_it_is_asked_again_in_the_same_words_but_not_for_ever() -> None:
    mirror = HELD
    for times in range(1, MOST_ASKED + 1):
        assert due(mirror) == [7]
        mirror = unanswered(mirror)
        assert [each.profile for each in mirror] == [WINTER, SUMMER]
        assert [each.certainty for each in mirror] == [Certainty.UNKNOWN] * 2
        assert mirror[1].renewal == Renewal(utc_offset_s=SUMMER_S, asked=times)
    assert due(mirror) == []
    assert due(mirror, WINTER_S) == [7], "at the next change it is asked anew"
    taken = install(mirror, place(1), SUMMER, SPRING, local_time_zone=BERLIN).mirror
    assert taken == install((), place(1), SUMMER, SPRING, local_time_zone=BERLIN).mirror


def test_what_somebody_wanted_gone_or_replaced_does_not_come_back() -> None:
    everything = ClearFilter()
    assert asked(clear(HELD, everything).mirror, HELD[0], SUMMER_S, refused=False) == ()
    for mirror in (HELD, unanswered(HELD)):
        assert due(clear(mirror, everything).mirror) == []
        assert due(clear_unanswered(mirror, everything).mirror) == []
        other = profile(Purpose.TX_DEFAULT, (0, "6"), profile_id=8)
        assert due(install(mirror, place(1), other, SPRING).mirror) == []
        assert due(install_unanswered(mirror, place(1), other, SPRING).mirror) == []
        assert due(install_unanswered(mirror, place(0), other, SPRING).mirror) == [], "the station may have dropped it"
    mine = install(HELD, place(1), WINTER, SPRING).mirror
    assert asked(mine, HELD[0], SUMMER_S, refused=True) == mine, "the same number, with a start that somebody gave"


def test_what_is_in_step_follows_the_present_zone() -> None:
    mirror = settled(HELD, lambda _entry: ("Europe/Paris", WINTER_S))
    assert [each.local_time_zone for each in mirror] == ["Europe/Paris"]
    behind = settled(HELD, lambda _entry: ("Europe/Athens", SUMMER_S))
    assert behind == HELD, "it runs by the clock of Berlin until the station has it anew"
    explicit = install((), place(1), WINTER, 0).mirror
    assert settled(explicit, lambda _entry: ("Europe/Paris", WINTER_S)) == explicit
    pending = unanswered(HELD)
    assert settled(pending, lambda _entry: (BERLIN, SUMMER_S)) == pending, "nobody knows yet"


def test_a_default_for_all_puts_the_connectors_own_in_doubt() -> None:
    whole = daily(1)
    mirror: Mirror = install((), place(0), whole, 0, local_time_zone=BERLIN).mirror
    for number, what in ((1, daily(2)), (2, daily(3, level=1)), (3, daily(OURS_FROM + 6))):
        mirror = install(mirror, place(number), what, 0).mirror
    assert [each.profile.profile_id for each in put_in_doubt(mirror, mirror[0])] == [2]
    gone = clear_unanswered(mirror, ClearFilter(profile_id=2)).mirror
    assert put_in_doubt(gone, gone[0]) == ()
    assert put_in_doubt(mirror, mirror[1]) == ()


def test_a_mirror_of_before_knows_of_no_zone() -> None:
    old = msgspec.json.encode([{"location": {"station_id": "CP7", "evse_id": 1}, "profile": WINTER}])
    (entry,) = msgspec.json.decode(old, type=tuple[InstalledProfile, ...])
    assert (entry.local_time_zone, entry.renewal) == (None, None)
    assert not is_due(entry, SUMMER_S, SPRING)
    assert in_step(entry.profile, WINTER_S)
