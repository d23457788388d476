"""Tables of certificates: who signs, what was signed, what stations hold, and composite jobs of security."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import column, metadata, number, organisation, text, truth

__all__ = ["certificate_authority", "installed_root", "security_job", "server_certificate", "station_certificate"]

certificate_authority = sa.Table(
    "certificate_authority",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("name"),
    text("use"),
    text("key_family"),
    text("certificate"),
    text("fingerprint"),
    text("subject"),
    number("not_before"),
    number("not_after"),
    text("cross_certificate", null=True),
    truth("pss"),
    column("sealed_key", sa.LargeBinary(), null=True),
    text("crl", null=True),
    text("crl_url", null=True),
    number("crl_fetched_at", null=True),
    number("created_at"),
    number("updated_at"),
    sa.UniqueConstraint("organisation_id", "fingerprint"),
)
"""Roots and sub-authorities. `sealed_key` is there for our own."""

station_certificate = sa.Table(
    "station_certificate",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("station_id"),
    text("authority_id", null=True),
    text("serial_number"),
    text("fingerprint", unique=True),
    text("subject"),
    text("issuer"),
    text("common_name", null=True),
    text("key_family", null=True),
    text("public_key_hash"),
    number("not_before"),
    number("not_after"),
    text("chain"),
    text("state"),
    text("state_reason", null=True),
    text("job_id", null=True),
    number("alerted_at", null=True),
    number("created_at"),
    number("updated_at"),
    sa.Index("ix_station_certificate_station_id", "station_id", "created_at"),
    sa.Index("ix_station_certificate_organisation_id", "organisation_id", "created_at"),
)
"""Client certificates: those that we issued, and those that stations came in with."""

server_certificate = sa.Table(
    "server_certificate",
    metadata,
    text("key_family", primary_key=True),
    organisation(),
    text("authority_id"),
    text("names"),
    text("chain"),
    column("sealed_key", sa.LargeBinary()),
    number("not_before"),
    number("not_after"),
)

installed_root = sa.Table(
    "installed_root",
    metadata,
    text("station_id", primary_key=True),
    text("use", primary_key=True),
    text("hash_algorithm", primary_key=True),
    text("issuer_name_hash", primary_key=True),
    text("issuer_key_hash", primary_key=True),
    text("serial_number", primary_key=True),
    organisation(),
    number("reported_at"),
    sqlite_with_rowid=False,
)

security_job = sa.Table(
    "security_job",
    metadata,
    text("job_id", primary_key=True),
    organisation(),
    text("station_id"),
    text("kind"),
    text("step"),
    text("wish"),
    number("attempts"),
    column("secret_hash", sa.LargeBinary(), null=True),
    number("step_at"),
    number("deadline"),
    number("claimed_until"),
    sa.Index("ix_security_job_station_id", "station_id"),
)
"""Where a composite job stands; the job itself is a row of `job`. Rows go when their jobs end."""
