"""What a test case is, and the register of all of them (handbook §5).

The rule that shapes this file: a case is a function that tells its dialogue from top to bottom and raises
when the central system departs from it. Its number, title and functionality stand beside it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stationmaster.conformance.errors import ConformanceError

__all__ = ["CaseFailed", "Functionality", "NotApplicable", "TestCase", "case", "must"]


class Functionality(StrEnum):
    """The certified functionalities, in the order of the report's first page."""

    CORE = "Core"
    FIRMWARE = "Firmware Management"
    SMART_CHARGING = "Smart Charging"
    RESERVATION = "Reservation"
    LOCAL_LIST = "Local Authorization List Management"
    REMOTE_TRIGGER = "Remote Trigger"
    SECURITY = "Security"


class CaseFailed(ConformanceError):
    """The central system said something else than the case asks for."""


class NotApplicable(Exception):
    """What the case needs is not there, such as a TLS listener: it is reported as not run."""


Dialogue = Callable[[Any], Awaitable[None]]
"""A case's function; it is given the `lab.Lab` of the run."""


@dataclass(frozen=True, slots=True)
class TestCase:
    """One of the 77 cases. `operator`: somebody must press buttons at the central system (OP), else it runs alone."""

    __test__ = False

    number: str
    title: str
    functionality: Functionality
    operator: bool
    dialogue: Dialogue

    @property
    def id(self) -> str:
        """The id as the document writes it."""
        return f"{self.number}_CSMS"


REGISTER: dict[str, TestCase] = {}
"""All cases by their number, in the order of the handbook."""


def case(
    number: str, title: str, functionality: Functionality, *, operator: bool = False
) -> Callable[[Dialogue], Dialogue]:
    """Enter a dialogue into the register."""

    def enter(dialogue: Dialogue) -> Dialogue:
        if number in REGISTER:
            raise ValueError(f"{number} is registered twice")
        REGISTER[number] = TestCase(number, title, functionality, operator, dialogue)
        return dialogue

    return enter


def must(condition: object, words: str) -> None:
    """Raise CaseFailed with these words unless the condition holds."""
    if not condition:
        raise CaseFailed(words)
