"""Writing what stations present: tokens that nobody registered."""

from operator import itemgetter

from stationmaster.domain.facts import UnknownTokenSeen
from stationmaster.domain.tokens import key_of
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import unknown_token
from stationmaster.storage.text import clip

__all__ = ["store_unknown_tokens"]

_COUNT = insert_into(
    unknown_token,
    keys=("organisation_id", "value_key"),
    changes={
        "station_id": "excluded.station_id",
        "seen_in": "excluded.seen_in",
        "last_at": "excluded.last_at",
        "count": "unknown_token.count + excluded.count",
    },
)


def store_unknown_tokens(_batch: Batch, facts: list[UnknownTokenSeen]) -> Program[None]:
    """Count each unknown token, with where it was presented last."""
    groups: dict[tuple[str, str], list[UnknownTokenSeen]] = {}
    for fact in facts:
        groups.setdefault((fact.organisation_id, clip(key_of(fact.id_tag))), []).append(fact)
    yield Execute(
        _COUNT,
        [
            (
                *key,
                clip(group[-1].id_tag),
                group[-1].station_id,
                group[-1].where,
                len(group),
                group[0].received_at,
                group[-1].received_at,
            )
            # Sorted, so that two nodes that count the same never wait for each other in a circle.
            for key, group in sorted(groups.items(), key=itemgetter(0))
        ],
    )
