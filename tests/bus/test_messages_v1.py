"""What crosses between nodes is frozen: these bytes were written by the first release."""

from typing import Any

import msgspec
import pytest

from stationmaster.bus.messages_v1 import (
    CommandReply,
    CommandRequest,
    Disconnect,
    Event,
    EventMessage,
    Invalidate,
    Newcomer,
    decode,
    encode,
)

REQUEST = CommandRequest(
    job_id="j1",
    organisation_id="default",
    station_id="CP7",
    action="Reset",
    payload=b'{"type":"Soft"}',
    requested_by="key:first",
    deadline=1_700_000_000_000_000,
    epoch=3,
    wait_s=30.0,
)


@pytest.mark.parametrize(
    "message",
    [
        REQUEST,
        CommandReply(job_id="j1", state="error", refusal="payload", detail="type is missing", path="$.type"),
        Invalidate(kind="token", key="abc", organisation_id="default"),
        Newcomer(remote_address="2001:db8::1"),
        Disconnect(station_id="CP7", epoch=3, reason="because"),
        EventMessage(
            organisation_id="default", node_id="n1", events=(Event(id=2**62, type="x.y", station_id="CP7", body=b"{}"),)
        ),
    ],
)
def test_a_message_arrives_as_it_was_sent(
    message: CommandRequest | CommandReply | Invalidate | Newcomer | Disconnect | EventMessage,
) -> None:
    kind: type[Any] = type(message)
    assert decode(encode(message), kind) == message


def test_the_first_release_can_be_read_by_every_later_one() -> None:
    released = {
        "job_id": "j1",
        "organisation_id": "default",
        "station_id": "CP7",
        "action": "Reset",
        "payload": b'{"type":"Soft"}',
        "requested_by": "key:first",
        "deadline": 1_700_000_000_000_000,
        "epoch": 3,
        "wait_s": 30.0,
        "timeout_s": None,
        "expires_at": None,
        "send_anyway": False,
    }
    assert decode(msgspec.msgpack.encode(released), CommandRequest) == REQUEST


def test_a_member_of_a_later_release_is_passed_over() -> None:
    later = msgspec.msgpack.encode({"kind": "token", "key": "abc", "organisation_id": "o", "because": "it changed"})
    assert decode(later, Invalidate) == Invalidate(kind="token", key="abc", organisation_id="o")


def test_bytes_that_hold_no_message_are_an_error() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(b"\xc1", Invalidate)
