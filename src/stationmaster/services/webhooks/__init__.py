"""Webhooks: kept by operators, told of what happens."""
