"""What happens to the profiles that a station holds, as a fact."""

from typing import ClassVar

from stationmaster.domain.facts import Fact
from stationmaster.domain.smart_charging.installed import Mirror

__all__ = ["ChargingProfilesChanged"]


class ChargingProfilesChanged(Fact, frozen=True, kw_only=True, gc=False):
    """The mirror of a station's profiles as it is now, whole (handbook §3.6.4)."""

    event_type: ClassVar[str | None] = "charging_profiles.changed"

    mirror: Mirror
    cause: str
    """"installed", "cleared", "transaction_started", "transaction_ended", "unanswered", "cleaned_up", "local_time"."""
