"""How much energy a transaction can have taken at most (RELIABILITY S-08).

The rule that shapes this file: the bound is what no station on earth exceeds, and wide enough for clocks that
were set in between and for test tools that charge in a second. What lies beyond it is a fault, not a customer.
"""

from typing import Final

from stationmaster.instants import Instant

__all__ = ["BEYOND_PHYSICAL_LIMIT", "LEAST_US_PER_WH", "MARGIN_WH", "is_impossible"]

BEYOND_PHYSICAL_LIMIT: Final = "beyond_physical_limit"
"""The flag of a reading, or of a transaction, with more energy than can have gone through."""

LEAST_US_PER_WH: Final = 3000
"""1 MW with a fifth on top: 1.2 MW gives a watt-hour in 3 ms."""
MARGIN_WH: Final = 100_000
"""What may come in no time at all: a battery that was charged while the clock was wrong."""


def is_impossible(
    meter_start_wh: float | None, meter_stop_wh: float | None, started_at: Instant | None, ended_at: Instant
) -> bool:
    """Whether more energy went through than can have; False when that cannot be told."""
    if meter_start_wh is None or meter_stop_wh is None:
        return False
    longest_us = max(0, ended_at - started_at) if started_at is not None else 0
    return meter_stop_wh - meter_start_wh > longest_us // LEAST_US_PER_WH + MARGIN_WH
