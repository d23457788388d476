"""Conversations as tests: `>>` is what happens to a session, `<<` is what must follow, in order.

    Playbook(session) >> '[2,"1","Heartbeat",{}]' << CallReceived << answer(...)

What can happen (`>>`): a text frame (str), a binary frame (`BINARY`), time passing (`seconds(5)`), or
anything callable with (session, now) that returns effects. What can follow (`<<`): a text that must be
sent (compared as JSON), an effect that must be equal, an effect class (any of it; kept in `last`), or a
dictionary of attributes of the next effect beside its class (`like(CallFailed, state="timeout")`).
News for the message log (`FrameSeen`) and about oddities are gathered in `frames` and `oddities` unless
a line asks for them. A line of `>>` first demands that nothing of the line before was left unsaid.
"""

import json
from collections.abc import Callable
from typing import Any, Final, Self

from stationmaster.instants import Instant
from stationmaster.session.events import Effect, FrameSeen, OddityTolerated, Send
from stationmaster.session.session import Session

__all__ = ["BINARY", "NOTHING", "START", "Playbook", "like", "seconds"]

START: Final[Instant] = 1_740_832_496_000_000
"""2025-03-01T12:34:56Z."""

Stimulus = Callable[[Session, Instant], list[Effect]]


class _Sign:
    """A word of the playbook with one meaning."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


BINARY: Final = _Sign("BINARY")
NOTHING: Final = _Sign("NOTHING")


class seconds:  # noqa: N801 - reads as a word in a dialogue
    """So much time passes, and the session is ticked."""

    def __init__(self, duration_s: float) -> None:
        self.duration_us = round(duration_s * 1_000_000)


class like:  # noqa: N801 - reads as a word in a dialogue
    """An effect of this class with these attributes."""

    def __init__(self, effect: type[Any], /, **attributes: Any) -> None:
        self.kind = effect
        self.attributes = attributes

    def __repr__(self) -> str:
        return f"{self.kind.__name__}({', '.join(f'{name}={value!r}' for name, value in self.attributes.items())})"

    def matches(self, effect: Effect) -> bool:
        return isinstance(effect, self.kind) and all(
            getattr(effect, name) == value for name, value in self.attributes.items()
        )


class Playbook:
    """One session under test, the time, and the effects not yet spoken of."""

    def __init__(self, session: Session, now: Instant = START) -> None:
        self.session = session
        self.now = now
        self.unsaid: list[Effect] = []
        self.frames: list[FrameSeen] = []
        self.oddities: list[OddityTolerated] = []
        self.last: Any = None
        """The latest effect that a `<<` matched."""

    def __rshift__(self, stimulus: str | _Sign | seconds | Stimulus) -> Self:
        self.finished()
        self.frames.clear()
        self.oddities.clear()
        if isinstance(stimulus, str):
            effects = self.session.receive(stimulus, self.now)
        elif stimulus is BINARY:
            effects = self.session.receive_binary(b"\x00\xff", self.now)
        elif isinstance(stimulus, seconds):
            self.now += stimulus.duration_us
            effects = self.session.tick(self.now)
        else:
            assert callable(stimulus), f"cannot happen: {stimulus!r}"
            effects = stimulus(self.session, self.now)
        self._take(effects)
        return self

    def __lshift__(self, expected: object) -> Self:
        if expected is NOTHING:
            assert not self.unsaid, f"expected nothing, got {self.unsaid}"
            return self
        if expected is FrameSeen or (isinstance(expected, like) and expected.kind is FrameSeen):
            self._expect_in(self.frames, expected)
            return self
        if expected is OddityTolerated or (isinstance(expected, like) and expected.kind is OddityTolerated):
            self._expect_in(self.oddities, expected)
            return self
        assert self.unsaid, f"expected {expected!r}, got nothing"
        effect = self.unsaid.pop(0)
        assert _fits(effect, expected), f"expected {expected!r}, got {effect!r}"
        self.last = effect
        return self

    def finished(self) -> None:
        """Nothing was said that the dialogue does not mention."""
        assert not self.unsaid, f"left unsaid: {self.unsaid}"

    def _take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, FrameSeen):
                self.frames.append(effect)
            elif isinstance(effect, OddityTolerated):
                self.oddities.append(effect)
            else:
                self.unsaid.append(effect)

    def _expect_in(self, effects: list[Any], expected: object) -> None:
        for position, effect in enumerate(effects):
            if _fits(effect, expected):
                self.last = effects.pop(position)
                return
        raise AssertionError(f"expected {expected!r} among {effects}")


def _fits(effect: Effect, expected: object) -> bool:
    if isinstance(expected, like):
        return expected.matches(effect)
    if isinstance(expected, type):
        return isinstance(effect, expected)
    if isinstance(expected, str):
        return isinstance(effect, Send) and bool(json.loads(effect.text) == json.loads(expected))
    return effect == expected
