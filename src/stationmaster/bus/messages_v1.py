"""What crosses between nodes, version 1.

Nodes of two releases run side by side during an upgrade, so a released message is frozen: a
field may be added with a default, none may change its meaning or go. Written as MessagePack
maps, so a field that a node does not know is passed over.
"""

from typing import TypeVar

import msgspec

from stationmaster.instants import Instant

__all__ = [
    "CommandReply",
    "CommandRequest",
    "Disconnect",
    "Event",
    "EventMessage",
    "Invalidate",
    "Newcomer",
    "SiteNews",
    "decode",
    "encode",
]


class CommandRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Send a command to a station whose socket you hold. Subject: `subjects.command_of`.

    `payload` is a JSON object in OCPP's words, as the caller wrote it (numbers exact).
    `epoch` is the connection that was meant; after `deadline` it must not be sent any more.
    `wait_s` is how long the caller waits for the end of the job: the answer comes when the job
    has ended or the time is over, and at once (after all checks) with 0.
    """

    job_id: str
    organisation_id: str
    station_id: str
    action: str
    payload: bytes
    requested_by: str
    deadline: Instant
    epoch: int = 0
    wait_s: float = 0.0
    timeout_s: float | None = None
    expires_at: Instant | None = None
    send_anyway: bool = False
    persistent: bool = False
    """The job is kept for a station that is away: if this delivery fails before it is sent, it waits again."""
    queued_at: Instant | None = None
    """When the job was made, where that is not now."""
    local_time_zone: str | None = None
    """The profile in the payload has its start by the wall clock of this zone, and follows it from then on."""


class CommandReply(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a `CommandRequest`.

    `state` is the job's state by now. When nothing was sent, `refusal` is the code why:
    "payload" (it breaks the schema), "blocked" (a rule forbids it), "unknown_action", "offline",
    "queue_full", "expired"; `detail` says it in words and `path` names the member, if one is to blame.
    """

    job_id: str
    state: str
    refusal: str | None = None
    detail: str | None = None
    path: str | None = None
    warnings: tuple[str, ...] = ()


class Newcomer(msgspec.Struct, frozen=True, kw_only=True):
    """Whose connection takes a station's subject over, for the node that held it (`Bus.serve`, `introduction`)."""

    remote_address: str


class Disconnect(msgspec.Struct, frozen=True, kw_only=True):
    """End the conversation with a station, if it still is the one of `epoch`. Subject: `subjects.disconnect_of`."""

    station_id: str
    epoch: int
    reason: str
    """In words, for the station's log."""


class Invalidate(msgspec.Struct, frozen=True, kw_only=True):
    """Forget what you keep in memory of one thing. Subject: `subjects.INVALIDATE`.

    `kind` is "token", "station", "api_key" …; "everything" (with an empty key) after the broker
    was away, since messages may have been missed.
    """

    kind: str
    key: str
    organisation_id: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the stream; `body` is its JSON text as clients get it."""

    id: int
    type: str
    station_id: str
    body: bytes
    site_id: str | None = None
    """Of an event about a site as a whole."""


class EventMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one organisation that one node committed together. Subject: `subjects.events_of`."""

    organisation_id: str
    node_id: str
    events: tuple[Event, ...]


class SiteNews(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened at a site, for the node that plans there. Subject: `subjects.site_news_of`.

    `what` is "look" (see in the database what `station_id` does now), "rebooted" (the same, and it
    may have forgotten its limits), "measured" (currents of the connector `evse_id`, in tenths of
    an ampere per phase as the station counts them, None: not told), "meter" (the site's meter was
    read) or "answered" (the command `job_id` was answered late, with `result`).
    """

    organisation_id: str
    site_id: str
    what: str
    station_id: str = ""
    evse_id: int = 0
    deciamps: tuple[int | None, int | None, int | None] = (None, None, None)
    job_id: str = ""
    result: str = ""


_Message = TypeVar("_Message", CommandRequest, CommandReply, Newcomer, Disconnect, Invalidate, EventMessage, SiteNews)
_encoder = msgspec.msgpack.Encoder()


def encode(
    message: CommandRequest | CommandReply | Newcomer | Disconnect | Invalidate | EventMessage | SiteNews,
) -> bytes:
    """The bytes that travel."""
    return _encoder.encode(message)


def decode(data: bytes, kind: type[_Message]) -> _Message:
    """The message of `kind` that `data` holds; raises `msgspec.MsgspecError` when it holds none."""
    return msgspec.msgpack.decode(data, type=kind)
