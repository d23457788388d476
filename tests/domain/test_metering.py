"""Reading what meters say (handbook §2.3, §2.4, §3.2.7)."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.domain import metering
from stationmaster.domain.facts import MeterSample
from stationmaster.domain.metering import read_sample


def test_absent_fields_mean_their_defaults() -> None:
    assert read_sample("12") == MeterSample(
        "12", 12.0, "Energy.Active.Import.Register", "Wh", None, None, "Sample.Periodic", "Raw"
    )
    assert read_sample("12", "", "", "", "", "", "") == read_sample("12")


@pytest.mark.parametrize(
    ("raw", "measurand", "unit", "value", "base"),
    [
        ("12.345", "Energy.Active.Import.Register", "kWh", 12345.0, "Wh"),
        ("0.1", "Energy.Active.Export.Interval", "kWh", 100.0, "Wh"),
        ("1.001", None, "kWh", 1001.0, "Wh"),
        ("2", "Energy.Reactive.Import.Register", "kvarh", 2000.0, "varh"),
        ("-7.4", "Power.Active.Import", "kW", -7400.0, "W"),
        ("3", "Power.Offered", "kVA", 3000.0, "VA"),
        ("3", "Power.Reactive.Export", "kvar", 3000.0, "var"),
        ("16", "Current.Offered", "A", 16.0, "A"),
        ("230.4", "Voltage", "V", 230.4, "V"),
        ("68", "Temperature", "Fahrenheit", 20.0, "Celsius"),
        ("300", "Temperature", "K", 26.85, "Celsius"),
        ("21", "Temperature", "Celcius", 21.0, "Celsius"),
        ("55", "SoC", "Percent", 55.0, "Percent"),
        ("50.02", "Frequency", "Hertz", 50.02, "Hz"),
        ("50.02", "Frequency", None, 50.02, "Hz"),
        ("0.98", "Power.Factor", None, 0.98, None),
        ("1200", "RPM", None, 1200.0, None),
        (" +1.5e3 ", None, "wh", 1500.0, "Wh"),
        ("5", "Power.Active.Import", None, 5.0, "W"),
    ],
)
def test_values_are_told_in_the_base_unit(
    raw: str, measurand: str | None, unit: str | None, value: float, base: str | None
) -> None:
    sample = read_sample(raw, measurand, unit)
    assert (sample.value, sample.unit, sample.flags, sample.raw) == (value, base, (), raw)
    assert sample.raw_unit == (unit if unit not in {base, None} else None)


@pytest.mark.parametrize(
    ("raw", "measurand", "unit", "value", "flags"),
    [
        ("", None, None, None, ("not_a_number",)),
        ("n/a", None, None, None, ("not_a_number",)),
        ("NaN", None, None, None, ("not_a_number",)),
        ("Infinity", None, None, None, ("not_a_number",)),
        ("1e999", None, None, None, ("not_a_number",)),
        ("1_000", None, None, None, ("not_a_number",)),
        ("1,5", None, None, None, ("comma",)),
        ("1,234", None, "kWh", None, ("comma",)),
        ("-1", "Energy.Active.Import.Register", "Wh", -1.0, ("negative",)),
        ("1e13", None, None, 1e13, ("beyond_physical_limit",)),
        ("101", "SoC", None, 101.0, ("beyond_physical_limit",)),
        ("-1", "SoC", None, -1.0, ("negative",)),
        ("2", "Power.Factor", None, 2.0, ("beyond_physical_limit",)),
        ("-300", "Temperature", "Celsius", -300.0, ("beyond_physical_limit",)),
        ("7", "Power.Active.Import", "kWh", 7000.0, ("unit_mismatch",)),
        ("7", "Energy.Active.Import.Register", "W", 7.0, ("unit_mismatch",)),
        ("7", "Current.Import", "Ampere", 7.0, ("unknown_unit",)),
        ("x", "Current.Import", "Ampere", None, ("unknown_unit", "not_a_number")),
    ],
)
def test_nonsense_is_flagged_and_kept(
    raw: str, measurand: str | None, unit: str | None, value: float | None, flags: tuple[str, ...]
) -> None:
    sample = read_sample(raw, measurand, unit)
    assert (sample.value, sample.flags, sample.raw) == (value, flags, raw)


@pytest.mark.parametrize(
    ("measurand", "phase", "read"),
    [
        ("Voltage.L1-N", None, ("Voltage", "L1-N")),
        ("Voltage.L1", "L1", ("Voltage", "L1")),
        ("Voltage.L1", "L2", ("Voltage.L1", "L2")),
        ("Current.Import", "L2-N", ("Current.Import", "L2")),
        ("Current.Import", "N", ("Current.Import", "N")),
        ("Power.Active.Import", "L1-N", ("Power.Active.Import", "L1-N")),
        ("Something.Else", None, ("Something.Else", None)),
    ],
)
def test_phases_are_found_where_stations_put_them(
    measurand: str, phase: str | None, read: tuple[str, str | None]
) -> None:
    sample = read_sample("1", measurand, None, phase)
    assert (sample.measurand, sample.phase) == read


def test_signed_data_is_never_read_as_a_number() -> None:
    sample = read_sample("123", value_format="SignedData", context="Transaction.End", location="Outlet")
    assert (sample.value, sample.flags, sample.raw, sample.format) == (None, (), "123", "SignedData")
    assert (sample.context, sample.location) == ("Transaction.End", "Outlet")


def test_an_unknown_format_is_kept() -> None:
    sample = read_sample("123", value_format="Morse")
    assert (sample.value, sample.flags, sample.format) == (None, ("unknown_format",), "Morse")


def test_an_unknown_measurand_takes_any_unit_that_is_known() -> None:
    sample = read_sample("3", "Energy.Import.Solar", "kWh")
    assert (sample.value, sample.unit, sample.flags) == (3000.0, "Wh", ())


def test_long_texts_are_read_and_not_remembered() -> None:
    before = dict(metering._readings)
    sample = read_sample("3", "M" * 1000, "U" * 1000)
    assert sample.flags == ("unknown_unit",)
    assert metering._readings == before


def test_names_that_somebody_makes_up_do_not_fill_the_memory() -> None:
    for number in range(2 * metering._MOST_REMEMBERED):
        read_sample("3", f"Made.Up.{number}")
    assert 0 < len(metering._readings) <= metering._MOST_REMEMBERED
    assert read_sample("3", "Power.Active.Import", "kW").value == 3000.0


texts = st.one_of(st.none(), st.text(max_size=30), st.sampled_from(["Voltage", "kWh", "SoC", "Raw", "L1", "W"]))


@given(st.text(max_size=40), texts, texts, texts, texts)
def test_whatever_is_said_is_kept_and_a_value_is_a_finite_number(
    raw: str, measurand: Any, unit: Any, phase: Any, value_format: Any
) -> None:
    sample = read_sample(raw, measurand, unit, phase, None, None, value_format)
    assert sample.raw == raw
    assert sample.value is None or math.isfinite(sample.value)
    if sample.value is None:
        assert sample.flags or sample.format == "SignedData"


@given(st.decimals(min_value=0, max_value=10**6, places=3))
def test_kilowatt_hours_are_exact_to_the_thousandth(kwh: Any) -> None:
    assert read_sample(str(kwh), None, "kWh").value == float(kwh * 1000)
