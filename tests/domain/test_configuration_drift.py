"""Which template counts, what means the same, and how a key stands."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.domain.configuration_drift import (
    NOTHING,
    Memory,
    back_off_us,
    judge,
    memory_of,
    remembered,
    same_value,
    templates_of,
    wanted_keys,
)
from stationmaster.domain.desired_configuration import (
    ConfigurationTemplate,
    KeyAnswer,
    KeyRecord,
    KnownKey,
    TemplateValue,
    lesser,
)
from stationmaster.domain.stations import Station

STATION = Station(id="CP7", vendor="Acme", model="Twin 22", firmware_version="1.4.2", site_id="north")
HOUR_US = 3_600_000_000


def template(id: str, key: str = "HeartbeatInterval", value: str = "60", **more: Any) -> ConfigurationTemplate:
    return ConfigurationTemplate(
        id=id, organisation_id="default", name=id, entries=(TemplateValue(key, value),), **more
    )


def order(*templates: ConfigurationTemplate, assigned: tuple[str, ...] = ()) -> list[str]:
    return [each.id for each in templates_of(templates, STATION, assigned)]


# Which template counts.


def test_a_template_that_says_nothing_of_stations_applies_only_where_it_is_assigned() -> None:
    assert order(template("a")) == []
    assert order(template("a"), assigned=("a",)) == ["a"]


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ({"vendor": "acme"}, True),
        ({"vendor": "*"}, True),
        ({"vendor": "Other"}, False),
        ({"vendor": "Acme", "model": "twin*"}, True),
        ({"vendor": "Acme", "firmware": "1.5*"}, False),
        ({"site_id": "north"}, True),
        ({"site_id": "south"}, False),
        ({"vendor": "Acme", "site_id": "south"}, False),
    ],
)
def test_what_is_said_of_stations_must_all_fit(pattern: dict[str, str], fits: bool) -> None:
    assert order(template("a", **pattern)) == (["a"] if fits else [])


def test_precedence_is_priority_then_by_hand_then_what_says_more_then_the_elder() -> None:
    least_to_most = [
        template("young", vendor="Acme", created_at=2),
        template("old", vendor="Acme", created_at=1),
        template("site", vendor="Acme", site_id="north"),
        template("model", vendor="Acme", model="Twin*"),
        template("exact-model", vendor="Acme", model="Twin 22"),
        template("firmware", vendor="Acme", firmware="1.4*"),
        template("by-hand"),
        template("first", vendor="*", priority=1),
    ]
    assert order(*least_to_most, assigned=("by-hand",)) == [each.id for each in reversed(least_to_most)]


def test_each_key_comes_from_the_first_template_and_tells_which_ones_lost() -> None:
    strong = template("strong", "heartbeatinterval", "120", priority=1)
    weak = template("weak", "HeartbeatInterval", "60")
    other = template("other", "CpoName", "North")
    keys = {each.key: each for each in wanted_keys([strong, weak, other], "on_connect")}
    assert set(keys) == {"heartbeatinterval", "CpoName"}
    assert keys["heartbeatinterval"].item.value == "120"
    assert [each.id for each in keys["heartbeatinterval"].overridden] == ["weak"]


def test_the_lesser_of_both_modes_holds_and_a_template_that_is_off_hides_nothing() -> None:
    off = template("off", value="120", priority=9, mode="off")
    shown = template("shown", mode="show")
    (key,) = wanted_keys([off, shown], "on_connect")
    assert (key.template.id, key.mode) == ("shown", "show")
    assert wanted_keys([shown], "off") == []
    assert lesser("on_demand", "on_connect") == "on_demand"


# What means the same.


@pytest.mark.parametrize(
    ("kind", "wanted", "told", "same"),
    [
        ("bool", "true", "TRUE", True),
        ("bool", "true", "false", False),
        ("bool", "true", "1", False),
        ("int", "60", "060", True),
        ("int", "60", " 60 ", True),
        ("int", "60", "60.0", False),
        ("int", "60", "", False),
        ("int", "0", "-0", True),
        ("list", "Voltage,SoC", "SoC , voltage", True),
        ("list", "Voltage,SoC", "Voltage", False),
        ("list", "", " ", True),
        ("text", "North", "north", False),
        ("text", "060", "60", False),
        (None, "True", "true", True),
        (None, "060", "60", True),
        (None, "a,b", "b,a", False),
        (None, "\u0663", "3", False),
        (None, "9" * 30, "0" + "9" * 30, False),
    ],
)
def test_values_compare_by_what_they_mean(kind: str | None, wanted: str, told: str, same: bool) -> None:
    assert same_value(kind, wanted, told) is same
    assert same_value(kind, told, wanted) is same


@given(st.sampled_from(["bool", "int", "list", "text", None]), st.text(max_size=30))
def test_every_value_means_the_same_as_itself(kind: str | None, value: str) -> None:
    assert same_value(kind, value, value)


# How a key stands.


def known(value: str | None = "300", **more: Any) -> KnownKey:
    fields = {"readonly": False, "supported": True, "read_at": 100} | more
    return KnownKey(key="HeartbeatInterval", value=value, **fields)


def said(answer: str, at: int = 50) -> Memory:
    return Memory(answer=answer, answer_at=at, answer_hash="60")


def stands(
    key: KnownKey | None, memory: Memory = NOTHING, *, secret: bool = False, booted_at: int = 0
) -> tuple[str, str]:
    state, reason = judge("60", key, memory, kind="int", secret=secret, booted_at=booted_at)
    return state.value, reason.value


@pytest.mark.parametrize(
    ("key", "memory", "outcome"),
    [
        (None, NOTHING, ("unknown", "not_read")),
        (known("60"), NOTHING, ("in_step", "as_read")),
        (known("60", written_at=200), NOTHING, ("in_step", "as_set")),
        (known(), NOTHING, ("drifted", "differs")),
        (known(readonly=True), NOTHING, ("readonly", "readonly")),
        (known("60", readonly=True), NOTHING, ("in_step", "as_read")),
        (known(None, supported=False), NOTHING, ("not_supported", "unknown_key")),
        (known(), said("not_supported"), ("not_supported", "unknown_key")),
        (known(), said("rejected"), ("refused", "rejected")),
        (known(), said("error"), ("refused", "error")),
        (known("60"), said("rejected"), ("in_step", "as_read")),
        (known(), said("not_changed"), ("drifted", "accepted_but_not_changed")),
        (known(), said("accepted"), ("drifted", "differs")),
        (known(None), said("accepted", at=200), ("in_step", "as_set")),
        (known(None, written_at=300), said("accepted", at=200), ("unknown", "not_read")),
        (known(), said("reboot_required"), ("reboot_pending", "reboot_required")),
        (known(pending_value="60", written_at=200), NOTHING, ("reboot_pending", "reboot_required")),
        (known(pending_value="060", written_at=90), NOTHING, ("reboot_pending", "reboot_required")),
        (known("60", pending_value="90", written_at=200), NOTHING, ("drifted", "differs")),
        (known(None, pending_value="60", written_at=200), NOTHING, ("reboot_pending", "reboot_required")),
    ],
)
def test_a_key_stands_by_what_was_read_and_what_the_station_made_of_the_change(
    key: KnownKey | None, memory: Memory, outcome: tuple[str, str]
) -> None:
    assert stands(key, memory) == outcome


def test_after_a_boot_what_was_read_counts_again() -> None:
    assert stands(known("60", written_at=200), booted_at=250) == ("in_step", "as_set")
    assert stands(known(), said("reboot_required"), booted_at=60) == ("drifted", "differs")


def test_a_secret_stands_by_what_was_last_set_and_never_by_what_the_station_shows() -> None:
    assert stands(known("60"), secret=True) == ("unknown", "never_set")
    assert stands(known("****"), said("accepted", at=200), secret=True) == ("in_step", "as_set")
    overwritten = msgspec.structs.replace(known(None), written_at=201)
    assert stands(overwritten, said("accepted", at=200), secret=True) == ("unknown", "never_set")


def test_what_was_refused_counts_for_that_value_and_that_firmware_only() -> None:
    record = KeyRecord(
        station_id="CP7", key_name="heartbeatinterval", organisation_id="default", key="HeartbeatInterval",
        template_id="a", mode="show", secret=False, state="refused", reason="rejected",
        answer="rejected", answer_at=5, answer_hash="60", answer_firmware="1.0",
    )  # fmt: skip
    assert memory_of(record, "60", "1.0").answer == "rejected"
    assert memory_of(record, "90", "1.0") == NOTHING
    assert memory_of(record, "60", "1.1") == NOTHING
    agreed = msgspec.structs.replace(record, answer="accepted")
    assert memory_of(agreed, "60", "1.1").answer == "accepted", "what was set stays set"
    assert memory_of(None, "60", "1.0") == NOTHING


def test_attempts_are_counted_while_the_station_says_yes_and_does_nothing() -> None:
    once = remembered(NOTHING, KeyAnswer.NOT_CHANGED, "60", "1.0", 0)
    twice = remembered(once, KeyAnswer.NOT_CHANGED, "60", "1.0", 10)
    assert (once.attempts, once.next_attempt_at) == (1, HOUR_US)
    assert (twice.attempts, twice.next_attempt_at) == (2, 10 + 2 * HOUR_US)
    done = remembered(twice, KeyAnswer.ACCEPTED, "60", "1.0", 20)
    assert (done.attempts, done.next_attempt_at) == (0, None)


def test_what_a_station_does_not_do_is_tried_ever_more_rarely() -> None:
    hours = [back_off_us(attempts) // HOUR_US for attempts in range(1, 8)]
    assert hours == [1, 2, 4, 8, 16, 24, 24]
    assert back_off_us(10_000) == 24 * HOUR_US
