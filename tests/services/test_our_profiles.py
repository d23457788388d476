"""Whose profile goes before whose at a connector."""

import pytest

from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.installed import Mirror, free_profile_id
from stationmaster.domain.smart_charging.profiles import ChargingProfile, InstalledProfile, Kind, Purpose
from stationmaster.services.load_management.ours import default_id, has, is_overruled, transaction_profile_id


def installed(purpose: Purpose, level: int, evse_id: int = 1, profile_id: int = 5) -> Mirror:
    profile = ChargingProfile(
        profile_id=profile_id, stack_level=level, purpose=purpose, kind=Kind.ABSOLUTE, schedules=()
    )
    return (InstalledProfile(location=Location.of_connector_number("CP1", evse_id), profile=profile),)


@pytest.mark.parametrize(
    ("mirror", "by_transaction", "overruled"),
    [
        ((), True, False),
        (installed(Purpose.TX_DEFAULT, 3), True, True),
        (installed(Purpose.TX_DEFAULT, 3, evse_id=0), True, True),
        (installed(Purpose.TX_DEFAULT, 3, evse_id=2), True, False),
        (installed(Purpose.TX_DEFAULT, 2), True, False),
        (installed(Purpose.TX, 3), True, True),
        (installed(Purpose.TX, 2), True, False),
        (installed(Purpose.TX, 0), False, True),
        (installed(Purpose.STATION_MAX, 9, evse_id=0), True, False),
        (installed(Purpose.TX, 9, profile_id=transaction_profile_id(1)), True, False),
    ],
)
def test_a_higher_level_goes_first_and_a_transaction_before_a_default(
    mirror: Mirror, by_transaction: bool, overruled: bool
) -> None:
    assert is_overruled(mirror, 1, 2, by_transaction=by_transaction) is overruled


def test_each_connector_has_ids_of_its_own_that_nobody_else_is_given() -> None:
    ids = [make(evse_id) for evse_id in range(1, 100) for make in (default_id, transaction_profile_id)]
    assert len(set(ids)) == len(ids)
    mirror = installed(Purpose.TX_DEFAULT, 1, profile_id=default_id(1))
    assert has(mirror, default_id(1))
    assert not has(mirror, transaction_profile_id(1))
    assert free_profile_id(mirror, 7) == 8
