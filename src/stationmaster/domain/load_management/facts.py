"""What happens at a site whose supply is shared, as facts.

The rule that shapes this file: a fact says for itself what a person or an alert rule needs, in
amperes and words; `station_id` is "" where it is about the site as a whole.

Alerts come in pairs: `SiteAlertRaised` once when something begins to be the case, `SiteAlertCleared`
once when it is over, both with the same (`organisation_id`, `site_id`, `kind`, `location`). `kind` is
a value of `effects.AlertKind`: station_offline, limit_ignored, limit_refused, limit_unconfirmed,
limit_overruled, phases_undeclared (about a connector), limit_not_held, limit_below_minimum,
meter_silent (about the site).
"""

from typing import ClassVar

from stationmaster.domain.facts import Fact
from stationmaster.domain.locations import Location
from stationmaster.instants import Instant

__all__ = ["SiteAlertCleared", "SiteAlertRaised", "SiteChanged", "SiteDecided", "SiteLoadSampled"]

LanesA = tuple[float, float, float, float]
"""Amperes on L1, L2, L3, and their sum."""


class SiteChanged(Fact, frozen=True, kw_only=True, gc=False):
    """A site was made, changed or removed by an operator. `what`: created, changed, schedule, wiring, deleted."""

    event_type: ClassVar[str | None] = "site.changed"

    site_id: str
    what: str


class SiteAlertRaised(Fact, frozen=True, kw_only=True, gc=False):
    """Something at a site needs a person, until it is cleared. `location` None: the site as a whole."""

    event_type: ClassVar[str | None] = "site.alert_raised"

    site_id: str
    kind: str
    location: Location | None
    message: str


class SiteAlertCleared(Fact, frozen=True, kw_only=True, gc=False):
    """It is over: what an earlier `SiteAlertRaised` of the same site, kind and location told of."""

    event_type: ClassVar[str | None] = "site.alert_cleared"

    site_id: str
    kind: str
    location: Location | None


class SiteDecided(Fact, frozen=True, kw_only=True, gc=False):
    """A connector gets something else, or for another reason. Kept as history; told live.

    Currents are amperes per phase; `target_a` is planned, `offered_a` confirmed by the station
    (None: nothing that we know of), `reserved_a` kept free. `reason` is one of `effects.Reason`,
    `limited_by` the phase or "total" that does not allow more.
    """

    event_type: ClassVar[str | None] = "site.decision"
    stored_event: ClassVar[bool] = False

    site_id: str
    location: Location
    transaction_id: str | None
    """The station's own name of the transaction."""
    target_a: float | None
    offered_a: float | None
    reserved_a: LanesA
    reason: str
    limited_by: str | None
    message: str
    since_at: Instant


class SiteLoadSampled(Fact, frozen=True, kw_only=True, gc=False):
    """What a site's supply had to carry at a moment. Kept as history for the day's curve; told live.

    `limit_a` None for a phase without a limit. `offered_a` is what stations confirmed for cars that
    are there, `reserved_a` the most that may be drawn, `measured_a` what cars were seen to draw,
    `other_loads_a` everything else.
    """

    event_type: ClassVar[str | None] = "site.load"
    stored_event: ClassVar[bool] = False

    site_id: str
    limit_a: tuple[float | None, float | None, float | None, float | None]
    offered_a: LanesA
    reserved_a: LanesA
    measured_a: LanesA
    other_loads_a: LanesA
    transactions: int
    paused: int
