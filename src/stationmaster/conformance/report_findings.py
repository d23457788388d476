"""What a run shows of a system beside verdicts: read from the dialogues themselves."""

import json
from collections.abc import Iterator
from typing import Any

from stationmaster.conformance.cases.security import SUITES
from stationmaster.conformance.runner import Run, Verdict

__all__ = ["limits_and_settings"]

CALL, RESULT = 2, 3
PROFILES = {"TC_085": "1", "TC_086": "2", "TC_087": "3"}
"""Which case shows that a security profile can be used."""


def limits_and_settings(run: Run) -> dict[str, str]:
    """Name and value, in words."""
    settings = run.settings
    return {
        "Supports milliseconds in timestamps": _milliseconds(run),
        "Security profiles": _profiles(run),
        "TLS cipher suites": ", ".join(SUITES) if _passed(run, "TC_086") else "not shown",
        "Heartbeat interval": _seconds(run, "BootNotification", "interval"),
        "Largest transaction id": _largest(run, "StartTransaction", "transactionId"),
        "Longest message of the system": f"{_longest(run)} bytes",
        "Message ids of the system": f"at most {_longest_id(run)} characters (36 are allowed)",
        "Connectors of the test station": str(settings.connectors),
        "Stack level": str(settings.stack_level),
        "Charging rate unit": settings.charging_rate_unit,
        "Schedule duration": f"{settings.duration_s} s",
        "Wait for an answer or a request": f"{settings.patience_s:g} s",
        "Silence after each dialogue": f"{settings.quiet_s:g} s",
    }


def _frames(run: Run, direction: str) -> Iterator[tuple[str, list[Any]]]:
    for result in run.results:
        for line in result.transcript.lines:
            if line.direction == direction:
                try:
                    frame = json.loads(line.text)
                except ValueError:
                    continue
                if isinstance(frame, list) and len(frame) > RESULT - 1:
                    yield line.text, frame


def _answers(run: Run, action: str) -> Iterator[dict[str, Any]]:
    """Payloads of the answers to an action of the station."""
    asked = {
        frame[1] for _, frame in _frames(run, ">>") if frame[0] == CALL and frame[2] == action and _is_text(frame[1])
    }
    for _, frame in _frames(run, "<<"):
        if frame[0] == RESULT and _is_text(frame[1]) and frame[1] in asked and isinstance(frame[2], dict):
            yield frame[2]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _milliseconds(run: Run) -> str:
    times = [str(payload.get("currentTime", "")) for payload in _answers(run, "BootNotification")]
    times += [str(payload.get("currentTime", "")) for payload in _answers(run, "Heartbeat")]
    if not times:
        return "not shown"
    return "yes" if all("." in each for each in times) else "no"


def _profiles(run: Run) -> str:
    return ", ".join(profile for number, profile in PROFILES.items() if _passed(run, number)) or "not shown"


def _passed(run: Run, number: str) -> bool:
    return any(result.case.number == number and result.verdict is Verdict.PASS for result in run.results)


def _numbers(run: Run, action: str, member: str) -> list[int]:
    values = [payload.get(member) for payload in _answers(run, action)]
    return sorted({value for value in values if isinstance(value, int)})


def _seconds(run: Run, action: str, member: str) -> str:
    found = _numbers(run, action, member)
    return f"{', '.join(map(str, found))} s" if found else "not shown"


def _largest(run: Run, action: str, member: str) -> str:
    found = _numbers(run, action, member)
    return str(found[-1]) if found else "not shown"


def _longest(run: Run) -> int:
    return max((len(text.encode()) for text, _ in _frames(run, "<<")), default=0)


def _longest_id(run: Run) -> int:
    return max((len(str(frame[1])) for _, frame in _frames(run, "<<") if frame[0] == CALL), default=0)
