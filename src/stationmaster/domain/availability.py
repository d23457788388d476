"""What the status of a connector means, and which status may follow which (handbook §3.2.9).

The rule that shapes this file: a status is believed and never refused. What does not fit the
table is flagged for people, since lost messages and wilful stations both happen.
"""

from typing import Final

__all__ = ["INOPERATIVE", "STATION_STATUSES", "STATUSES", "is_legal_transition", "status_flags"]

STATUSES: Final = frozenset(
    {
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEVSE",
        "SuspendedEV",
        "Finishing",
        "Reserved",
        "Unavailable",
        "Faulted",
    },
)
STATION_STATUSES: Final = frozenset({"Available", "Unavailable", "Faulted"})
"""What the station as a whole can be."""
INOPERATIVE: Final = frozenset({"Unavailable", "Faulted"})

_ALL: Final = STATUSES
_LEGAL: Final[dict[str, frozenset[str]]] = {
    "Available": _ALL - {"Finishing"},
    "Preparing": _ALL - {"Reserved", "Unavailable"},
    "Charging": _ALL - {"Preparing", "Reserved"},
    "SuspendedEV": _ALL - {"Preparing", "Reserved"},
    "SuspendedEVSE": _ALL - {"Preparing", "Reserved"},
    "Finishing": frozenset({"Available", "Preparing", "Finishing", "Unavailable", "Faulted"}),
    "Reserved": frozenset({"Available", "Preparing", "Reserved", "Unavailable", "Faulted"}),
    "Unavailable": _ALL - {"Finishing", "Reserved"},
    "Faulted": _ALL,
}
_STATION_LEGAL: Final = dict.fromkeys(STATION_STATUSES, STATION_STATUSES)


def is_legal_transition(before: str, after: str, *, whole_station: bool = False) -> bool:
    """Whether `after` may follow `before`; staying in a status and unknown statuses before are legal."""
    legal = (_STATION_LEGAL if whole_station else _LEGAL).get(before)
    return legal is None or after in legal


def status_flags(before: str | None, status: str, error_code: str, *, whole_station: bool = False) -> tuple[str, ...]:
    """What is odd about a reported status, in stable words.

    `before` is the last status heard on this connection; None when there was none, because changes
    while the station was offline are reported without what lay between.
    """
    flags: list[str] = []
    if status not in STATUSES:
        flags.append("unknown_status")
    elif whole_station and status not in STATION_STATUSES:
        flags.append("no_status_of_a_station")
    elif before is not None and not is_legal_transition(before, status, whole_station=whole_station):
        flags.append("illegal_transition")
    if error_code != "NoError" and status != "Faulted":
        flags.append("error_but_not_faulted")
    return tuple(flags)
