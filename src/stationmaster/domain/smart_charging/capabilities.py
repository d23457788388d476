"""What a station says it can do with profiles, as far as it is known.

The rule that shapes this file: None is "not known", and then nothing is held against a profile:
send and see (handbook §3.4, §3.6.4; QUIRKS, Commands).
"""

import msgspec

from stationmaster.domain.smart_charging.profiles import RateUnit

__all__ = ["Capabilities"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a station; each None is unknown."""

    smart_charging: bool | None = None
    max_stack_level: int | None = None
    allowed_units: frozenset[RateUnit] | None = None
    max_periods: int | None = None
    max_profiles: int | None = None
    switches_phases: bool | None = None
    """Whether it may drop from three phases to one during a transaction."""
    evse_count: int | None = None
    direct_current: bool | None = None
