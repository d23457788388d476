"""Tables of alerts: rules, what stands and stood, what is waited for, and the e-mails that tell of it."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import metadata, number, organisation, text, truth

__all__ = ["alert", "alert_notice", "alert_recipient", "alert_rule", "alert_watch", "email", "feed"]

alert_rule = sa.Table(
    "alert_rule",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("kind"),
    text("name"),
    truth("enabled"),
    text("severity"),
    text("parameters"),
    text("site_ids", null=True),
    text("recipient_ids", null=True),
    truth("is_default"),
    number("created_at"),
    number("updated_at"),
    sa.Index("ix_alert_rule_organisation_id", "organisation_id", "kind"),
)

alert = sa.Table(
    "alert",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("rule_id"),
    text("kind"),
    text("severity"),
    text("subject"),
    text("station_id"),
    text("site_id", null=True),
    number("evse_id", null=True),
    text("summary"),
    text("details"),
    number("count"),
    number("first_at"),
    number("last_at"),
    number("acknowledged_at", null=True),
    text("acknowledged_by", null=True),
    text("comment", null=True),
    number("cleared_at", null=True),
    text("cleared_reason", null=True),
    sa.Index("ix_alert_organisation_id", "organisation_id", "first_at"),
    sa.Index("ix_alert_station_id", "station_id", "first_at"),
)
_stands = alert.c.cleared_at.is_(None)
sa.Index(
    "uq_alert_standing",
    alert.c.subject,
    alert.c.rule_id,
    unique=True,
    sqlite_where=_stands,
    postgresql_where=_stands,
)

alert_watch = sa.Table(
    "alert_watch",
    metadata,
    text("rule_id", primary_key=True),
    text("subject", primary_key=True),
    text("purpose", primary_key=True),
    organisation(),
    text("station_id"),
    number("evse_id", null=True),
    number("since"),
    number("due_at"),
    number("count"),
    text("details"),
    sa.Index("ix_alert_watch_due_at", "due_at"),
    sa.Index("ix_alert_watch_station_id", "station_id"),
    sqlite_with_rowid=False,
)
"""What is looked at when its time has come; `since` is when it began."""

feed = sa.Table(
    "feed",
    metadata,
    text("name", primary_key=True),
    text("position"),
    sqlite_with_rowid=False,
)
"""How far a reader of the stored events has come (`storage.feeds`)."""

alert_recipient = sa.Table(
    "alert_recipient",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("name"),
    truth("enabled"),
    text("addresses"),
    text("language"),
    text("minimum_severity"),
    text("site_ids", null=True),
    truth("tell_cleared"),
    text("quiet_hours", null=True),
    number("created_at"),
    number("updated_at"),
    sa.Index("ix_alert_recipient_organisation_id", "organisation_id", "created_at"),
)

alert_notice = sa.Table(
    "alert_notice",
    metadata,
    text("recipient_id", primary_key=True),
    text("alert_id", primary_key=True),
    text("step", primary_key=True),
    text("severity"),
    number("created_at"),
    sa.Index("ix_alert_notice_created_at", "created_at"),
    sqlite_with_rowid=False,
)
"""An alert that a list of recipients is to be told of with its next e-mail."""

email = sa.Table(
    "email",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("recipient_id"),
    text("recipient_name"),
    text("addresses"),
    text("subject"),
    text("body"),
    number("alerts"),
    text("state"),
    number("attempts"),
    number("next_at"),
    number("claimed_until"),
    text("error", null=True),
    number("created_at"),
    number("sent_at", null=True),
    sa.Index("ix_email_organisation_id", "organisation_id", "created_at"),
)
_waits = email.c.state == "waiting"
sa.Index("ix_email_next_at", email.c.next_at, sqlite_where=_waits, postgresql_where=_waits)
"""E-mails as they were written, until they are sent or given up, and for a while after."""
