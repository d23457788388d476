"""Slow hashes that slow down nobody but whoever asks for many of them."""

import asyncio

import argon2
import pytest

from stationmaster.domain.errors import Throttled
from stationmaster.services.password_hashing import FairTurns, PasswordHashing
from stationmaster.services.secrets import SecretKeeper


async def test_a_password_is_kept_as_argon2id_under_the_pepper() -> None:
    hashing = PasswordHashing(SecretKeeper(b"pepper for tests"), 64)
    stored = await hashing.hash("p\u00e4ssword")
    assert stored.startswith("$argon2id$v=19$m=64,t=3,p=1$")
    assert stored != await hashing.hash("p\u00e4ssword"), "two users with one password do not look alike"
    assert await hashing.matches(stored, "pa\u0308ssword"), "typed on another keyboard"
    assert not await hashing.matches(stored, "password")
    assert not await hashing.matches(None, "p\u00e4ssword")
    assert not await hashing.matches("damaged", "p\u00e4ssword")
    other = PasswordHashing(SecretKeeper(b"another pepper for tests"), 64)
    assert not await other.matches(stored, "p\u00e4ssword"), "a stolen database alone cannot be guessed at"
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        argon2.PasswordHasher().verify(stored, "p\u00e4ssword")
    hashing.close()
    other.close()


async def test_a_hash_with_other_parameters_is_outdated() -> None:
    hashing = PasswordHashing(SecretKeeper(b"pepper for tests"), 64)
    assert not hashing.is_outdated(await hashing.hash("x"))
    assert hashing.is_outdated(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))
    hashing.close()


async def worked(turns: FairTurns, key: str, done: list[str]) -> None:
    async with turns.turn(key):
        await asyncio.sleep(0)
        done.append(key)


async def test_whoever_sends_many_waits_for_themselves() -> None:
    turns, done = FairTurns(1, per_key=100), list[str]()
    many = [asyncio.create_task(worked(turns, "many", done)) for _ in range(50)]
    await asyncio.sleep(0)
    one = asyncio.create_task(worked(turns, "one", done))
    await asyncio.gather(*many, one)
    assert done.index("one") <= 3
    assert len(done) == 51


async def test_no_more_wait_than_there_is_room_for() -> None:
    turns, done = FairTurns(1, per_key=3, in_all=5), list[str]()
    tasks = [asyncio.create_task(worked(turns, "many", done)) for _ in range(6)]
    tasks += [asyncio.create_task(worked(turns, f"key{number}", done)) for number in range(4)]
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(end, Throttled) for end in ends] == [False] * 4 + [True] * 2 + [False] * 2 + [True] * 2


async def test_who_gives_up_leaves_their_turn_to_the_next() -> None:
    turns, done = FairTurns(1), list[str]()
    async with turns.turn("first"):
        gone = asyncio.create_task(worked(turns, "gone", done))
        stays = asyncio.create_task(worked(turns, "stays", done))
        await asyncio.sleep(0)
        gone.cancel()
    await stays
    async with turns.turn("late"):
        late = asyncio.create_task(worked(turns, "too late", done))
        await asyncio.sleep(0)
    late.cancel()  # in the very moment in which the turn has come
    await asyncio.gather(gone, late, return_exceptions=True)
    await asyncio.wait_for(worked(turns, "last", done), 1)
    assert done == ["stays", "last"]
