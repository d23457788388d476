"""What the clock does: expiries, retention, nodes that fell silent. Nothing here waits for a station or a person."""
