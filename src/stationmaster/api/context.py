"""What the API is given by `app`, and how a handler gets it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from stationmaster.api.live import EventHub
from stationmaster.instants import Instant
from stationmaster.services.bundle import Services
from stationmaster.storage import Storage

__all__ = ["ApiContext", "ApiSettings", "Context", "NodeView", "StationAction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The limits of the API."""

    body_limit_bytes: int
    body_timeout_s: float
    event_heartbeat_s: float
    open_metrics: bool
    map_tile_url: str | None = None
    """Where the UI fetches the tiles of its map; without one it draws the outlines of the countries."""
    map_attribution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """What the front page and the probes say of the node."""

    version: str
    id: str
    """The node's name among others."""
    station_urls: Callable[[str], dict[str, str | None]]
    """Where stations connect that reach the node by this host name: for `ws` and, if there is TLS, `wss`."""
    settings: Callable[[], Sequence[Any]]
    """Each setting with `key`, `description`, `value`, `default`, `source`, `secret` and `variable`."""
    ocpp_url: Callable[[str], str]
    """What is typed into a station that reaches the node by this host name, but for its identity."""
    problems: Callable[[], Awaitable[dict[str, str]]]
    """What keeps the node from working: part -> words. Empty when it is ready."""
    metrics: Callable[[], str]
    """The page for Prometheus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationAction:
    """Something that a station can be asked; `schema` is the JSON Schema of the request."""

    action: str
    block: str
    dangerous: bool
    dangerous_when: str | None
    why_dangerous: str | None
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """Everything a handler may use."""

    storage: Storage
    services: Services
    events: EventHub
    clock: Callable[[], Instant]
    settings: ApiSettings
    node: NodeView
    actions: Sequence[StationAction] = ()
    """Everything that a station can be asked."""
    oddity_kinds: frozenset[str] = frozenset()
    """What can be tolerated of stations, by name."""


def _context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context)]
