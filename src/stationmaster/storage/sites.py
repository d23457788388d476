"""Writing the history of sites: decisions about connectors, and the load over time."""

from typing import Any, Final

import msgspec

from stationmaster.domain.load_management.facts import SiteDecided, SiteLoadSampled
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import site_decision, site_load

__all__ = ["store_decisions", "store_loads"]

_DECISION: Final = insert_into(site_decision, ("id", "organisation_id", "site_id", "station_id", "at", "data"))
_LOAD: Final = insert_into(site_load, ("id", "organisation_id", "site_id", "at", "data"))
_encode = msgspec.json.Encoder().encode


def store_decisions(batch: Batch, facts: list[SiteDecided]) -> Program[None]:
    """Keep what was decided."""
    rows: list[tuple[Any, ...]] = [
        (row_id, fact.organisation_id, fact.site_id, fact.station_id, fact.received_at, _encode(fact).decode())
        for row_id, fact in zip(batch.take_ids(len(facts)), facts, strict=True)
    ]
    yield Execute(_DECISION, rows)


def store_loads(batch: Batch, facts: list[SiteLoadSampled]) -> Program[None]:
    """Keep how loaded the sites were."""
    rows: list[tuple[Any, ...]] = [
        (row_id, fact.organisation_id, fact.site_id, fact.received_at, _encode(fact).decode())
        for row_id, fact in zip(batch.take_ids(len(facts)), facts, strict=True)
    ]
    yield Execute(_LOAD, rows)
