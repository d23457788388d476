"""Alerts: rules over facts, what stands, and who knows."""

from stationmaster.services.alerts.desk import AlertDesk
from stationmaster.services.alerts.evaluator import AlertEvaluator
from stationmaster.services.alerts.rules import RULES, AlertRules, NewRule

__all__ = ["RULES", "AlertDesk", "AlertEvaluator", "AlertRules", "NewRule"]
