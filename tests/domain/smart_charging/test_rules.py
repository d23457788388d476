"""Each rule of the editor: a profile that keeps it, one that breaks it, and what follows."""

from collections.abc import Callable

import msgspec
import pytest

from stationmaster.domain.smart_charging.capabilities import Capabilities
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedulePeriod,
    Kind,
    Purpose,
    RateUnit,
    Recurrency,
)
from stationmaster.domain.smart_charging.rule import Draft, Sending, Severity
from stationmaster.domain.smart_charging.rules import RULES, blocks, validate, violations_of_raw
from tests.domain.smart_charging.builders import at, installed, place, profile, running

MAX, DEFAULT, TX = Purpose.STATION_MAX, Purpose.TX_DEFAULT, Purpose.TX
NOW = at("2024-03-05T10:00Z")
DAILY = Recurrency.DAILY
UNKNOWN = Capabilities()
LIBRARY, INSTALL, REMOTE = Sending.LIBRARY, Sending.INSTALL, Sending.REMOTE_START

GOOD = profile(
    DEFAULT, (0, "16"), (3600, "8"), start="2024-03-05T00:00Z", duration_s=86_400,
    valid_from="2024-03-05T00:00Z", valid_to="2024-03-06T00:00Z",
)  # fmt: skip
GOOD_TX = profile(TX, (0, "16"), kind=Kind.RELATIVE, transaction_id="17")
STATION = profile(MAX, (0, "16"), start="2024-03-05T00:00Z")
FOREVER = profile(DEFAULT, (0, "16"), recurrency=DAILY, start="2024-03-05T00:00Z", duration_s=86_400)


def draft(
    what: ChargingProfile,
    number: int | None = 1,
    sending: Sending = INSTALL,
    capabilities: Capabilities = UNKNOWN,
    holding: tuple[tuple[int, ChargingProfile], ...] = (),
) -> Draft:
    return Draft(
        profile=what,
        now=NOW,
        sending=sending,
        location=None if number is None else place(number),
        capabilities=capabilities,
        installed=tuple(installed(where, each) for where, each in holding),
        transactions=(running(1, "2024-03-05T09:00Z", "17"),),
    )


def changed(what: ChargingProfile, **fields: object) -> ChargingProfile:
    """The profile with other fields, those of its schedule included."""
    own = {name: value for name, value in fields.items() if name in what.__struct_fields__}
    inner = {name: value for name, value in fields.items() if name not in own}
    schedule = msgspec.structs.replace(what.schedule, **inner)
    return msgspec.structs.replace(what, **{"schedules": (schedule,), **own})


def periods(*values: tuple[int, int, int | None]) -> tuple[ChargingSchedulePeriod, ...]:
    return tuple(
        ChargingSchedulePeriod(start_period_s=start, limit_tenths=limit, number_phases=phases)
        for start, limit, phases in values
    )


def names(what: Draft) -> set[str]:
    return {each.rule for each in validate(what)}


@pytest.mark.parametrize(
    "good",
    [
        draft(GOOD),
        draft(GOOD, 0),
        draft(GOOD_TX),
        draft(STATION, 0),
        draft(FOREVER, 0),
        draft(changed(GOOD_TX, transaction_id=None), sending=REMOTE),
        draft(changed(GOOD_TX, transaction_id=None), None, sending=REMOTE),
        draft(changed(GOOD_TX, transaction_id=None), None, sending=LIBRARY),
        draft(changed(GOOD, start_schedule=None, valid_from=None, valid_to=None), None, sending=LIBRARY),
        draft(
            GOOD,
            capabilities=Capabilities(
                smart_charging=True,
                max_stack_level=0,
                allowed_units=frozenset({RateUnit.AMPERE}),
                max_periods=2,
                max_profiles=1,
                switches_phases=False,
                evse_count=1,
                direct_current=False,
            ),
        ),
    ],
)
def test_nothing_speaks_against_a_good_profile(good: Draft) -> None:
    assert validate(good) == ()


BROKEN: dict[str, Draft | tuple[Draft, ...]] = {
    "schedule_required": draft(msgspec.structs.replace(GOOD, schedules=())),
    "period_required": draft(changed(GOOD, periods=())),
    "first_period_at_zero": draft(changed(GOOD, periods=periods((1, 60, None)))),
    "periods_increasing": (
        draft(changed(GOOD, periods=periods((0, 60, None), (0, 70, None)))),
        draft(changed(GOOD, periods=periods((0, 60, None), (60, 70, None), (30, 80, None)))),
    ),
    "limit_in_range": (
        draft(changed(GOOD, periods=periods((0, -1, None)))),
        draft(changed(GOOD, periods=periods((0, 2**31, None)))),
        draft(changed(GOOD, min_charging_rate_tenths=-1)),
    ),
    "phases_one_to_three": (
        draft(changed(GOOD, periods=periods((0, 60, 0)))),
        draft(changed(GOOD, periods=periods((0, 60, 4)))),
    ),
    "numbers_in_range": (
        draft(changed(GOOD, profile_id=0)),
        draft(changed(GOOD, profile_id=2**31)),
        draft(changed(GOOD, stack_level=-1)),
        draft(changed(GOOD, duration_s=0)),
    ),
    "recurrence_only_with_recurring": draft(changed(GOOD, recurrency=DAILY)),
    "recurring_needs_recurrence": draft(changed(FOREVER, recurrency=None), 0),
    "start_required": (
        draft(changed(GOOD, start_schedule=None)),
        draft(changed(FOREVER, start_schedule=None), 0),
        draft(changed(GOOD, purpose=TX, start_schedule=None), sending=REMOTE),
    ),
    "relative_has_no_start": draft(changed(GOOD_TX, start_schedule=NOW)),
    "validity_in_order": draft(changed(GOOD, valid_from=NOW, valid_to=NOW)),
    "external_is_only_reported": draft(changed(GOOD, purpose=Purpose.STATION_EXTERNAL), 0),
    "station_max_for_station": draft(STATION, 1),
    "station_max_not_relative": draft(changed(GOOD_TX, purpose=MAX, transaction_id=None), 0),
    "tx_for_connector": draft(GOOD_TX, 0),
    "tx_needs_transaction": draft(changed(GOOD_TX, transaction_id=None)),
    "transaction_only_with_tx": draft(changed(GOOD, transaction_id="17")),
    "remote_start_is_tx": draft(GOOD, sending=REMOTE),
    "remote_start_names_no_transaction": draft(GOOD_TX, sending=REMOTE),
    "period_never_reached": (
        draft(changed(GOOD, duration_s=3600)),
        draft(changed(FOREVER, duration_s=None, periods=periods((0, 60, None), (86_400, 70, None))), 0),
    ),
    "longer_than_recurrence": draft(changed(FOREVER, duration_s=86_401), 0),
    "never_in_force": (
        draft(changed(GOOD, valid_to=NOW)),
        draft(changed(GOOD, duration_s=36_000)),
        draft(changed(GOOD, start_schedule=at("2024-03-06T00:00Z"))),
        draft(changed(GOOD, duration_s=40_000, valid_from=at("2024-03-05T23:00Z"))),
    ),
    "begins_in_future": (
        draft(changed(GOOD, valid_from=NOW + 1)),
        draft(changed(FOREVER, start_schedule=NOW + 1), 0),
    ),
    "zero_limit": draft(changed(GOOD, periods=periods((0, 0, None)))),
    "current_on_direct_current": draft(GOOD, capabilities=Capabilities(direct_current=True)),
    "absolute_tx_complete": (
        draft(changed(GOOD, valid_from=None)),
        draft(changed(GOOD, valid_to=None, duration_s=86_400)),
        draft(changed(GOOD, duration_s=None)),
        draft(changed(GOOD, purpose=TX, valid_to=None), sending=REMOTE),
    ),
    "transaction_running": (draft(changed(GOOD_TX, transaction_id="16")), draft(GOOD_TX, 2)),
    "replaces_elsewhere": draft(GOOD, holding=((2, profile(DEFAULT, (0, "6"))),)),
    "overwrites_connector_default": draft(GOOD, 0, holding=((2, profile(DEFAULT, (0, "6"), profile_id=9)),)),
    "hides_lower_levels": (
        draft(changed(FOREVER, stack_level=2), 0, holding=((0, profile(DEFAULT, (0, "6"), profile_id=9)),)),
        draft(changed(STATION, stack_level=2), 0, holding=((0, profile(MAX, (0, "6"), profile_id=9)),)),
    ),
    "silent_without_fallback": draft(changed(FOREVER, duration_s=3600, periods=periods((0, 60, None))), 0),
    "smart_charging_supported": draft(GOOD, capabilities=Capabilities(smart_charging=False)),
    "stack_level_supported": draft(changed(GOOD, stack_level=3), capabilities=Capabilities(max_stack_level=2)),
    "unit_supported": (
        draft(GOOD, capabilities=Capabilities(allowed_units=frozenset({RateUnit.WATT}))),
        draft(GOOD, capabilities=Capabilities(allowed_units=frozenset())),
    ),
    "periods_fit": draft(GOOD, capabilities=Capabilities(max_periods=1)),
    "profiles_fit": draft(
        GOOD, capabilities=Capabilities(max_profiles=1), holding=((0, profile(MAX, (0, "6"), profile_id=9)),)
    ),
    "connector_exists": draft(GOOD, 99, capabilities=Capabilities(evse_count=2)),
    "phases_stay": (
        draft(changed(GOOD, periods=periods((0, 60, 3), (60, 60, 1)))),
        draft(
            changed(GOOD, periods=periods((0, 60, None), (60, 60, 1))), capabilities=Capabilities(switches_phases=False)
        ),
    ),
}


def test_every_rule_has_an_example_here() -> None:
    assert set(BROKEN) == {rule.name for rule in RULES}
    assert len(RULES) == len(BROKEN)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_finds_what_breaks_it_and_says_where_and_what(rule: object) -> None:
    name = str(getattr(rule, "name", ""))
    examples = BROKEN[name]
    for example in examples if isinstance(examples, tuple) else (examples,):
        found = [each for each in validate(example) if each.rule == name]
        assert found, f"{name} does not see its example"
        assert all((each.message and each.message[0].islower()) or each.message[0].isdigit() for each in found)
        assert all(each.severity is getattr(rule, "severity", None) for each in found)


KEPT: dict[str, Callable[[], Draft]] = {
    "zero is a number of the level": lambda: draft(changed(GOOD, stack_level=0)),
    "the same slot may be replaced by the same id": lambda: draft(GOOD, holding=((1, GOOD),)),
    "a full station takes a replacement": lambda: draft(
        GOOD, capabilities=Capabilities(max_profiles=1), holding=((1, changed(GOOD, profile_id=9)),)
    ),
    "what ends hides nothing for ever": lambda: draft(
        changed(GOOD, stack_level=2), holding=((1, profile(DEFAULT, (0, "6"), profile_id=9)),)
    ),
    "a recurring profile with pauses lets others through": lambda: draft(
        changed(FOREVER, stack_level=2, duration_s=3600, periods=periods((0, 60, None))),
        0,
        holding=((0, profile(DEFAULT, (0, "6"), profile_id=9)),),
    ),
    "a station that switches phases may be told to": lambda: draft(
        changed(GOOD, periods=periods((0, 60, 3), (60, 60, 1))), capabilities=Capabilities(switches_phases=True)
    ),
    "default phases and three phases are the same": lambda: draft(
        changed(GOOD, periods=periods((0, 60, 3), (60, 60, None)))
    ),
    "watts suit direct current": lambda: draft(
        changed(GOOD, unit=RateUnit.WATT), capabilities=Capabilities(direct_current=True)
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_allowed_stays_allowed(name: str) -> None:
    assert names(KEPT[name]()) == set()


def test_hard_blocks_stay_where_a_person_insists_and_warnings_do_not() -> None:
    found = validate(draft(changed(GOOD_TX, stack_level=9), 0, capabilities=Capabilities(max_stack_level=2)))
    assert {each.rule for each in blocks(found, send_anyway=False)} == {"tx_for_connector", "stack_level_supported"}
    assert {each.rule for each in blocks(found, send_anyway=True)} == {"tx_for_connector"}
    assert [each.severity for each in found] == [Severity.HARD_BLOCK, Severity.WARNING], "hard blocks come first"


def test_the_raw_command_keeps_only_the_few_rules_of_the_handbook() -> None:
    assert {rule.name for rule in RULES if rule.holds_for_raw} == {
        "station_max_for_station",
        "tx_for_connector",
        "tx_needs_transaction",
        "remote_start_is_tx",
        "remote_start_names_no_transaction",
    }
    assert all(rule.severity is Severity.HARD_BLOCK for rule in RULES if rule.holds_for_raw)
    nonsense = changed(GOOD, periods=(), stack_level=-1, profile_id=0)
    assert violations_of_raw(draft(nonsense)) == ()
    assert [each.rule for each in violations_of_raw(draft(GOOD_TX, 0))] == ["tx_for_connector"]


def test_a_violation_points_at_the_field() -> None:
    [found] = validate(draft(changed(GOOD, periods=periods((0, 60, None), (60, 60, 4)))))
    assert found.field == "schedules[0].periods[1].number_phases"
    assert found.message == "a connector has 1 to 3 phases, not 4"


def test_each_rule_is_described_and_says_where_it_comes_from() -> None:
    for rule in RULES:
        assert rule.description.endswith("."), rule.name
        assert rule.source.startswith("§"), rule.name
