"""How a command is obeyed: what is answered, and what is done once the answer is out (handbook §1.6)."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from stationmaster.conformance.life.core import StationCore

__all__ = ["After", "Handler", "Reply", "status"]

After = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """The payload of the answer; `after` runs when it has been sent."""

    payload: dict[str, Any]
    after: After | None = None


Handler = Callable[[StationCore, dict[str, Any]], Reply]


def status(word: str, after: After | None = None) -> Reply:
    """A reply that is a status and nothing else."""
    return Reply({"status": word}, after)
