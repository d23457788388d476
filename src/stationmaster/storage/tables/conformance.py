"""Tables of runs of the conformance kit, their cases and their reports."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import column, metadata, number, organisation, text, truth

__all__ = ["conformance_case", "conformance_report", "conformance_run"]

conformance_run = sa.Table(
    "conformance_run",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("node_id"),
    text("state"),
    text("target"),
    text("driver"),
    text("url", null=True),
    text("created_by"),
    number("created_at"),
    number("finished_at", null=True),
    text("product", null=True),
    text("version", null=True),
    text("detail", null=True),
    text("prompt", null=True),
    truth("prompt_waits"),
    number("passed"),
    number("failed"),
    number("not_run"),
    number("total"),
    truth("has_report"),
    sa.Index("ix_conformance_run_organisation_id", "organisation_id", "created_at"),
)

conformance_case = sa.Table(
    "conformance_case",
    metadata,
    text("run_id", primary_key=True),
    number("position", primary_key=True),
    text("number"),
    text("title"),
    text("functionality"),
    text("verdict"),
    text("reason", null=True),
    column("seconds", sa.Float(53), null=True),
)

conformance_report = sa.Table(
    "conformance_report",
    metadata,
    text("run_id", primary_key=True),
    text("document"),
)
"""`document` is the report as JSON: its other forms are made of it."""
