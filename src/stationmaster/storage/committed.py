"""What the writer hands out: outcomes, and the facts that became durable and may be told.

`Committed` is what the event stream is made of, live; `StoredEvent` is the same as read back
later. Both carry the same id, type and data.
"""

from typing import Any

import msgspec

from stationmaster.domain.facts import Fact, MeterSample, MeterSampled, TransactionEndStored, TransactionStored
from stationmaster.instants import Instant

__all__ = [
    "ALREADY_STORED",
    "AlreadyStored",
    "Committed",
    "Outcome",
    "StoredEvent",
    "event_data",
    "is_news",
    "with_outcome",
]


class AlreadyStored(msgspec.Struct, frozen=True, gc=False):
    """What became of a fact that is known already: nothing was added, nothing is told."""


Outcome = TransactionStored | TransactionEndStored | AlreadyStored

ALREADY_STORED = AlreadyStored()


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is told: `data` holds the fact's fields and, as "outcome", what became of it."""

    id: int
    organisation_id: str
    station_id: str
    type: str
    received_at: Instant
    data: dict[str, Any]


class Committed(msgspec.Struct, frozen=True):
    """A durable fact that has an event type, with the id of its event and its outcome."""

    event_id: int
    fact: Fact
    outcome: Any = None

    def as_event(self) -> StoredEvent:
        """The event in the form in which it is read back from the database."""
        fact = self.fact
        data = msgspec.json.decode(with_outcome(event_data(fact), self.outcome))
        if isinstance(fact, MeterSampled):
            data["samples"] = [_in_full(sample) for sample in fact.samples]
        return StoredEvent(
            id=self.event_id,
            organisation_id=fact.organisation_id,
            station_id=fact.station_id,
            type=fact.event_type or "",
            received_at=fact.received_at,
            data=data,
        )


_encoder = msgspec.json.Encoder()


def _in_full(sample: MeterSample) -> dict[str, Any]:
    """With what goes without saying (`MeterSample`): who listens need not know it."""
    return {"measurand": sample.measurand, "context": sample.context, **msgspec.to_builtins(sample)}


def event_data(fact: Fact) -> bytes:
    """The JSON of an event's data, but for the outcome."""
    return _encoder.encode(fact.told())


def with_outcome(data: bytes, outcome: Any) -> bytes:
    """The same with what became of the fact, if there is anything to say of it."""
    return data if outcome is None else b'%b,"outcome":%b}' % (data[:-1], _encoder.encode(outcome))


def is_news(outcome: Any) -> bool:
    """Whether a fact with this outcome is told: what was stored before is not."""
    if outcome is None:
        return True
    if isinstance(outcome, TransactionStored):
        return not outcome.resend
    if isinstance(outcome, TransactionEndStored):
        return outcome.result != "resend"
    return not isinstance(outcome, AlreadyStored)
