"""Passwords of people: hashed slowly, off the event loop, and a few at a time (RELIABILITY S-16).

The rule that shapes this file: the cost that stops a thief must not become a weapon. Only so many
passwords are hashed at once, and those who wait take turns by address, so whoever sends thousands
waits for themselves and for nobody else.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeVar

import argon2

from stationmaster.domain.errors import Throttled
from stationmaster.domain.users import normal_password
from stationmaster.services.secrets import SecretKeeper

__all__ = ["FairTurns", "PasswordHashing"]

T = TypeVar("T")

AT_ONCE: Final = 2
MOST_WAITING: Final = 500
MOST_WAITING_PER_KEY: Final = 10
ROUNDS: Final = 3


class FairTurns:
    """Lets so many work at a time; the keys that wait take turns."""

    def __init__(self, at_once: int, *, per_key: int = MOST_WAITING_PER_KEY, in_all: int = MOST_WAITING) -> None:
        self._free = at_once
        self._per_key = per_key
        self._in_all = in_all
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._count = 0

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Work while the context is open. Raises Throttled when too many wait already."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(key)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, key: str) -> None:
        queue = self._waiting.setdefault(key, deque())
        if len(queue) >= self._per_key or self._count >= self._in_all:
            if not queue:
                del self._waiting[key]
            raise Throttled("sign_in_busy", "Too many sign in at the moment.", details={"retry_after_s": 1})
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        self._count += 1
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                # The turn had come in the same moment: somebody else takes it.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            key, queue = self._waiting.popitem(last=False)
            place = queue.popleft()
            self._count -= 1
            if queue:
                self._waiting[key] = queue
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


class PasswordHashing:
    """Hashes and checks passwords with argon2id."""

    def __init__(self, secrets: SecretKeeper, memory_kib: int) -> None:
        self._secrets = secrets
        self._hasher = argon2.PasswordHasher(time_cost=ROUNDS, memory_cost=memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(AT_ONCE, "password-hashing")
        self._turns = FairTurns(AT_ONCE)
        self._decoy: str | None = None

    async def hash(self, password: str, address: str = "") -> str:
        """What is stored of a password. Raises Throttled."""
        async with self._turns.turn(address):
            return await self._in_thread(self._hash, password)

    async def matches(self, stored: str | None, password: str, address: str = "") -> bool:
        """Whether it is the password. It takes the same time when there is none to compare with. Raises Throttled."""
        async with self._turns.turn(address):
            return await self._in_thread(self._matches, stored, password)

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    # Inside, on a thread.

    def _hash(self, password: str) -> str:
        return self._hasher.hash(self._secrets.peppered(normal_password(password)))

    def _matches(self, stored: str | None, password: str) -> bool:
        if stored is None:
            self._decoy = self._decoy or self._hash("nobody has this password")
        try:
            self._hasher.verify(stored or self._decoy or "", self._secrets.peppered(normal_password(password)))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        return stored is not None

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments))
