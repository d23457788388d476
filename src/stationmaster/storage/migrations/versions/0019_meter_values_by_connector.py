"""The main meter and a connector have a set of values each, also for one transaction and moment (handbook §1.14)."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

LINKED = sa.text("transaction_id IS NOT NULL")


def upgrade() -> None:
    op.drop_index("uq_meter_value_transaction", "meter_value")
    _create("transaction_id", "sampled_at", "evse_id")


def downgrade() -> None:
    op.drop_index("uq_meter_value_transaction", "meter_value")
    # One set for each transaction and moment was the rule: others stay, of no transaction.
    op.execute(
        "UPDATE meter_value SET transaction_id = NULL WHERE transaction_id IS NOT NULL AND EXISTS (SELECT 1"
        " FROM meter_value AS other WHERE other.transaction_id = meter_value.transaction_id"
        " AND other.sampled_at = meter_value.sampled_at AND other.evse_id > meter_value.evse_id)"
    )
    _create("transaction_id", "sampled_at")


def _create(*columns: str) -> None:
    op.create_index(
        "uq_meter_value_transaction",
        "meter_value",
        list(columns),
        unique=True,
        sqlite_where=LINKED,
        postgresql_where=LINKED,
    )
