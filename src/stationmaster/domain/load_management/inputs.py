"""What the planner is told.

The rule that shapes this file: facts from outside, each with nothing but what was seen; when it
was seen is the `now` that goes with it.
"""

import msgspec

from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.load_management.site import Connector, Site
from stationmaster.domain.locations import Location
from stationmaster.instants import Instant

__all__ = [
    "AboutCommand",
    "AboutConnector",
    "AboutStation",
    "CommandAcknowledged",
    "CommandFailed",
    "CommandUnanswered",
    "ConnectorChanged",
    "ConnectorRemoved",
    "ControlLost",
    "Input",
    "Measured",
    "Overruled",
    "SiteChanged",
    "SiteMeterRead",
    "StationOffline",
    "StationOnline",
    "Tick",
    "TransactionStarted",
    "TransactionStopped",
]


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the planner has to know."""


class AboutCommand(Input, frozen=True, kw_only=True):
    """The result of a command."""

    command_id: int


class AboutConnector(Input, frozen=True, kw_only=True):
    """Something at a connector."""

    location: Location


class AboutStation(Input, frozen=True, kw_only=True):
    """Something about a station as a whole."""

    station_id: str


class Tick(Input, frozen=True, kw_only=True):
    """Time has passed: plan, if there is a reason to. The only input that has commands as effects."""


class SiteChanged(Input, frozen=True, kw_only=True):
    """The site has other limits, another policy, other settings. Without limits it is released."""

    site: Site


class ConnectorChanged(Input, frozen=True, kw_only=True):
    """A connector belongs to the site, newly or with another configuration. `online` counts for a new one."""

    connector: Connector
    online: bool = False


class ConnectorRemoved(AboutConnector, frozen=True, kw_only=True):
    """A connector no longer belongs to the site."""


class StationOnline(AboutStation, frozen=True, kw_only=True):
    """A station can be reached."""


class StationOffline(AboutStation, frozen=True, kw_only=True):
    """A station cannot be reached. What it was offered stays reserved."""


class ControlLost(AboutStation, frozen=True, kw_only=True):
    """A station may have forgotten its limits, e.g. somebody cleared its profiles."""


class Overruled(AboutConnector, frozen=True, kw_only=True):
    """Somebody else's profile goes before our limits at a connector, or does so no longer."""

    overruled: bool


class TransactionStarted(AboutConnector, frozen=True, kw_only=True):
    """A transaction began. `phases` are the supply phases the car uses, if somebody knows."""

    transaction_id: str
    started_at: Instant
    priority: int = 0
    max_deciamps: int | None = None
    """What the car can take per phase, if somebody knows."""
    phases: tuple[Phase, ...] | None = None


class TransactionStopped(AboutConnector, frozen=True, kw_only=True):
    """A transaction ended."""

    transaction_id: str


class Measured(AboutConnector, frozen=True, kw_only=True):
    """The station measured the current of a connector, per phase as the station counts them; None: not told."""

    deciamps: tuple[int | None, int | None, int | None]


class SiteMeterRead(Input, frozen=True, kw_only=True):
    """The site's meter was read: current per phase of the supply."""

    deciamps: tuple[int, int, int]


class CommandAcknowledged(AboutCommand, frozen=True, kw_only=True):
    """The station accepted a limit."""


class CommandFailed(AboutCommand, frozen=True, kw_only=True):
    """The station refused a limit and keeps what it had. `permanent`: it would refuse any."""

    permanent: bool = False
    reason: str = ""


class CommandUnanswered(AboutCommand, frozen=True, kw_only=True):
    """Nobody knows whether the station took a limit: no answer in time, or the connection broke."""
