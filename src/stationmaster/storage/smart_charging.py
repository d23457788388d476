"""Writing the mirror of a station's charging profiles: the last one of a batch counts."""

import msgspec

from stationmaster.domain.smart_charging.facts import ChargingProfilesChanged
from stationmaster.domain.smart_charging.installed import Mirror
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables.smart_charging import installed_profiles

__all__ = ["store_mirrors"]

_STORE = insert_into(
    installed_profiles, ("station_id", "organisation_id", "mirror", "changed_at", "local_time_at"), keys=("station_id",)
)
_AT_ONCE = 0


def store_mirrors(_batch: Batch, facts: list[ChargingProfilesChanged]) -> Program[None]:
    """Keep each station's mirror as it is now."""
    latest = {fact.station_id: fact for fact in facts}
    yield Execute(
        _STORE,
        [
            (
                fact.station_id,
                fact.organisation_id,
                msgspec.json.encode(fact.mirror).decode(),
                fact.received_at,
                _look_at(fact.mirror),
            )
            for fact in latest.values()
        ],
    )


def _look_at(mirror: Mirror) -> int | None:
    """When whoever looks after profiles that follow local time is to look: soon, if there are any."""
    return _AT_ONCE if any(entry.local_time_zone is not None for entry in mirror) else None
