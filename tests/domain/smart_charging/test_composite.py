"""The worked examples of handbook §3.6.5, and the decisions A-6, A-15, A-16."""

import pytest

from stationmaster.domain.smart_charging.composite import LONGEST_S
from stationmaster.domain.smart_charging.profiles import (
    Certainty,
    InstalledProfile,
    Kind,
    Purpose,
    RateUnit,
    Recurrency,
)
from stationmaster.domain.smart_charging.units import ConversionImpossible
from tests.domain.smart_charging.builders import composite, installed, place, profile, running, said

MAX, DEFAULT, TX, EXTERNAL = Purpose.STATION_MAX, Purpose.TX_DEFAULT, Purpose.TX, Purpose.STATION_EXTERNAL
WATT, DAILY = RateUnit.WATT, Recurrency.DAILY


def test_worked_example_1_combining() -> None:
    station = profile(MAX, (0, "25"), start="2024-01-01T00:00Z")
    default = profile(
        DEFAULT,
        (0, "32"), (28800, "16"), (72000, "32"),
        recurrency=DAILY, start="2024-01-01T00:00Z", duration_s=86400,
    )  # fmt: skip
    answer = composite(1, "2024-03-05T07:00Z", 14400, installed(0, station), installed(0, default))
    assert said(answer) == "0→25, 3600→16"


def test_worked_example_2_stacking() -> None:
    bottom = profile(DEFAULT, (0, "16"), recurrency=DAILY, start="2024-01-01T00:00Z")
    night = profile(DEFAULT, (0, "32"), level=1, recurrency=DAILY, start="2024-01-01T23:00Z", duration_s=25200)
    event = profile(
        DEFAULT, (0, "6"), (3600, "10"), level=2, start="2024-03-06T00:00Z", duration_s=7200,
        valid_from="2024-03-06T00:00Z", valid_to="2024-03-06T02:00Z",
    )  # fmt: skip
    stack = [installed(0, each) for each in (bottom, night, event)]
    answer = composite(1, "2024-03-05T22:00Z", 36000, *stack)
    assert said(answer) == "0→16, 3600→32, 7200→6, 10800→10, 14400→32, 28800→16"


def test_worked_example_3_a_transaction_in_amperes_under_a_station_in_watts() -> None:
    entries = (
        installed(0, profile(MAX, (0, "11040", 3), unit=WATT, start="2024-01-01T00:00Z")),
        installed(0, profile(DEFAULT, (0, "10"), recurrency=DAILY, start="2024-01-01T00:00Z")),
        installed(1, profile(TX, (0, "20"), (1800, "8"), kind=Kind.RELATIVE, duration_s=3600, transaction_id="17")),
    )
    answer = composite(1, "2024-03-05T10:10Z", 7200, *entries, transactions=(running(1, "2024-03-05T10:00Z"),))
    assert said(answer) == "0→16, 1200→8, 3000→10"


@pytest.mark.parametrize(
    "limit, phases, asked_in, expected",
    [
        ("6000", 1, RateUnit.AMPERE, "0→26"),
        ("6000", None, RateUnit.AMPERE, "0→8.6"),
        ("16", 3, RateUnit.WATT, "0→11040"),
        ("16", 1, RateUnit.WATT, "0→3680"),
    ],
)
def test_worked_example_4_units(limit: str, phases: int | None, asked_in: RateUnit, expected: str) -> None:
    given = WATT if asked_in is RateUnit.AMPERE else RateUnit.AMPERE
    period = (0, limit, phases) if phases else (0, limit)
    default = profile(DEFAULT, period, unit=given, start="2024-01-01T00:00Z")
    assert said(composite(1, "2024-03-05T10:00Z", 60, installed(0, default), unit=asked_in)) == expected


def test_worked_example_5_fallback_to_nothing() -> None:
    default = profile(DEFAULT, (0, "10"), recurrency=DAILY, start="2024-01-01T08:00Z", duration_s=36000)
    answer = composite(1, "2024-03-05T17:00Z", 86400, installed(0, default))
    assert said(answer) == "0→10, 3600→∞, 54000→10"


def test_worked_example_6_the_sample_of_the_specification() -> None:
    default = profile(
        DEFAULT, (0, "11000", 3), (28800, "6000", 3), (72000, "11000", 3),
        profile_id=100, unit=WATT, recurrency=DAILY, start="2013-01-01T00:00Z", duration_s=86400,
    )  # fmt: skip
    answer = composite(1, "2024-03-05T00:00Z", 86400, installed(0, default), unit=WATT)
    assert said(answer) == "0→11000, 28800→6000, 72000→11000"


def test_a_silent_profile_of_the_transaction_falls_back_to_the_default_instant_by_instant() -> None:
    entries = (
        installed(0, profile(DEFAULT, (0, "10"), start="2024-01-01T00:00Z")),
        installed(
            1, profile(TX, (0, "20"), start="2024-03-05T10:00Z", valid_to="2024-03-05T10:20Z", transaction_id="17")
        ),
    )
    answer = composite(1, "2024-03-05T10:10Z", 1200, *entries, transactions=(running(1, "2024-03-05T10:00Z"),))
    assert said(answer) == "0→20, 600→10"


def test_a_recurring_profile_is_silent_before_its_first_start() -> None:
    default = profile(DEFAULT, (0, "10"), recurrency=DAILY, start="2024-03-05T12:00Z")
    assert said(composite(1, "2024-03-05T11:00Z", 7200, installed(0, default))) == "0→∞, 3600→10"


def test_an_absolute_profile_without_a_start_counts_from_the_start_of_the_transaction() -> None:
    entry = installed(1, profile(TX, (0, "20"), (1800, "8"), transaction_id="17"))
    answer = composite(1, "2024-03-05T10:10Z", 7200, entry, transactions=(running(1, "2024-03-05T10:00Z"),))
    assert said(answer) == "0→20, 1200→8"


def test_a_relative_default_counts_from_now_where_no_transaction_runs() -> None:
    entry = installed(1, profile(DEFAULT, (0, "20"), (1800, "8"), kind=Kind.RELATIVE))
    assert said(composite(1, "2024-03-05T10:10Z", 7200, entry)) == "0→20, 1800→8"


def test_the_profile_of_another_transaction_does_not_count() -> None:
    entry = installed(1, profile(TX, (0, "20"), kind=Kind.RELATIVE, transaction_id="16"))
    transactions = (running(1, "2024-03-05T10:00Z", "17"),)
    assert said(composite(1, "2024-03-05T10:10Z", 60, entry, transactions=transactions)) == "0→∞"
    assert said(composite(1, "2024-03-05T10:10Z", 60, entry)) == "0→∞"


def test_the_default_of_a_connector_hides_that_of_the_station_on_its_level_even_while_silent() -> None:
    wide = profile(DEFAULT, (0, "10"), level=1, start="2024-01-01T00:00Z")
    own = profile(DEFAULT, (0, "20"), level=1, start="2024-01-01T00:00Z", valid_from="2024-03-05T10:05Z")
    entries = (installed(0, wide), installed(2, own))
    assert said(composite(2, "2024-03-05T10:00Z", 600, *entries)) == "0→∞, 300→20"
    assert said(composite(1, "2024-03-05T10:00Z", 600, *entries)) == "0→10"


def test_an_external_limit_is_a_layer_of_its_own() -> None:
    entries = (
        installed(0, profile(MAX, (0, "25"), start="2024-01-01T00:00Z")),
        installed(0, profile(EXTERNAL, (0, "20"), start="2024-01-01T00:00Z", duration_s=100 * 86400)),
        installed(0, profile(DEFAULT, (0, "32"), start="2024-01-01T00:00Z")),
    )
    assert said(composite(1, "2024-03-05T10:00Z", 60, *entries)) == "0→20"


class TestTheStationAsAWhole:
    def test_is_the_sum_of_its_running_transactions_under_its_own_limit(self) -> None:
        entries = (
            installed(0, profile(MAX, (0, "25"), start="2024-01-01T00:00Z")),
            installed(0, profile(DEFAULT, (0, "10"), start="2024-01-01T00:00Z")),
            installed(2, profile(TX, (0, "16"), (600, "8"), kind=Kind.RELATIVE, transaction_id="18")),
        )
        both = (running(1, "2024-03-05T10:00Z", "17"), running(2, "2024-03-05T10:00Z", "18"))
        assert said(composite(0, "2024-03-05T10:00Z", 1200, *entries, transactions=both)) == "0→25, 600→18"
        assert said(composite(0, "2024-03-05T10:00Z", 1200, *entries, transactions=both[:1])) == "0→10"

    def test_is_unlimited_where_one_transaction_is(self) -> None:
        entry = installed(1, profile(DEFAULT, (0, "10"), start="2024-01-01T00:00Z"))
        both = (running(1, "2024-03-05T10:00Z", "17"), running(2, "2024-03-05T10:00Z", "18"))
        assert said(composite(0, "2024-03-05T10:00Z", 60, entry, transactions=both)) == "0→∞"

    def test_draws_nothing_without_a_transaction(self) -> None:
        entry = installed(0, profile(MAX, (0, "25"), start="2024-01-01T00:00Z"))
        assert said(composite(0, "2024-03-05T10:00Z", 60, entry)) == "0→0"

    def test_adds_exactly_and_rounds_once(self) -> None:
        """Twice 6000 W / 690 V = 17.39 A, not twice 8.6 A."""
        entry = installed(0, profile(DEFAULT, (0, "6000"), unit=WATT, start="2024-01-01T00:00Z"))
        both = (running(1, "2024-03-05T10:00Z", "17"), running(2, "2024-03-05T10:00Z", "18"))
        assert said(composite(0, "2024-03-05T10:00Z", 60, entry, transactions=both)) == "0→17.3"


def test_the_answer_says_when_the_mirror_is_in_doubt() -> None:
    doubtful = InstalledProfile(
        location=place(1), profile=profile(DEFAULT, (0, "10"), start="2024-01-01T00:00Z"), certainty=Certainty.UNKNOWN
    )
    assert composite(1, "2024-03-05T10:00Z", 60, doubtful).certain is False
    assert composite(2, "2024-03-05T10:00Z", 60, doubtful).certain is True, "it is not on this connector"


def test_without_a_wanted_unit_the_profiles_decide() -> None:
    watts = installed(0, profile(MAX, (0, "11000"), unit=WATT, start="2024-01-01T00:00Z"))
    amperes = installed(0, profile(DEFAULT, (0, "10"), start="2024-01-01T00:00Z"))
    assert composite(1, "2024-03-05T10:00Z", 60, watts, unit=None).unit is WATT
    assert composite(1, "2024-03-05T10:00Z", 60, watts, amperes, unit=None).unit is RateUnit.AMPERE
    assert composite(1, "2024-03-05T10:00Z", 60, unit=None).unit is RateUnit.AMPERE


def test_units_are_not_mixed_without_a_voltage() -> None:
    entry = installed(1, profile(DEFAULT, (0, "50000"), unit=WATT, start="2024-01-01T00:00Z"))
    assert said(composite(1, "2024-03-05T10:00Z", 60, entry, unit=WATT, voltage_v=None)) == "0→50000"
    with pytest.raises(ConversionImpossible, match="ask for W instead"):
        composite(1, "2024-03-05T10:00Z", 60, entry, voltage_v=None)


@pytest.mark.parametrize("duration_s", [0, -1, LONGEST_S + 1])
def test_the_horizon_has_borders(duration_s: int) -> None:
    with pytest.raises(ValueError, match="not 1 to 31622400 s"):
        composite(1, "2024-03-05T10:00Z", duration_s)


def test_a_voltage_converts_or_is_refused() -> None:
    with pytest.raises(ValueError, match="0 V"):
        composite(1, "2024-03-05T10:00Z", 60, voltage_v=0)


class TestWhatNobodyShouldHaveSent:
    """A mirror holds what was sent, and the answer is computed all the same."""

    def test_periods_out_of_order(self) -> None:
        entry = installed(1, profile(DEFAULT, (600, "8"), (0, "16"), start="2024-03-05T10:00Z"))
        assert said(composite(1, "2024-03-05T10:00Z", 1200, entry)) == "0→16, 600→8"

    def test_a_first_period_that_starts_late_leaves_the_beginning_to_the_level_below(self) -> None:
        entries = (
            installed(1, profile(DEFAULT, (0, "6"), start="2024-03-05T10:00Z")),
            installed(1, profile(DEFAULT, (300, "8"), (600, "9"), level=1, start="2024-03-05T10:00Z", duration_s=900)),
        )
        assert said(composite(1, "2024-03-05T10:00Z", 1200, *entries)) == "0→6, 300→8, 600→9, 900→6"

    def test_no_period_at_all(self) -> None:
        entry = installed(1, profile(DEFAULT, start="2024-03-05T10:00Z"))
        assert said(composite(1, "2024-03-05T10:00Z", 60, entry)) == "0→∞"

    def test_no_schedule_at_all(self) -> None:
        bare = profile(DEFAULT, (0, "6"))
        entry = installed(1, type(bare)(profile_id=1, stack_level=0, purpose=DEFAULT, kind=bare.kind, schedules=()))
        assert said(composite(1, "2024-03-05T10:00Z", 60, entry)) == "0→∞"

    def test_a_number_of_phases_that_no_station_has_counts_as_three(self) -> None:
        entry = installed(1, profile(DEFAULT, (0, "6900", 7), unit=WATT, start="2024-03-05T10:00Z"))
        assert said(composite(1, "2024-03-05T10:00Z", 60, entry)) == "0→10"

    def test_a_recurring_profile_without_a_recurrence_runs_once(self) -> None:
        entry = installed(
            1, profile(DEFAULT, (0, "6"), kind=Kind.RECURRING, start="2024-03-05T10:00Z", duration_s=3600)
        )
        assert said(composite(1, "2024-03-05T10:30Z", 86400, entry)) == "0→6, 1800→∞"

    def test_two_profiles_in_one_place_of_the_stack_the_later_prevails(self) -> None:
        first = installed(1, profile(DEFAULT, (0, "6"), start="2024-01-01T00:00Z"))
        second = installed(1, profile(DEFAULT, (0, "9"), profile_id=2, start="2024-01-01T00:00Z"))
        assert said(composite(1, "2024-03-05T10:00Z", 60, first, second)) == "0→9"


def test_seconds_begin_with_the_question_not_with_the_clock() -> None:
    """A change at 10:00:00.000 is seen by the first whole second after it."""
    entry = installed(1, profile(DEFAULT, (0, "6"), start="2024-03-05T10:00:00Z", duration_s=10))
    answer = composite(1, "2024-03-05T09:59:58.400Z", 60, entry)
    assert said(answer) == "0→∞, 2→6, 12→∞"
