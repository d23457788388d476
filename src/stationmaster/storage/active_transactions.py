"""How many transactions of a token may be open at once (handbook §3.2.8, §8 A-5).

The rule that shapes this file: counting and storing belong together, over all nodes. Whoever stores a start of a
token that has a limit holds the row of the token until the commit. Other tokens cost nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from stationmaster.domain.facts import TransactionStarted
from stationmaster.domain.tokens import AuthorizationStatus
from stationmaster.storage.programs import Execute, Program
from stationmaster.storage.statements import Prepared, select_by
from stationmaster.storage.tables import token, transaction

__all__ = ["ActiveTransactions", "find_active"]

_LOCK = Prepared(sa.select(token.c.id).where(token.c.id == sa.bindparam("token_id")).with_for_update(), "token_id")
"""On SQLite, which has one writer, it is a plain look-up."""
_FIND_ACTIVE = select_by(
    transaction,
    ("token_id",),
    ("id", "token_id", "station_id", "evse_id"),
    where="t.token_id = :token_id AND t.token_id IS NOT NULL AND t.state = 'open'",
)


def find_active(facts: Iterable[TransactionStarted]) -> Program["ActiveTransactions"]:
    """What is open of the tokens in `facts` that have a limit; nobody else adds to it before the commit."""
    tokens = sorted(
        {fact.token_id for fact in facts if fact.max_active_transactions is not None and fact.token_id is not None}
    )
    if not tokens:
        return ActiveTransactions((), ())
    rows = [(token_id,) for token_id in tokens]
    yield Execute(_LOCK, rows)  # one after the other in their order: two nodes never wait for each other
    found = yield Execute(_FIND_ACTIVE, rows)
    return ActiveTransactions(tokens, found.rows)


class ActiveTransactions:
    """The open transactions of tokens that have a limit, kept up to date within the batch."""

    def __init__(self, tokens: Iterable[int], found: Iterable[Sequence[Any]]) -> None:
        self._places: dict[int, dict[int, tuple[str, int | None]]] = {token_id: {} for token_id in tokens}
        for number, token_id, station_id, evse_id in found:
            self._places[token_id][number] = (station_id, evse_id)

    def status_of(self, fact: TransactionStarted) -> str:
        """The answer to a start: ConcurrentTx if an accepted token has as many open elsewhere as it may have."""
        limit = fact.max_active_transactions
        if limit is None or fact.token_id is None or fact.authorization_status != AuthorizationStatus.ACCEPTED:
            return fact.authorization_status
        here = (fact.station_id, fact.location.evse_id)
        elsewhere = sum(place != here for place in self._places[fact.token_id].values())
        return fact.authorization_status if elsewhere < limit else AuthorizationStatus.CONCURRENT.value

    def began(self, fact: TransactionStarted, superseded: Iterable[int]) -> None:
        """One is open now, and those that it superseded are not any more."""
        if not self._places:
            return
        for places in self._places.values():
            for number in superseded:
                places.pop(number, None)
        if fact.token_id is not None and fact.token_id in self._places:
            self._places[fact.token_id][fact.id] = (fact.station_id, fact.location.evse_id)
