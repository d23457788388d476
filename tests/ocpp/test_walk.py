"""What an oddity shows of a value."""

import pytest

from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.ocpp.oddities import LONGEST_RAW, OddityKind
from stationmaster.ocpp.walk import Mode, Walk, raw_text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (12, "12"),
        ("", ""),
        ("größer", "größer"),
        ("a\0b", "a\\x00b"),
        ("\ud800", "\\ud800"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
    ],
)
def test_a_value_is_shown_as_it_was_sent(raw: object, shown: str) -> None:
    assert raw_text(raw) == shown


def test_a_long_value_is_clipped_even_when_it_has_to_be_escaped() -> None:
    assert raw_text("x" * 10_000) == "x" * LONGEST_RAW
    assert raw_text("\0" * 10_000) == "\\x00" * (LONGEST_RAW // 4)


def test_a_value_that_is_nested_too_deeply_is_told_without_it() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    assert raw_text(deep) == "(nested too deeply to show)"


def test_where_nothing_is_mended_every_defect_is_refused() -> None:
    for mode in (Mode.STRICT, Mode.SENDING):
        walk = Walk(mode)
        walk.path += ["meterValue", 3, "timestamp"]
        with pytest.raises(OcppError, match=r"meterValue\[3\]\.timestamp is odd") as caught:
            walk.tolerate(OddityKind.BAD_TIMESTAMP, "x", ErrorCode.GENERIC_ERROR, "is odd")
        assert caught.value.field == "meterValue[3].timestamp"


def test_where_something_is_mended_the_defect_is_noted_with_its_path() -> None:
    for mode in (Mode.LENIENT, Mode.TRANSACTION):
        walk = Walk(mode)
        walk.path += ["meterValue", 3, "timestamp"]
        walk.tolerate(OddityKind.BAD_TIMESTAMP, "x", ErrorCode.GENERIC_ERROR, "is odd")
        assert [oddity.path for oddity in walk.oddities] == ["meterValue[3].timestamp"]
