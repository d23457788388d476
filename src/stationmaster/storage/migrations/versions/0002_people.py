"""People: users, who is signed in, the audit log that is only ever added to, and scopes of API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

REFUSED = "the audit log is only ever added to"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("permissions", TEXT, nullable=True))
    create_users()
    create_audit()
    if op.get_bind().dialect.name == "sqlite":
        guard_on_sqlite()
    else:
        guard_on_postgresql()


def downgrade() -> None:
    op.drop_table("audit_chain")
    op.drop_table("audit_entry")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_audit_change()")
    op.drop_table("oidc_login")
    op.drop_table("recovery_code")
    op.drop_table("user_session")
    op.drop_table("user")
    op.drop_column("api_key", "permissions")


def create_users() -> None:
    """Users and how they are signed in."""
    op.create_table(
        "user",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("username_key", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("site_ids", TEXT, nullable=True),
        sa.Column("password_hash", TEXT, nullable=True),
        sa.Column("issuer", TEXT, nullable=True),
        sa.Column("subject", TEXT, nullable=True),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_confirmed_at", BIGINT, nullable=True),
        sa.Column("totp_last_step", BIGINT, nullable=False),
        sa.Column("disabled_at", BIGINT, nullable=True),
        sa.Column("password_changed_at", BIGINT, nullable=True),
        sa.Column("last_login_at", BIGINT, nullable=True),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_user_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("username_key", name="uq_user_username_key"),
        sa.UniqueConstraint("issuer", "subject", name="uq_user_issuer_subject"),
    )
    op.create_index("ix_user_organisation_id", "user", ["organisation_id", "id"], unique=False)
    op.create_table(
        "user_session",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("last_seen_at", BIGINT, nullable=False),
        sa.Column("expires_at", BIGINT, nullable=False),
        sa.Column("remote_address", TEXT, nullable=False),
        sa.Column("user_agent", TEXT, nullable=True),
        sa.Column("method", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_user_session_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name="pk_user_session"),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", BIGINT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_recovery_code_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "hash", name="pk_recovery_code"),
    )
    op.create_table(
        "oidc_login",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_oidc_login"),
    )


def create_audit() -> None:
    """The audit log and the heads of its chains."""
    op.create_table(
        "audit_entry",
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("sequence", BIGINT, autoincrement=False, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=True),
        sa.Column("station_id", TEXT, nullable=True),
        sa.Column("result", TEXT, nullable=False),
        sa.Column("status", BIGINT, nullable=True),
        sa.Column("remote_address", TEXT, nullable=True),
        sa.Column("details", TEXT, nullable=False),
        sa.Column("previous_hash", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "sequence", name="pk_audit_entry"),
    )
    op.create_index(
        "ix_audit_entry_station_id", "audit_entry", ["organisation_id", "station_id", "sequence"], unique=False
    )
    op.create_table(
        "audit_chain",
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("length", BIGINT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", name="pk_audit_chain"),
    )


def guard_on_sqlite() -> None:
    """Refuse changes of the log on SQLite."""
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entry_no_{change.lower()} BEFORE {change} ON audit_entry "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )


def guard_on_postgresql() -> None:
    """The same on PostgreSQL, where a table can also be emptied at once."""
    op.execute(
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
    )
    for name, change, each in (
        ("audit_entry_stays", "UPDATE OR DELETE", "ROW"),
        ("audit_stays", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {change} ON audit_entry "
            f"FOR EACH {each} EXECUTE FUNCTION refuse_audit_change()"
        )
