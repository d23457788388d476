"""Orders about configuration, said in OCPP 1.6 (handbook §3.3.3, §3.3.7, §3.3.13)."""

from typing import Any

from stationmaster.domain.configuration_orders import ChangeKeyOrder, ConfigurationOrder, ReadKeysOrder, SoftResetOrder

__all__ = ["phrase_configuration"]


def phrase_configuration(order: ConfigurationOrder) -> tuple[str, dict[str, Any]]:
    """The action that carries an order, and its payload."""
    match order:
        case ReadKeysOrder():
            return "GetConfiguration", {"key": list(order.keys)}
        case ChangeKeyOrder():
            return "ChangeConfiguration", {"key": order.key, "value": order.value}
        case SoftResetOrder():
            return "Reset", {"type": "Soft"}
