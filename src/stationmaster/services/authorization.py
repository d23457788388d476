"""May this token charge? Tokens are found in memory, where a change on any node finds them too.

The rule that shapes this file: the answer is wrong for no longer than a message on the bus takes.
What is remembered is the token, not the decision, since expiry depends on the moment. A look-up
that was under way while its token changed is not remembered.
"""

from stationmaster.domain.facts import UnknownTokenSeen
from stationmaster.domain.tokens import Authorization, Token, authorize, key_of
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import PresentStation

__all__ = ["Authorizer"]

LONGEST_TOKEN = 255


class Authorizer:
    """Decides about tokens (handbook §3.2.1)."""

    def __init__(self, context: ServiceContext) -> None:
        settings = context.settings
        self._storage = context.storage
        self._clock = context.clock
        self._memory_us = settings.token_memory_s * 1_000_000
        self._memory_limit = settings.token_memory_limit
        lifetime_s = settings.authorization_cache_lifetime_s
        self._cache_lifetime_us = None if lifetime_s is None else lifetime_s * 1_000_000
        self._memory: dict[tuple[str, str], tuple[Instant, Token | None]] = {}
        self._changes = 0

    async def find(self, organisation_id: str, id_tag: str) -> Token | None:
        """The token that is meant, whatever the case of its letters; None when nobody registered it."""
        key = (organisation_id, key_of(id_tag))
        remembered = self._memory.get(key)
        now = self._clock()
        if remembered is not None and remembered[0] > now:
            return remembered[1]
        if not key[1] or len(id_tag) > LONGEST_TOKEN:
            return None
        changes = self._changes
        token: Token | None = await self._storage.tokens.lookup(organisation_id, id_tag)
        if changes == self._changes:
            self._remember(key, now + self._memory_us, token)
        return token

    async def authorize(
        self, station: PresentStation, id_tag: str | None, now: Instant, where: str, *, usable: bool = True
    ) -> Authorization:
        """Decide about a token that a station presents; an unknown one is noted as seen.

        `where` is "authorize", "start" or "stop". One that is not `usable` in the station's protocol is
        Invalid, whoever registered it.
        """
        if not id_tag:
            return authorize(None, now)
        token = await self.find(station.organisation_id, id_tag)
        if token is None:
            self._storage.note(
                UnknownTokenSeen(
                    organisation_id=station.organisation_id,
                    station_id=station.station_id,
                    received_at=now,
                    id_tag=id_tag[:LONGEST_TOKEN],
                    where=where,
                )
            )
        return authorize(token if usable else None, now, cache_lifetime_us=self._cache_lifetime_us)

    def forget(self, organisation_id: str, value: str) -> None:
        """A token was made, changed or deleted."""
        self._changes += 1
        self._memory.pop((organisation_id, key_of(value)), None)

    def forget_everything(self) -> None:
        """Messages about changes may have been missed."""
        self._changes += 1
        self._memory.clear()

    def _remember(self, key: tuple[str, str], until: Instant, token: Token | None) -> None:
        if len(self._memory) >= self._memory_limit:
            for oldest in list(self._memory)[: self._memory_limit // 10 + 1]:
                del self._memory[oldest]
        self._memory[key] = (until, token)
