"""What is known to be odd about a kind of station, and what is done about it.

The rule that shapes this file: a quirk is switched per vendor, model and firmware, never in code. A profile
that says nothing of a switch leaves it as the station or the node has it.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from stationmaster.domain.patterns import fits, weight
from stationmaster.instants import Instant

__all__ = ["NO_QUIRKS", "QuirkProfile", "Quirks", "best_profile"]


class Quirks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The switches. None: as the station or the node has it."""

    accept_missing_subprotocol: bool | None = None
    """Whether a station that names no version of OCPP is taken for one of version 1.6."""
    repair_missing_values: bool = False
    """Read `"transactionId":,` as null."""
    reused_ids: bool = False
    """The station uses message ids again: a CALL is a repeat only if its content is the same, too."""
    strict: bool | None = None
    """Answer every deviation with a CALLERROR, or none even if the station is set to it."""
    ignore_pings: bool = False
    """The station answers no pings: none is sent, and silence is no reason to end the connection."""
    timestamps_are_local: int | None = None
    """How many minutes the station's zone is ahead of UTC, for timestamps that name no zone."""
    energy_scale: float | None = None
    """By what register values are multiplied; the text of the station is kept."""
    disabled_tolerances: tuple[str, ...] = ()
    """Kinds of oddities that are refused as in strict mode."""


NO_QUIRKS: Final = Quirks()


class QuirkProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Quirks of a kind of station: without a `vendor` only of stations for which it was chosen.

    `model` and `firmware` may end in `*`; the case of letters does not matter.
    """

    id: str
    organisation_id: str
    name: str
    quirks: Quirks
    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None
    note: str | None = None
    created_at: Instant = 0
    updated_at: Instant = 0


def best_profile(
    profiles: Iterable[QuirkProfile], vendor: str | None, model: str | None, firmware: str | None
) -> QuirkProfile | None:
    """The profile that says the most about a kind of station: firmware before model before vendor, then the eldest."""
    found: QuirkProfile | None = None
    best: tuple[int, int] | None = None
    for profile in sorted(profiles, key=lambda each: (each.created_at, each.id)):
        if profile.vendor is None or not fits(profile.vendor, vendor):
            continue
        if fits(profile.model, model) and fits(profile.firmware, firmware):
            says = (weight(profile.firmware), weight(profile.model))
            if best is None or says > best:
                found, best = profile, says
    return found
