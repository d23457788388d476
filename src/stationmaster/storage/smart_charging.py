"""Writing the mirror of a station's charging profiles: the last one of a batch counts."""

import msgspec

from stationmaster.domain.smart_charging.facts import ChargingProfilesChanged
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables.smart_charging import installed_profiles

__all__ = ["store_mirrors"]

_STORE = insert_into(
    installed_profiles, ("station_id", "organisation_id", "mirror", "changed_at"), keys=("station_id",)
)


def store_mirrors(_batch: Batch, facts: list[ChargingProfilesChanged]) -> Program[None]:
    """Keep each station's mirror as it is now."""
    latest = {fact.station_id: fact for fact in facts}
    yield Execute(
        _STORE,
        [
            (fact.station_id, fact.organisation_id, msgspec.json.encode(fact.mirror).decode(), fact.received_at)
            for fact in latest.values()
        ],
    )
