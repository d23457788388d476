"""Runs of the conformance kit: what is tested, how far it has come, what became of each case.

The rule that shapes this file: a run tests a node made for it, or another system that whoever keeps this
node has allowed; never the stations and transactions of the node itself.
"""

import ipaddress
from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant

__all__ = [
    "CaseOutcome",
    "ConformanceRun",
    "ConformanceRunChanged",
    "RunState",
    "Verdict",
    "host_allowed",
]

LONGEST_URL: Final = 2000


class RunState(StrEnum):
    """What a run is at. All but `running` are for ever."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    """At least one case failed."""
    CANCELLED = "cancelled"
    BROKEN = "broken"
    """It could not go on; `detail` says why."""


class Verdict(StrEnum):
    """What became of a case."""

    WAITING = "waiting"
    RUNNING = "running"
    PASS = "pass"  # noqa: S105 -- a verdict
    FAIL = "fail"
    NOT_RUN = "not run"


class ConformanceRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run. `target` is "self" (a fresh node beside this one) or "other"; `url` is where the stations connect.

    `prompt` is what a person is to do now at the system under test, `prompt_waits` whether the run goes on
    only when they say that it is done. `has_report`: the report can be had.
    """

    id: str
    organisation_id: str
    node_id: str
    state: str
    target: str
    driver: str
    url: str | None
    created_by: str
    created_at: Instant
    finished_at: Instant | None = None
    product: str | None = None
    version: str | None = None
    detail: str | None = None
    prompt: str | None = None
    prompt_waits: bool = False
    passed: int = 0
    failed: int = 0
    not_run: int = 0
    total: int = 0
    has_report: bool = False


class CaseOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """A case of a run. `number` as in "TC_001"; `seconds` is how long it took, None until it has ended."""

    position: int
    number: str
    title: str
    functionality: str
    verdict: str = Verdict.WAITING
    reason: str | None = None
    seconds: float | None = None


class ConformanceRunChanged(Fact, frozen=True, kw_only=True, gc=False):
    """A run is at this now; `case` is what has changed of its cases. There is no station: `station_id` is "".

    It never tells the `prompt`: that is read with the run.
    """

    event_type: ClassVar[str | None] = "conformance.changed"
    stored_event: ClassVar[bool] = False

    run: ConformanceRun
    case: CaseOutcome | None = None


def host_allowed(url: str, schemes: Iterable[str], allowed: Iterable[str]) -> bool:
    """Whether a URL has one of these schemes, and a host that is allowed: a name, an address or a network.

    Names are compared as they are written and never looked up, so nobody can point another name at what
    is allowed, or an allowed address at something else. Addresses count in their usual form only.
    """
    if len(url) > LONGEST_URL or not url.isascii() or any(each <= " " or each in '\\"<>`' for each in url):
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme not in schemes or not host or parts.username is not None or parts.fragment or port == 0:
        return False
    return any(_is_allowed(host, each.strip().lower()) for each in allowed)


def _is_allowed(host: str, allowed: str) -> bool:
    if host == allowed.strip("[]"):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(allowed)
    except ValueError:
        return False
