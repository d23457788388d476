"""The wiring: configuration, the node and its life. The only place that names SQLite, PostgreSQL and NATS."""
