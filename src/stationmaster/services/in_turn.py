"""Reading the database into memory, so that what was read last is what is believed."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["in_turn"]

Owner = TypeVar("Owner")
P = ParamSpec("P")

_turns: WeakKeyDictionary[object, asyncio.Lock] = WeakKeyDictionary()


def in_turn(
    read: Callable[Concatenate[Owner, P], Awaitable[None]],
) -> Callable[Concatenate[Owner, P], Coroutine[Any, Any, None]]:
    """Let the readers of one object, methods that read into its memory, follow one another in the order of their calls.

    Of two at once, the one that began first could end last: what it read before a change would then be believed
    after it, such as that a revoked certificate is still good. A reader calls no other reader of its object.
    """

    @wraps(read)
    async def reading(self: Owner, /, *arguments: P.args, **words: P.kwargs) -> None:
        async with _turns.setdefault(self, asyncio.Lock()):
            await read(self, *arguments, **words)

    return reading
