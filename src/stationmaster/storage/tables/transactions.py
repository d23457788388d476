"""Tables of transactions and of the values measured during them.

`transaction.id` is the number drawn in sequence, so that the rows and index entries of what
goes on now lie side by side; the station knows the transaction by `ocpp_id`, which for 1.6
is that number scrambled (`storage.numbers`).
"""

import sqlalchemy as sa

from stationmaster.storage.tables.base import metadata, number, organisation, text, truth

__all__ = ["meter_value", "transaction"]

transaction = sa.Table(
    "transaction",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    text("ocpp_id"),
    organisation(),
    text("station_id"),
    text("site_id", null=True),
    text("protocol"),
    number("evse_id", null=True),
    number("connector_id", null=True),
    text("id_tag", null=True),
    number("token_id", null=True),
    text("parent_id_tag", null=True),
    text("state"),
    text("authorization_status", null=True),
    number("authorization_expires_at", null=True),
    number("reservation_id", null=True),
    number("meter_start_wh", null=True),
    number("meter_stop_wh", null=True),
    number("started_at", null=True),
    text("started_at_text", null=True),
    number("start_received_at", null=True),
    number("digest"),
    number("stopped_at", null=True),
    text("stopped_at_text", null=True),
    number("stop_received_at", null=True),
    text("stop_reason", null=True),
    text("stop_id_tag", null=True),
    number("stop_token_id", null=True),
    text("remote_start_job_id", null=True),
    text("flags"),
)
"""An orphan (an end without a start, handbook §3.2.8) has no `start_received_at`.

`digest` stands for what else belongs to the key of a resend (§1.14): of a start the connector,
tag and meter reading, of an orphan the time and meter reading.
"""

_t = transaction.c
_started = _t.start_received_at.is_not(None)

sa.Index("uq_transaction_start", _t.station_id, _t.started_at, _t.digest, unique=True)
sa.Index(
    "uq_transaction_ocpp_id",
    _t.station_id,
    _t.ocpp_id,
    unique=True,
    sqlite_where=_started,
    postgresql_where=_started,
)
sa.Index(
    "uq_transaction_orphan",
    _t.station_id,
    _t.ocpp_id,
    _t.digest,
    unique=True,
    sqlite_where=_t.start_received_at.is_(None),
    postgresql_where=_t.start_received_at.is_(None),
)
sa.Index(
    "ix_transaction_open",
    _t.station_id,
    _t.evse_id,
    sqlite_where=_t.state == "open",
    postgresql_where=_t.state == "open",
)
sa.Index(
    "ix_transaction_open_token",
    _t.token_id,
    sqlite_where=sa.and_(_t.state == "open", _t.token_id.is_not(None)),
    postgresql_where=sa.and_(_t.state == "open", _t.token_id.is_not(None)),
)

meter_value = sa.Table(
    "meter_value",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("station_id"),
    number("transaction_id", null=True),
    number("evse_id"),
    number("connector_id"),
    number("sampled_at"),
    text("sampled_at_text", null=True),
    number("received_at"),
    text("samples"),
    number("register_wh", null=True),
    text("reported_transaction_id"),
    truth("inferred"),
    text("flags", null=True),
)
"""One row per moment: `samples` is the JSON list of its values.

`register_wh` is the energy register among them, if there is one, so that the last reading of
a transaction is one step in the index and needs no column kept up to date; a set of the main meter
(EVSE 0) that names a transaction has none. What is part of a
key has no NULLs: the station itself is EVSE 0 with connector 0, and a set for which the
station named no transaction has `reported_transaction_id` "".
"""

_m = meter_value.c
sa.Index(
    "uq_meter_value_transaction",
    _m.transaction_id,
    _m.sampled_at,
    _m.evse_id,
    unique=True,
    sqlite_where=_m.transaction_id.is_not(None),
    postgresql_where=_m.transaction_id.is_not(None),
)
sa.Index(
    "uq_meter_value_location",
    _m.station_id,
    _m.evse_id,
    _m.reported_transaction_id,
    _m.sampled_at,
    unique=True,
    sqlite_where=_m.transaction_id.is_(None),
    postgresql_where=_m.transaction_id.is_(None),
)
