"""Random days at a site: the limit holds at every moment, nobody starves, and troubles are told.

A few days here; STATIONMASTER_TEST_DAYS=1000 for as many as the promise is about.
"""

import os

import pytest

from tests.domain.load_management.simulation import Day

DAYS = int(os.environ.get("STATIONMASTER_TEST_DAYS", "10"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_random_day(seed: int) -> None:
    """Of five days, three have stations that are merely slow, coarse, refusing or away.

    On one some ignore their limits; on one there are other loads behind a meter that falls silent now and then.
    """
    day = Day(seed, ignoring=seed % 5 == 3, metered=seed % 5 == 4).run()
    assert day.counts["transactions"] > 100
    assert day.counts["SetLimit"] > 100
    assert day.fullest > 0.7, "safety by giving nothing is no sharing"
