"""What the API is given by `app`, and how a handler gets it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from stationmaster.api.live import EventHub
from stationmaster.instants import Instant
from stationmaster.services.bundle import Services
from stationmaster.storage import Storage

__all__ = ["ApiContext", "ApiSettings", "Context", "NodeView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The limits of the API."""

    body_limit_bytes: int
    body_timeout_s: float
    event_heartbeat_s: float
    open_metrics: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """What the front page and the probes say of the node."""

    version: str
    ocpp_url: Callable[[str], str]
    """What is typed into a station that reaches the node by this host name, but for its identity."""
    problems: Callable[[], Awaitable[dict[str, str]]]
    """What keeps the node from working: part -> words. Empty when it is ready."""
    metrics: Callable[[], str]
    """The page for Prometheus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """Everything a handler may use."""

    storage: Storage
    services: Services
    events: EventHub
    clock: Callable[[], Instant]
    settings: ApiSettings
    node: NodeView


def _context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context)]
