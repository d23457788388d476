"""The rules of the profile editor: one table, and the check of a draft against it.

The rule that shapes this file: every rule of §3.6 has a name that never changes, so that the API
can refuse by name and a person can look it up. A hard block is not sent; a warning may be sent
anyway; the raw command endpoint keeps only the rules marked `holds_for_raw` (handbook §3.1).
"""

from typing import Final

from stationmaster.domain.smart_charging import rules_purpose as purpose
from stationmaster.domain.smart_charging import rules_station as station
from stationmaster.domain.smart_charging import rules_structure as structure
from stationmaster.domain.smart_charging.rule import Check, Draft, Rule, Severity, Violation

__all__ = ["RULES", "blocks", "validate", "violations_of_raw"]


def _block(source: str, check: Check, *, raw: bool = False) -> Rule:
    return Rule(name=check.__name__, severity=Severity.HARD_BLOCK, source=source, check=check, holds_for_raw=raw)


def _warning(source: str, check: Check) -> Rule:
    return Rule(name=check.__name__, severity=Severity.WARNING, source=source, check=check)


RULES: Final[tuple[Rule, ...]] = (
    _block("§3.6.1", structure.schedule_required),
    _block("§3.6.1", structure.period_required),
    _block("§3.6.1, errata 3.45", structure.first_period_at_zero),
    _block("§3.6.1", structure.periods_increasing),
    _block("§3.6.1, §3.6.6", structure.limit_in_range),
    _block("§3.6.1", structure.phases_one_to_three),
    _block("§3.6.1, §3.6.4", structure.numbers_in_range),
    _block("§3.6.1, errata 3.56", structure.recurrence_only_with_recurring),
    _block("§3.6.3", structure.recurring_needs_recurrence),
    _block("§3.6.3, A-16", structure.start_required),
    _block("§3.6.3", structure.relative_has_no_start),
    _block("§3.6.1, errata 3.65", structure.validity_in_order),
    _block("§3.6.2", purpose.external_is_only_reported),
    _block("§3.6.2", purpose.station_max_for_station, raw=True),
    _block("§3.6.3", purpose.station_max_not_relative),
    _block("§3.6.2", purpose.tx_for_connector, raw=True),
    _block("§3.6.2", purpose.tx_needs_transaction, raw=True),
    _block("§3.6.1", purpose.transaction_only_with_tx),
    _block("§3.3.10, errata 3.41", purpose.remote_start_is_tx, raw=True),
    _block("§3.3.10, errata 3.41", purpose.remote_start_names_no_transaction, raw=True),
    _warning("§3.6.3", structure.period_never_reached),
    _warning("§3.6.3, errata 3.44", structure.longer_than_recurrence),
    _warning("§3.6.3", structure.never_in_force),
    _warning("§3.6.3, A-15", structure.begins_in_future),
    _warning("§3.6.4", structure.zero_limit),
    _warning("§3.6.5", structure.current_on_direct_current),
    _warning("§3.3.10, §5.8", purpose.absolute_tx_complete),
    _warning("§3.6.2", purpose.transaction_running),
    _warning("§3.6.4", purpose.replaces_elsewhere),
    _warning("§3.6.4", purpose.overwrites_connector_default),
    _warning("§3.6.3, errata 3.7", purpose.hides_lower_levels),
    _warning("§3.6.3, errata 3.43", purpose.silent_without_fallback),
    _warning("§3.6.4", station.smart_charging_supported),
    _warning("§3.6.4", station.stack_level_supported),
    _warning("§3.6.4", station.unit_supported),
    _warning("§3.6.4", station.periods_fit),
    _warning("§3.6.4", station.profiles_fit),
    _warning("§3.6.4, errata 3.38", station.connector_exists),
    _warning("§3.6.4", station.phases_stay),
)


def validate(draft: Draft) -> tuple[Violation, ...]:
    """Everything that speaks against a draft, hard blocks first, in the order of the table.

    The number of digits of a limit is checked where text becomes a number: `tenths.tenths_of`
    names the rules `limit_one_decimal` and `limit_in_range`.
    """
    return _violations(draft, RULES)


def violations_of_raw(draft: Draft) -> tuple[Violation, ...]:
    """The few rules that hold even for a raw command (§3.1)."""
    return _violations(draft, tuple(rule for rule in RULES if rule.holds_for_raw))


def blocks(violations: tuple[Violation, ...], *, send_anyway: bool) -> tuple[Violation, ...]:
    """Those violations that forbid sending: all of them, or only hard blocks if a person insists."""
    return tuple(each for each in violations if each.severity is Severity.HARD_BLOCK or not send_anyway)


def _violations(draft: Draft, rules: tuple[Rule, ...]) -> tuple[Violation, ...]:
    return tuple(
        Violation(rule=rule.name, severity=rule.severity, field=field, message=message)
        for rule in rules
        for field, message in rule.check(draft)
    )
