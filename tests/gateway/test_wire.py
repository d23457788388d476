"""Framing without I/O, held against the library that judges what is not plain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State

from stationmaster.gateway.wire import Binary, Wire
from stationmaster.session.readable import SHOWN_BYTES
from tests.gateway.raw import BINARY as BINARY_OPCODE
from tests.gateway.raw import CLOSE, CONTINUATION, PING, PONG, TEXT, frame

LIMIT = 300

texts = st.text(max_size=80).map(lambda text: text.encode("utf-8", "ignore"))
payloads = st.one_of(
    texts, st.binary(max_size=130), st.just(b"x" * 200), st.just(b"y" * LIMIT), st.just(b"z" * (LIMIT + 1))
)
frames = st.builds(
    frame,
    payloads,
    st.sampled_from([TEXT, TEXT, TEXT, TEXT, BINARY_OPCODE, CONTINUATION, PING, PONG, CLOSE, 5]),
    fin=st.sampled_from([True, True, True, False]),
    rsv=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 4]),
    masked=st.sampled_from([True] * 9 + [False]),
)


def by_the_library(data: bytes) -> tuple[list[str | bytes], bytes, int | None]:
    """Messages, what is written, and the code of the close: `websockets` alone."""
    protocol = Protocol(Side.SERVER, max_size=LIMIT)
    protocol.receive_data(data)
    messages: list[str | bytes] = []
    fragments: list[bytes] = []
    kind = Opcode.TEXT
    for event in protocol.events_received():
        opcode, payload, fin = event.opcode, bytes(event.data), event.fin  # type: ignore[union-attr]  # events here are frames
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            kind, fragments = opcode, []
        elif opcode is not Opcode.CONT:
            continue
        fragments.append(payload)
        if fin:
            whole = b"".join(fragments)
            try:
                messages.append(whole.decode() if kind is Opcode.TEXT else whole)
            except UnicodeDecodeError:
                return messages, b"", 1007
    written = b"".join(protocol.data_to_send())
    code = protocol.close_sent.code if protocol.close_sent is not None else None
    return messages, written, code


@given(st.lists(frames, max_size=8), st.one_of(st.lists(st.integers(1, 40), max_size=60), st.none()))
def test_however_bytes_arrive_the_outcome_is_that_of_the_library(sent: list[bytes], cuts: list[int] | None) -> None:
    data = b"".join(sent)
    expected, written, code = by_the_library(data)
    wire = Wire(LIMIT)
    got: list[object] = []
    position = 0
    for cut in [*(map(len, sent) if cuts is None else cuts), len(data)]:
        if position < len(data):
            arrived = data[position : position + cut]
            text = wire.whole_text(arrived)
            got += wire.receive(arrived) if text is None else [text]
            position += cut
    assert [message.data if isinstance(message, Binary) else message for message in got] == expected
    if code == 1007:  # the library alone does not look into texts; of several violations any may be named
        assert wire.finished
        assert wire.close_code in (1002, 1007, 1009)
    else:
        assert b"".join(wire.out) == written
        assert wire.finished == (code is not None)
        assert wire.close_code == (code or 1006)


@given(st.one_of(st.text(max_size=200), st.just("x" * 70_000)))
def test_what_is_sent_can_be_read_by_a_client(text: str) -> None:
    wire = Wire(LIMIT)
    wire.send_text(text)
    client = Protocol(Side.CLIENT, state=State.OPEN)
    client.receive_data(b"".join(wire.out))
    (event,) = client.events_received()
    assert bytes(event.data) == text.encode("utf-8", "replace")  # type: ignore[union-attr]  # events here are frames


def test_a_text_that_came_whole_is_read_at_once() -> None:
    wire = Wire(LIMIT)
    for text in ("[]", "x" * 125, "y" * 126, "z" * LIMIT):
        assert wire.whole_text(frame(text.encode())) == text
    assert wire.whole_text(frame(b"z" * (LIMIT + 1))) is None
    assert wire.whole_text(frame(b"[]") + frame(b"[]")) is None
    assert wire.whole_text(b"\x81\x82" + frame(b"[][]")[2:]) is None  # two bytes, and two of the next frame
    assert wire.receive(frame(b"[]")[:5]) == []
    assert wire.whole_text(frame(b"[]")) is None


def test_plain_talk_needs_no_library() -> None:
    wire = Wire(LIMIT)
    assert wire.receive(frame(b"[]") + frame(b"", PING) + frame(b"", PONG)) == ["[]"]
    wire.send_text("{}")
    assert wire.heard == 3
    assert wire._library is None


def test_after_the_goodbye_nothing_is_sent_or_told() -> None:
    wire = Wire(LIMIT)
    wire.send_close(1001, "bye")
    assert wire.out.pop() == b"\x88\x05\x03\xe9bye"
    wire.send_text("{}")
    wire.send_ping()
    wire.send_close(1000, "again")
    assert wire.out == []
    assert (wire.is_open, wire.finished) == (False, False)
    wire.receive(frame(b"\x03\xe9", CLOSE))
    assert (wire.close_code, wire.close_reason) == (1001, "")
    assert wire.out == [b""]
    assert wire.receive(frame(b"[]")) == []


def test_a_half_received_frame_does_not_disturb_the_goodbye() -> None:
    wire = Wire(LIMIT)
    whole = frame(b"[1]")
    wire.receive(whole[:5])
    wire.send_close(1001, "")
    wire.receive(whole[5:] + frame(b"\x03\xe9", CLOSE))
    assert (wire.close_code, wire.out[-1]) == (1001, b"")


def test_the_end_of_the_stream_is_an_end_without_a_word() -> None:
    wire = Wire(LIMIT)
    wire.receive_eof()
    assert wire.finished
    assert wire.close_code == 1006
    assert wire.receive(b"more") == []


def test_a_long_reason_is_cut_at_a_character() -> None:
    wire = Wire(LIMIT)
    wire.send_close(1008, "ä" * 100)
    assert wire.out[0][4:].decode() == "ä" * 61


BROKEN = {
    "too long": (frame(b"first") + frame(b"[" + b"x" * LIMIT), b"[" + b"x" * LIMIT, 1009),
    "too long, and not all of it there": (frame(b"[xy", length=LIMIT + 1), b"[xy", 1009),
    "too long by its head alone": (frame(b"", length=LIMIT + 1), b"", 1009),
    "too long in pieces": (frame(b"[a", fin=False) + frame(b"x" * LIMIT, CONTINUATION), b"[a", 1009),
    "not UTF-8": (frame(b"first") + frame(b"[\xff]"), b"[\xff]", 1007),
    "not UTF-8 in pieces": (frame(b"[\xc3", fin=False) + frame(b"(", CONTINUATION), b"[\xc3(", 1007),
    "unmasked": (frame(b"first") + frame(b"[]", masked=False), b"[]", 1002),
    "a bit that means nothing": (frame(b"[]", rsv=2), b"[]", 1002),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_conversation_is_kept(name: str) -> None:
    data, broken, code = BROKEN[name]
    wire = Wire(LIMIT)
    wire.receive(data)
    assert (wire.finished, wire.broken, wire.close_code) == (True, broken, code)


def test_no_more_is_kept_than_is_shown() -> None:
    for data in (frame(b"x" * 50_000), frame(b"\xff" * 10_000)):
        wire = Wire(20_000)
        wire.receive(data)
        assert wire.broken is not None
        assert len(wire.broken) == SHOWN_BYTES + 1
    wire = Wire(20_000)
    pieces = frame(b"x" * 3_000, BINARY_OPCODE, fin=False) + frame(b"y" * 10_000, CONTINUATION)
    (message,) = wire.receive(pieces)
    assert isinstance(message, Binary)
    assert message.data == (b"x" * 3_000 + b"y" * 10_000)[: SHOWN_BYTES + 1]
