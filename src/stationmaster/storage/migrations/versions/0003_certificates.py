"""Certificates: authorities, what they signed, our own, what stations hold; composite jobs of security."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("station", sa.Column("client_cert_check", TEXT, nullable=False, server_default="strict"))
    op.add_column("station", sa.Column("pinned_fingerprint", TEXT, nullable=True))
    create_authorities()
    create_certificates()
    create_jobs()


def downgrade() -> None:
    op.drop_table("security_job")
    op.drop_table("installed_root")
    op.drop_table("server_certificate")
    op.drop_table("station_certificate")
    op.drop_table("certificate_authority")
    op.drop_column("station", "pinned_fingerprint")
    op.drop_column("station", "client_cert_check")


def create_authorities() -> None:
    """Create the tables of who signs, and of our own certificate."""
    op.create_table(
        "certificate_authority",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("use", TEXT, nullable=False),
        sa.Column("key_family", TEXT, nullable=False),
        sa.Column("certificate", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("not_before", BIGINT, nullable=False),
        sa.Column("not_after", BIGINT, nullable=False),
        sa.Column("cross_certificate", TEXT, nullable=True),
        sa.Column("pss", sa.Boolean(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("crl", TEXT, nullable=True),
        sa.Column("crl_url", TEXT, nullable=True),
        sa.Column("crl_fetched_at", BIGINT, nullable=True),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_certificate_authority"),
        sa.UniqueConstraint(
            "organisation_id", "fingerprint", name="uq_certificate_authority_organisation_id_fingerprint"
        ),
    )
    op.create_table(
        "server_certificate",
        sa.Column("key_family", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("authority_id", TEXT, nullable=False),
        sa.Column("names", TEXT, nullable=False),
        sa.Column("chain", TEXT, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("not_before", BIGINT, nullable=False),
        sa.Column("not_after", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("key_family", name="pk_server_certificate"),
    )


def create_certificates() -> None:
    """Create the tables of what stations prove themselves by, and of the roots that they hold."""
    op.create_table(
        "station_certificate",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("authority_id", TEXT, nullable=True),
        sa.Column("serial_number", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("common_name", TEXT, nullable=True),
        sa.Column("key_family", TEXT, nullable=True),
        sa.Column("public_key_hash", TEXT, nullable=False),
        sa.Column("not_before", BIGINT, nullable=False),
        sa.Column("not_after", BIGINT, nullable=False),
        sa.Column("chain", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("state_reason", TEXT, nullable=True),
        sa.Column("job_id", TEXT, nullable=True),
        sa.Column("alerted_at", BIGINT, nullable=True),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_station_certificate"),
        sa.UniqueConstraint("fingerprint", name="uq_station_certificate_fingerprint"),
    )
    op.create_index("ix_station_certificate_station_id", "station_certificate", ["station_id", "created_at"])
    op.create_index("ix_station_certificate_organisation_id", "station_certificate", ["organisation_id", "created_at"])
    op.create_table(
        "installed_root",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("use", TEXT, nullable=False),
        sa.Column("hash_algorithm", TEXT, nullable=False),
        sa.Column("issuer_name_hash", TEXT, nullable=False),
        sa.Column("issuer_key_hash", TEXT, nullable=False),
        sa.Column("serial_number", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("reported_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint(
            "station_id",
            "use",
            "hash_algorithm",
            "issuer_name_hash",
            "issuer_key_hash",
            "serial_number",
            name="pk_installed_root",
        ),
        sqlite_with_rowid=False,
    )


def create_jobs() -> None:
    """Create the table of where composite jobs stand."""
    op.create_table(
        "security_job",
        sa.Column("job_id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("step", TEXT, nullable=False),
        sa.Column("wish", TEXT, nullable=False),
        sa.Column("attempts", BIGINT, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("step_at", BIGINT, nullable=False),
        sa.Column("deadline", BIGINT, nullable=False),
        sa.Column("claimed_until", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_security_job"),
    )
    op.create_index("ix_security_job_station_id", "security_job", ["station_id"])
