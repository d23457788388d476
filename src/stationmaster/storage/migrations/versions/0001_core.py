"""The tables of the core, and the default organisation."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    create_tables()
    organisation = sa.table("organisation", sa.column("id"), sa.column("name"), sa.column("created_at"))
    op.bulk_insert(organisation, [{"id": "default", "name": "Default", "created_at": 0}])


def downgrade() -> None:
    op.drop_table("token")
    op.drop_table("station")
    op.drop_table("variable")
    op.drop_table("unknown_token")
    op.drop_table("transfer_status")
    op.drop_table("transaction")
    op.drop_table("station_message")
    op.drop_table("station_event")
    op.drop_table("security_event")
    op.drop_table("presence")
    op.drop_table("organisation")
    op.drop_table("oddity")
    op.drop_table("meter_value")
    op.drop_table("message_volume")
    op.drop_table("message")
    op.drop_table("job")
    op.drop_table("event")
    op.drop_table("data_transfer")
    op.drop_table("counter")
    op.drop_table("connector")
    op.drop_table("connection_attempt")
    op.drop_table("connection")
    op.drop_table("api_key")


def create_tables() -> None:
    """Create every table with its indexes."""
    op.create_table(
        "api_key",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("site_ids", TEXT, nullable=True),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("expires_at", BIGINT, nullable=True),
        sa.Column("revoked_at", BIGINT, nullable=True),
        sa.Column("last_used_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("hash", name="uq_api_key_hash"),
    )
    op.create_table(
        "connection",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("node_id", TEXT, nullable=False),
        sa.Column("epoch", BIGINT, nullable=False),
        sa.Column("remote_address", TEXT, nullable=False),
        sa.Column("protocol", TEXT, nullable=False),
        sa.Column("security_profile", BIGINT, nullable=False),
        sa.Column("user_agent", TEXT, nullable=True),
        sa.Column("connected_at", BIGINT, nullable=False),
        sa.Column("disconnected_at", BIGINT, nullable=True),
        sa.Column("close_code", BIGINT, nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_connection"),
    )
    op.create_index("ix_connection_station_id", "connection", ["station_id", "id"], unique=False)
    op.create_table(
        "connection_attempt",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("remote_address", TEXT, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("status", BIGINT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("subprotocols", TEXT, nullable=True),
        sa.Column("user_agent", TEXT, nullable=True),
        sa.Column("count", BIGINT, nullable=False),
        sa.Column("first_at", BIGINT, nullable=False),
        sa.Column("last_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connection_attempt"),
        sa.UniqueConstraint(
            "station_id", "remote_address", "reason", name="uq_connection_attempt_station_id_remote_address_reason"
        ),
    )
    op.create_table(
        "connector",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("evse_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("connector_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=True),
        sa.Column("error_code", TEXT, nullable=True),
        sa.Column("info", TEXT, nullable=True),
        sa.Column("vendor_id", TEXT, nullable=True),
        sa.Column("vendor_error_code", TEXT, nullable=True),
        sa.Column("reported_at", BIGINT, nullable=True),
        sa.Column("received_at", BIGINT, nullable=True),
        sa.Column("desired_operative", sa.Boolean(), nullable=True),
        sa.Column("availability_status", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("station_id", "evse_id", "connector_id", name="pk_connector"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counter",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counter"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "data_transfer",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("received_at", BIGINT, nullable=False),
        sa.Column("vendor_id", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=True),
        sa.Column("data", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_transfer"),
    )
    op.create_index("ix_data_transfer_station_id", "data_transfer", ["station_id", "id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("received_at", BIGINT, nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_table(
        "job",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("site_id", TEXT, nullable=True),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("protocol", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("requested_by", TEXT, nullable=False),
        sa.Column("queued_at", BIGINT, nullable=False),
        sa.Column("expires_at", BIGINT, nullable=True),
        sa.Column("sent_at", BIGINT, nullable=True),
        sa.Column("answered_at", BIGINT, nullable=True),
        sa.Column("finished_at", BIGINT, nullable=True),
        sa.Column("response", TEXT, nullable=True),
        sa.Column("result", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("warnings", TEXT, nullable=False),
        sa.Column("persistent", sa.Boolean(), nullable=False),
        sa.Column("progress", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_organisation_id", "job", ["organisation_id", "queued_at"], unique=False)
    op.create_index("ix_job_station_id", "job", ["station_id", "queued_at"], unique=False)
    op.create_index(
        "ix_job_unfinished",
        "job",
        ["state"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "message",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("connection_id", BIGINT, nullable=False),
        sa.Column("received_at", BIGINT, nullable=False),
        sa.Column("direction", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=True),
        sa.Column("action", TEXT, nullable=True),
        sa.Column("frame", TEXT, nullable=False),
        sa.Column("answer", TEXT, nullable=True),
        sa.Column("answer_kind", TEXT, nullable=True),
        sa.Column("latency_us", BIGINT, nullable=True),
        sa.Column("error_code", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
    )
    op.create_table(
        "message_volume",
        sa.Column("hour", BIGINT, autoincrement=False, nullable=False),
        sa.Column("node", BIGINT, autoincrement=False, nullable=False),
        sa.Column("messages", BIGINT, nullable=False),
        sa.Column("bytes", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("hour", "node", name="pk_message_volume"),
    )
    op.create_table(
        "meter_value",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("transaction_id", BIGINT, nullable=True),
        sa.Column("evse_id", BIGINT, nullable=False),
        sa.Column("connector_id", BIGINT, nullable=False),
        sa.Column("sampled_at", BIGINT, nullable=False),
        sa.Column("sampled_at_text", TEXT, nullable=True),
        sa.Column("received_at", BIGINT, nullable=False),
        sa.Column("samples", TEXT, nullable=False),
        sa.Column("register_wh", BIGINT, nullable=True),
        sa.Column("reported_transaction_id", TEXT, nullable=False),
        sa.Column("inferred", sa.Boolean(), nullable=False),
        sa.Column("flags", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_meter_value"),
    )
    op.create_index(
        "uq_meter_value_location",
        "meter_value",
        ["station_id", "evse_id", "reported_transaction_id", "sampled_at"],
        unique=True,
        sqlite_where=sa.text("transaction_id IS NULL"),
        postgresql_where=sa.text("transaction_id IS NULL"),
    )
    op.create_index(
        "uq_meter_value_transaction",
        "meter_value",
        ["transaction_id", "sampled_at"],
        unique=True,
        sqlite_where=sa.text("transaction_id IS NOT NULL"),
        postgresql_where=sa.text("transaction_id IS NOT NULL"),
    )
    op.create_table(
        "oddity",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("raw", TEXT, nullable=False),
        sa.Column("count", BIGINT, nullable=False),
        sa.Column("first_at", BIGINT, nullable=False),
        sa.Column("last_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("station_id", "kind", "action", "path", name="pk_oddity"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "organisation",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
    )
    op.create_table(
        "presence",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("node_id", TEXT, nullable=True),
        sa.Column("connection_id", BIGINT, nullable=True),
        sa.Column("connection_epoch", BIGINT, nullable=False),
        sa.Column("connected_at", BIGINT, nullable=True),
        sa.Column("disconnected_at", BIGINT, nullable=True),
        sa.Column("remote_address", TEXT, nullable=True),
        sa.Column("last_protocol", TEXT, nullable=True),
        sa.Column("last_seen_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("station_id", name="pk_presence"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "security_event",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("received_at", BIGINT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("occurred_at", BIGINT, nullable=False),
        sa.Column("technical_info", TEXT, nullable=True),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("digest", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_security_event"),
        sa.UniqueConstraint(
            "station_id", "occurred_at", "digest", name="uq_security_event_station_id_occurred_at_digest"
        ),
    )
    op.create_table(
        "station_event",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("station_id", "id", name="pk_station_event"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "station_message",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("station_id", "id", name="pk_station_message"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "transaction",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("ocpp_id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("site_id", TEXT, nullable=True),
        sa.Column("protocol", TEXT, nullable=False),
        sa.Column("evse_id", BIGINT, nullable=True),
        sa.Column("connector_id", BIGINT, nullable=True),
        sa.Column("id_tag", TEXT, nullable=True),
        sa.Column("token_id", BIGINT, nullable=True),
        sa.Column("parent_id_tag", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("authorization_status", TEXT, nullable=True),
        sa.Column("authorization_expires_at", BIGINT, nullable=True),
        sa.Column("reservation_id", BIGINT, nullable=True),
        sa.Column("meter_start_wh", BIGINT, nullable=True),
        sa.Column("meter_stop_wh", BIGINT, nullable=True),
        sa.Column("started_at", BIGINT, nullable=True),
        sa.Column("started_at_text", TEXT, nullable=True),
        sa.Column("start_received_at", BIGINT, nullable=True),
        sa.Column("digest", BIGINT, nullable=False),
        sa.Column("stopped_at", BIGINT, nullable=True),
        sa.Column("stopped_at_text", TEXT, nullable=True),
        sa.Column("stop_received_at", BIGINT, nullable=True),
        sa.Column("stop_reason", TEXT, nullable=True),
        sa.Column("stop_id_tag", TEXT, nullable=True),
        sa.Column("stop_token_id", BIGINT, nullable=True),
        sa.Column("remote_start_job_id", TEXT, nullable=True),
        sa.Column("flags", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transaction"),
    )
    op.create_index(
        "ix_transaction_open",
        "transaction",
        ["station_id", "evse_id"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_transaction_open_token",
        "transaction",
        ["token_id"],
        unique=False,
        sqlite_where=sa.text("state = 'open' AND token_id IS NOT NULL"),
        postgresql_where=sa.text("state = 'open' AND token_id IS NOT NULL"),
    )
    op.create_index(
        "uq_transaction_ocpp_id",
        "transaction",
        ["station_id", "ocpp_id"],
        unique=True,
        sqlite_where=sa.text("start_received_at IS NOT NULL"),
        postgresql_where=sa.text("start_received_at IS NOT NULL"),
    )
    op.create_index(
        "uq_transaction_orphan",
        "transaction",
        ["station_id", "ocpp_id", "digest"],
        unique=True,
        sqlite_where=sa.text("start_received_at IS NULL"),
        postgresql_where=sa.text("start_received_at IS NULL"),
    )
    op.create_index("uq_transaction_start", "transaction", ["station_id", "started_at", "digest"], unique=True)
    op.create_table(
        "transfer_status",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("received_at", BIGINT, nullable=False),
        sa.Column("transfer", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("request_id", BIGINT, nullable=True),
        sa.Column("job_id", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_status"),
    )
    op.create_index("ix_transfer_status_station_id", "transfer_status", ["station_id", "id"], unique=False)
    op.create_table(
        "unknown_token",
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("value_key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("seen_in", TEXT, nullable=False),
        sa.Column("count", BIGINT, nullable=False),
        sa.Column("first_at", BIGINT, nullable=False),
        sa.Column("last_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "value_key", name="pk_unknown_token"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "variable",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("component", TEXT, nullable=False),
        sa.Column("variable", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=True),
        sa.Column("readonly", sa.Boolean(), nullable=True),
        sa.Column("supported", sa.Boolean(), nullable=False),
        sa.Column("write_status", TEXT, nullable=True),
        sa.Column("read_at", BIGINT, nullable=True),
        sa.Column("written_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("station_id", "component", "variable", name="pk_variable"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "station",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("id_key", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("site_id", TEXT, nullable=True),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("operator_state", TEXT, nullable=False),
        sa.Column("reported_state", TEXT, nullable=True),
        sa.Column("accepted_before", sa.Boolean(), nullable=False),
        sa.Column("security_profile", BIGINT, nullable=False),
        sa.Column("pending_security_profile", BIGINT, nullable=True),
        sa.Column("password_hash", sa.LargeBinary(), nullable=True),
        sa.Column("pending_password_hash", sa.LargeBinary(), nullable=True),
        sa.Column("serial_number", TEXT, nullable=True),
        sa.Column("strict", sa.Boolean(), nullable=False),
        sa.Column("automation", sa.Boolean(), nullable=False),
        sa.Column("call_timeout_s", BIGINT, nullable=True),
        sa.Column("ping_interval_s", BIGINT, nullable=True),
        sa.Column("vendor", TEXT, nullable=True),
        sa.Column("model", TEXT, nullable=True),
        sa.Column("charge_box_serial_number", TEXT, nullable=True),
        sa.Column("firmware_version", TEXT, nullable=True),
        sa.Column("iccid", TEXT, nullable=True),
        sa.Column("imsi", TEXT, nullable=True),
        sa.Column("meter_type", TEXT, nullable=True),
        sa.Column("meter_serial_number", TEXT, nullable=True),
        sa.Column("last_boot_at", BIGINT, nullable=True),
        sa.Column("latitude", sa.Float(precision=53), nullable=True),
        sa.Column("longitude", sa.Float(precision=53), nullable=True),
        sa.Column("note", TEXT, nullable=True),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_station_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_station"),
        sa.UniqueConstraint("id_key", name="uq_station_id_key"),
    )
    op.create_table(
        "token",
        sa.Column("id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("value_key", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("parent_id_tag", TEXT, nullable=True),
        sa.Column("expires_at", BIGINT, nullable=True),
        sa.Column("max_active_transactions", BIGINT, nullable=True),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("note", TEXT, nullable=True),
        sa.Column("site_id", TEXT, nullable=True),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_token_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
        sa.UniqueConstraint("organisation_id", "value_key", "type", name="uq_token_organisation_id_value_key_type"),
    )
