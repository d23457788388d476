"""Alerts: what an operator must be told, by which rule, and to whom. Pure, like all of the domain."""
