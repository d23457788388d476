"""Tables of people: users, who is signed in, and the audit log."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import TEXT, column, metadata, number, organisation, text

__all__ = ["audit_chain", "audit_entry", "oidc_login", "recovery_code", "user", "user_session"]

user = sa.Table(
    "user",
    metadata,
    text("id", primary_key=True),
    sa.Column("organisation_id", TEXT, sa.ForeignKey("organisation.id"), nullable=False),
    text("username"),
    text("username_key"),
    text("name"),
    text("role"),
    text("site_ids", null=True),
    text("password_hash", null=True),
    text("issuer", null=True),
    text("subject", null=True),
    column("totp_secret", sa.LargeBinary(), null=True),
    number("totp_confirmed_at", null=True),
    number("totp_last_step"),
    number("disabled_at", null=True),
    number("password_changed_at", null=True),
    number("last_login_at", null=True),
    number("created_at"),
    number("updated_at"),
    sa.UniqueConstraint("username_key"),
    sa.UniqueConstraint("issuer", "subject"),
    sa.Index("ix_user_organisation_id", "organisation_id", "id"),
)
"""`username_key` is the name in one spelling; it is unique in the whole system, since it is all people type."""

user_session = sa.Table(
    "user_session",
    metadata,
    column("hash", sa.LargeBinary(), primary_key=True),
    sa.Column("user_id", TEXT, sa.ForeignKey("user.id", ondelete="CASCADE"), nullable=False),
    organisation(),
    number("created_at"),
    number("last_seen_at"),
    number("expires_at"),
    text("remote_address"),
    text("user_agent", null=True),
    text("method"),
    sa.Index("ix_user_session_user_id", "user_id"),
)
"""Who is signed in: only a hash of the secret in the cookie is kept."""

recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("user_id", TEXT, sa.ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    column("hash", sa.LargeBinary(), primary_key=True),
    number("used_at", null=True),
)
"""Codes for whoever has lost their authenticator; each is good once."""

oidc_login = sa.Table(
    "oidc_login",
    metadata,
    column("hash", sa.LargeBinary(), primary_key=True),
    number("expires_at"),
)
"""The states of OpenID logins that have been used, until they would be too old anyway."""

audit_entry = sa.Table(
    "audit_entry",
    metadata,
    text("organisation_id", primary_key=True),
    number("sequence", primary_key=True, autoincrement=False),
    number("at"),
    text("actor"),
    text("action"),
    text("target", null=True),
    text("station_id", null=True),
    text("result"),
    number("status", null=True),
    text("remote_address", null=True),
    text("details"),
    text("previous_hash"),
    text("hash"),
    sa.Index("ix_audit_entry_station_id", "organisation_id", "station_id", "sequence"),
)
"""What was done, by whom. The database refuses to change or to remove a row: see the migration."""

audit_chain = sa.Table(
    "audit_chain",
    metadata,
    text("organisation_id", primary_key=True),
    number("length"),
    text("hash"),
)
"""The head of each organisation's chain; its row is the lock under which entries are added."""
