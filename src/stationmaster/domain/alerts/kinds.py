"""What can be watched: each kind of rule with its parameters, their limits and what they are by default.

The rule that shapes this file: a kind is a row. What makes an alert of it stands in `signals`, its
sentences in `words`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from stationmaster.domain.errors import FieldError, Invalid

__all__ = ["KINDS", "SEVERITIES", "Kind", "Parameter", "Severity", "check_parameters", "is_at_least"]


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


SEVERITIES: Final = tuple(Severity)


def is_at_least(severity: str, minimum: str) -> bool:
    """Whether a severity is `minimum` or worse."""
    return SEVERITIES.index(Severity(severity)) >= SEVERITIES.index(Severity(minimum))


class Parameter(msgspec.Struct, frozen=True):
    """A whole number that a rule can be tuned by; its unit is part of its name."""

    name: str
    default: int
    minimum: int
    maximum: int
    description: str


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of rule. `about` says what an alert is about: it is part of its subject."""

    name: str
    about: str
    severity: Severity
    description: str
    parameters: tuple[Parameter, ...] = ()
    enabled: bool = True

    def default_parameters(self) -> dict[str, int]:
        """What a new rule has."""
        return {each.name: each.default for each in self.parameters}


DAY: Final = 24 * 60


def _after(default: int, minimum: int, words: str) -> Parameter:
    return Parameter("after_minutes", default, minimum, 30 * DAY, words)


def _clear_after(default: int) -> Parameter:
    words = "An alert clears when it has not happened again for so long."
    return Parameter("clear_after_minutes", default, 1, 90 * DAY, words)


_ALL: Final = (
    Kind(
        name="station_offline",
        about="station",
        severity=Severity.WARNING,
        description="A station that was connected is not any more.",
        parameters=(_after(15, 1, "How long it may be away."),),
    ),
    Kind(
        name="connector_faulted",
        about="connector",
        severity=Severity.WARNING,
        description="A connector, or a whole station, says that it is faulted.",
        parameters=(_after(2, 0, "How long the fault must last."),),
    ),
    Kind(
        name="local_list_conflict",
        about="station",
        severity=Severity.WARNING,
        description="A station says that its local list contradicts what it is answered: send it the full list.",
    ),
    Kind(
        name="transaction_without_energy",
        about="transaction",
        severity=Severity.INFO,
        description="A transaction runs, is measured, and delivers next to nothing.",
        parameters=(
            _after(30, 5, "How long after its start it is looked at."),
            Parameter("minimum_wh", 100, 1, 1_000_000, "Less than so much energy counts as nothing."),
        ),
    ),
    Kind(
        name="repeated_refusals",
        about="station",
        severity=Severity.WARNING,
        description="A station is turned away at the door again and again; unknown ones are told of together.",
        parameters=(
            Parameter("count", 10, 1, 100_000, "How many refusals."),
            Parameter("within_minutes", 10, 1, DAY, "Within how long."),
            _clear_after(60),
        ),
    ),
    Kind(
        name="identity_contested",
        about="station",
        severity=Severity.CRITICAL,
        description="Two devices share one identity and keep replacing each other.",
        # While the contest lasts it stands, however quiet it is.
        parameters=(_clear_after(DAY),),
    ),
    Kind(
        name="security_event",
        about="station",
        severity=Severity.CRITICAL,
        description="A critical security event, but for those that come with every start of a station.",
        parameters=(_clear_after(7 * DAY),),
    ),
    Kind(
        name="certificate_expiring",
        about="station",
        severity=Severity.WARNING,
        description="A certificate in use nears its end; how early is the setting certificates.alert_days.",
    ),
    Kind(
        name="limit_ignored",
        about="connector",
        severity=Severity.CRITICAL,
        description="A connector ignores, refuses or does not confirm the limit of its site, or has another above it.",
    ),
    Kind(
        name="site_limit_not_held",
        about="site",
        severity=Severity.CRITICAL,
        description="A site's limit cannot be held or shared: it is too low, or phases are not declared.",
    ),
    Kind(
        name="site_meter_silent",
        about="site",
        severity=Severity.WARNING,
        description="The meter of a site has stopped reporting.",
    ),
    Kind(
        name="configuration_drift",
        about="station",
        severity=Severity.WARNING,
        description="Configuration keys of a station are not as desired.",
    ),
    Kind(
        name="firmware_campaign_stopped",
        about="campaign",
        severity=Severity.WARNING,
        description="A firmware campaign has stopped because too many updates failed.",
    ),
    Kind(
        name="webhook_disabled",
        about="webhook",
        severity=Severity.WARNING,
        description="A webhook was switched off since it could not be reached for long.",
    ),
    Kind(
        name="email_undeliverable",
        about="email",
        severity=Severity.WARNING,
        description="An e-mail with alerts was given up, so nobody was told by it.",
        parameters=(_clear_after(DAY),),
    ),
    Kind(
        name="database_unavailable",
        about="node",
        severity=Severity.CRITICAL,
        description="A node could not write to its database; told when it can again.",
        parameters=(_clear_after(DAY),),
    ),
    Kind(
        name="disk_nearly_full",
        about="node",
        severity=Severity.CRITICAL,
        description="Little space is left where a node keeps its data; how little is the setting node.low_disk_mib.",
    ),
)

KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _ALL}
"""By name."""


def check_parameters(kind: Kind, given: Mapping[str, int]) -> dict[str, int]:
    """The parameters of a rule, those not given as they are by default. Raises Invalid."""
    known = {each.name: each for each in kind.parameters}
    faults: list[FieldError] = []
    for name, value in given.items():
        parameter = known.get(name)
        if parameter is None:
            words = f"A rule {kind.name} has no parameter `{name}`; it has {', '.join(known) or 'none'}."
            faults.append(FieldError(f"parameters.{name}", "unknown", words))
        elif not parameter.minimum <= value <= parameter.maximum:
            words = f"`{name}` lies between {parameter.minimum} and {parameter.maximum}."
            faults.append(FieldError(f"parameters.{name}", "out_of_range", words))
    if faults:
        raise Invalid("field_invalid", faults[0]["detail"], fields=tuple(faults))
    return kind.default_parameters() | dict(given)
