"""The default sets of handbook §5.8: filled when they are sent, and clean by every rule of ours."""

import pytest

from stationmaster.domain.smart_charging.presets import (
    FilledPreset,
    Preset,
    PresetSettings,
    TransactionNeeded,
    fill,
)
from stationmaster.domain.smart_charging.profiles import Kind, Purpose, RateUnit, RunningTransaction
from stationmaster.domain.smart_charging.rule import Draft, Sending
from stationmaster.domain.smart_charging.rules import validate
from tests.domain.smart_charging.builders import at, place

NOW = at("2025-03-01T12:34:56.789Z")
AS_AGREED = PresetSettings()


def filled(preset: Preset, settings: PresetSettings = AS_AGREED) -> FilledPreset:
    return fill(preset, settings, station_id="CP7", profile_id=5, now=NOW, transaction_id="17")


def test_tc_056_a_default_for_today() -> None:
    preset = filled(Preset.TX_DEFAULT)
    profile, schedule = preset.profile, preset.profile.schedule
    assert preset.location == place(1)
    assert (profile.purpose, profile.kind, profile.stack_level) == (Purpose.TX_DEFAULT, Kind.ABSOLUTE, 0)
    assert profile.valid_from == schedule.start_schedule == at("2025-03-01T00:00Z")
    assert profile.valid_to == at("2025-03-02T00:00Z")
    assert (profile.transaction_id, profile.recurrency) == (None, None)
    assert (schedule.duration_s, schedule.unit) == (86_400, RateUnit.AMPERE)
    assert [(each.start_period_s, each.limit_tenths, each.number_phases) for each in schedule.periods] == [(0, 60, 3)]


def test_tc_057_and_tc_059_are_relative_and_only_one_names_the_transaction() -> None:
    for preset, transaction_id in ((Preset.TX, "17"), (Preset.REMOTE_START, None)):
        profile = filled(preset).profile
        assert (profile.purpose, profile.kind) == (Purpose.TX, Kind.RELATIVE)
        assert profile.transaction_id == transaction_id
        assert (profile.valid_from, profile.valid_to, profile.schedule.start_schedule) == (None, None, None)
        assert profile.schedule.periods[0].start_period_s == 0


def test_tc_067_sets_three_profiles_on_one_level() -> None:
    settings = PresetSettings(evse_id=2, stack_level=3)
    presets = [filled(preset, settings) for preset in (Preset.STATION_MAX, Preset.TX_DEFAULT, Preset.TX)]
    assert [each.location for each in presets] == [place(0), place(2), place(2)]
    assert {each.profile.stack_level for each in presets} == {3}
    assert [each.profile.transaction_id for each in presets] == [None, None, "17"]


def test_the_figures_are_those_agreed_with_the_lab() -> None:
    watts = filled(Preset.TX_DEFAULT, PresetSettings(unit=RateUnit.WATT, number_phases=None, duration_s=3600)).profile
    assert watts.schedule.periods[0].limit_tenths == 60_000
    assert watts.schedule.periods[0].number_phases is None
    assert watts.valid_to == at("2025-03-01T01:00Z")
    assert filled(Preset.TX, PresetSettings(limit_tenths=75)).profile.schedule.periods[0].limit_tenths == 75


def test_a_preset_for_a_transaction_needs_one() -> None:
    with pytest.raises(TransactionNeeded, match="name the transaction"):
        fill(Preset.TX, PresetSettings(), station_id="CP7", profile_id=5, now=NOW)


@pytest.mark.parametrize("preset", Preset)
def test_no_rule_speaks_against_a_preset(preset: Preset) -> None:
    ready = filled(preset)
    draft = Draft(
        profile=ready.profile,
        location=ready.location,
        now=NOW,
        sending=Sending.REMOTE_START if preset is Preset.REMOTE_START else Sending.INSTALL,
        transactions=(RunningTransaction(transaction_id="17", evse_id=1, started_at=NOW),),
    )
    assert validate(draft) == ()
