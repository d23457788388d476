"""Which quirk profile fits a station best."""

import pytest

from stationmaster.domain.quirks import NO_QUIRKS, QuirkProfile, best_profile


def profile(name: str, vendor: str | None, model: str | None = None, firmware: str | None = None) -> QuirkProfile:
    return QuirkProfile(
        id=name, organisation_id="o", name=name, quirks=NO_QUIRKS, vendor=vendor, model=model, firmware=firmware
    )


PROFILES = [
    profile("chosen only", None),
    profile("vendor", "ABB"),
    profile("models", "ABB", "Terra*"),
    profile("model", "ABB", "Terra AC"),
    profile("firmwares", "ABB", "Terra AC", "1.*"),
    profile("firmware", "ABB", None, "1.8.21"),
]


@pytest.mark.parametrize(
    ("station", "expected"),
    [
        (("ABB", "Other", "0.1"), "vendor"),
        (("abb ", "terra DC", None), "models"),
        (("ABB", "Terra AC", "2.0"), "model"),
        (("ABB", "Terra AC", "1.9"), "firmwares"),
        (("ABB", "Terra AC", "1.8.21"), "firmware"),
        (("ABB", None, None), "vendor"),
        ((None, "Terra AC", "1.9"), None),
        (("ABBA", "Terra AC", "1.9"), None),
    ],
)
def test_the_profile_that_says_the_most_wins(
    station: tuple[str | None, str | None, str | None], expected: str | None
) -> None:
    found = best_profile(reversed(PROFILES), *station)
    assert (None if found is None else found.name) == expected
