"""A dialogue as it was said, line by line, to be read by a person who was not there."""

from dataclasses import dataclass, field
from typing import Literal

from stationmaster.instants import Instant, format_instant

__all__ = ["Line", "Transcript"]

Direction = Literal[">>", "<<", "--"]
"""The station says; the central system says; something happened."""


@dataclass(frozen=True, slots=True)
class Line:
    """One frame, or one remark about the connection."""

    at: Instant
    direction: Direction
    text: str

    def __str__(self) -> str:
        return f"{format_instant(self.at)} {self.direction} {self.text}"


@dataclass(slots=True)
class Transcript:
    """All lines of a dialogue, over however many connections."""

    lines: list[Line] = field(default_factory=list)

    def add(self, at: Instant, direction: Direction, text: str) -> None:
        """Note a line."""
        self.lines.append(Line(at, direction, text))

    def said(self, direction: Direction) -> list[str]:
        """The texts of one side."""
        return [line.text for line in self.lines if line.direction == direction]

    def __str__(self) -> str:
        return "\n".join(str(line) for line in self.lines)
