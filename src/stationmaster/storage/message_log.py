"""Writing the message log: every frame as it was, and how much there is of it per hour."""

from msgspec.structs import astuple

from stationmaster.domain.facts import MessageLogged
from stationmaster.storage.numbers import instant_of
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import message, message_volume
from stationmaster.storage.text import cleaned, is_storable

__all__ = ["HOUR_US", "ROW_OVERHEAD_BYTES", "store_messages"]

HOUR_US = 3_600_000_000
ROW_OVERHEAD_BYTES = 200
"""About what a frame takes beside its own characters: ids, times, index entry."""

_INSERT = insert_into(message, ("id", *MessageLogged.__struct_fields__))
_COUNT = insert_into(
    message_volume,
    keys=("hour", "node"),
    changes={
        "messages": "message_volume.messages + excluded.messages",
        "bytes": "message_volume.bytes + excluded.bytes",
    },
)


def store_messages(batch: Batch, facts: list[MessageLogged]) -> Program[None]:
    """Append frames and count them into the present hour."""
    row_ids = batch.take_ids(len(facts))
    facts = [_storable(fact) for fact in facts]
    rows = [(row_id, *astuple(fact)) for row_id, fact in zip(row_ids, facts, strict=True)]
    size = sum([len(fact.frame) + len(fact.answer or "") + ROW_OVERHEAD_BYTES for fact in facts])
    batch.messages += len(rows)
    yield Execute(_INSERT, rows)
    made_at, node = instant_of(row_ids[0])
    yield Execute(_COUNT, [(made_at // HOUR_US, node, len(rows), size)])


def _storable(fact: MessageLogged) -> MessageLogged:
    """A frame is kept as it is, other control characters included, unless no database would take it."""
    texts = f"{fact.frame}{fact.answer}{fact.message_id}{fact.action}"
    return fact if is_storable(texts) else cleaned(fact)
