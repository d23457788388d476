"""The 77 cases of the OCPP 1.6 test document for central systems, a module for each part of handbook §5."""

from stationmaster.conformance.cases import (
    core_remote,
    core_sessions,
    firmware,
    local_lists,
    remote_trigger,
    reservations,
    security,
    smart_charging,
)
from stationmaster.conformance.kit import REGISTER, TestCase

__all__ = ["CASES", "MODULES"]

MODULES = (
    core_sessions,
    core_remote,
    local_lists,
    firmware,
    reservations,
    remote_trigger,
    smart_charging,
    security,
)

CASES: tuple[TestCase, ...] = tuple(
    case for module in MODULES for case in REGISTER.values() if case.dialogue.__module__ == module.__name__
)
"""All of them, in the order of the document's parts."""
