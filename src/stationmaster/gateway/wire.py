"""WebSocket frames between bytes and messages, for the server's end (RFC 6455), without I/O.

The rule that shapes this file: a whole, plain, masked text frame, which is what stations send nearly
always, is cut out and unmasked here; so are pings and pongs. Everything else (fragments, compression,
closing, and every violation) is judged by the library `websockets`, whose protocol object is made
only when such a frame comes, and which then keeps the connection to its end. Another
library takes its place in this file alone.
"""

import logging
from collections.abc import Sequence
from typing import Final

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

from stationmaster.session.readable import SHOWN_BYTES

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled part of the library
    from websockets.utils import apply_mask

__all__ = ["Binary", "Wire"]

_TEXT: Final = 0x81
_COMPRESSED_TEXT: Final = 0xC1
_PING: Final = 0x89
_PONG: Final = 0x8A
_MASKED: Final = 0x80
_SHORT: Final = 125
_MEDIUM: Final = 65535
_MEDIUM_MARK: Final = 126
_LONG_MARK: Final = 127
_HEADS: Final = frozenset({_TEXT, _COMPRESSED_TEXT})
_SHORT_HEADS: Final = _HEADS | {_PING, _PONG}
_MASKED_SHORT: Final = _MASKED | _SHORT
_MASKED_MEDIUM: Final = _MASKED | _MEDIUM_MARK
_LEAST: Final = 8
"""So few bytes are no message."""
_MASK_LENGTH: Final = 4
_SHORTEST_HEAD: Final = 2
_LONGEST_REASON: Final = 123

# The library logs each opening and closing; the hub records them as facts.
_log = logging.getLogger("stationmaster.gateway.wire")
_log.setLevel(logging.ERROR)


class Binary:
    """A binary message, which OCPP does not have. `data` is as much of it as the message log shows."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


_KEPT: Final = SHOWN_BYTES + 1
"""The one more tells that there was more."""
_CONTROL: Final = Binary(b"")


class Wire:
    """One connection's framing, from the 101 to the close.

    `receive` takes bytes and returns the messages they complete: text, or a `Binary`. What must be
    written gathers in `out`, to be taken after every call; an empty item means the end of writing.
    `heard` counts all frames, also pings and pongs. `finished` tells that the peer or a violation
    ended the conversation: `close_code` and `close_reason` say how, and `broken` is the beginning of what had
    arrived of the message that did.
    """

    __slots__ = (
        "_binary",
        "_compress_from",
        "_deflate",
        "_failed",
        "_fragments",
        "_library",
        "_limit",
        "_needed",
        "_partial",
        "broken",
        "heard",
        "out",
    )

    def __init__(self, message_limit: int, deflate: PerMessageDeflate | None = None, compress_from: int = 0) -> None:
        self._limit = message_limit
        self._deflate = deflate
        self._compress_from = compress_from
        self._library: Protocol | None = None
        self._partial: bytearray | None = None
        self._needed = 0
        self._fragments: list[bytes] | None = None
        self._binary = b""
        self._failed = False
        self.broken: bytes | None = None
        self.heard = 0
        self.out: list[bytes] = []

    # Input.

    def whole_text(self, data: bytes) -> str | None:
        """The text, if the bytes that arrived are one plain frame with nothing missing or left: nearly always they are.

        Otherwise None, and they are for `receive`.
        """
        if len(data) < _LEAST or data[0] != _TEXT or self._library is not None or self._partial is not None:
            return None
        mark = data[1]
        if mark == _MASKED_MEDIUM:
            start, length = 8, (data[2] << 8) + data[3]
        elif _MASKED <= mark <= _MASKED_SHORT:
            start, length = 6, mark - _MASKED
        else:
            return None
        if len(data) != start + length or length > self._limit:
            return None
        try:
            return apply_mask(data[start:], data[start - 4 : start]).decode()
        except UnicodeDecodeError:
            return None

    def receive(self, data: bytes) -> Sequence[str | Binary]:
        """Bytes arrived."""
        if self._library is not None:
            return self._judge(data)
        if self._partial is None:
            return self._cut(data)
        self._partial += data
        if len(self._partial) < self._needed:
            return ()
        whole, self._partial = bytes(self._partial), None
        return self._cut(whole)

    def receive_eof(self) -> None:
        """The peer will send nothing more."""
        library = self._engage()
        library.receive_eof()
        self.out += library.data_to_send()

    # Output.

    def send_text(self, text: str) -> None:
        """Send one message."""
        payload = text.encode("utf-8", "replace")
        if self._deflate is not None and len(payload) >= self._compress_from:
            library = self._engage()
            if library.state is State.OPEN:
                library.send_text(payload)
                self.out += library.data_to_send()
        elif self._library is None or self._library.state is State.OPEN:
            self.out.append(_head(_TEXT, len(payload)) + payload)

    def send_ping(self) -> None:
        """Ask for a sign of life."""
        if self._library is None or self._library.state is State.OPEN:
            self.out.append(b"\x89\x00")

    def send_close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; the peer's part is awaited by the owner."""
        library = self._engage()
        if library.state is State.OPEN:
            library.send_close(code, _cut_to_fit(reason))
            self.out += library.data_to_send()

    # State.

    @property
    def is_open(self) -> bool:
        """Whether messages can still be sent."""
        return self._library is None or self._library.state is State.OPEN

    @property
    def finished(self) -> bool:
        """Whether the peer has closed, or broken the protocol: nothing more will be received."""
        library = self._library
        return library is not None and (
            library.close_rcvd is not None or library.parser_exc is not None or self._failed
        )

    @property
    def close_code(self) -> int:
        """The code with which the conversation ended; 1006 if it just broke off."""
        library = self._library
        close = None if library is None else library.close_rcvd or library.close_sent
        return CloseCode.ABNORMAL_CLOSURE if close is None else close.code

    @property
    def close_reason(self) -> str:
        """The reason that came with the code."""
        library = self._library
        close = None if library is None else library.close_rcvd or library.close_sent
        return "" if close is None else close.reason

    # Inside.

    def _cut(self, data: bytes) -> list[str | Binary]:
        """Cut whole frames; hand the first one that is not plain, and all that follows, to the library."""
        messages: list[str | Binary] = []
        position, end, needed = 0, len(data), _SHORTEST_HEAD
        while end - position >= _SHORTEST_HEAD:
            head, mark = data[position], data[position + 1]
            length, start = mark & 0x7F, position + 6
            if length > _SHORT:
                start += 2 if length < _LONG_MARK else 8
                needed = start - _MASK_LENGTH - position
                if end - position < needed:
                    break
                length = int.from_bytes(data[position + 2 : position + needed])
            if mark < _MASKED or length > self._limit or head not in (_HEADS if length > _SHORT else _SHORT_HEADS):
                return messages + self._judge(data[position:])
            stop = start + length
            needed = stop - position
            if stop > end:
                break
            payload = apply_mask(data[start:stop], data[start - 4 : start])
            message: str | Binary | None
            try:
                message = payload.decode() if head == _TEXT else self._other(head, payload)
            except UnicodeDecodeError:
                message = None
            if message is None:
                return messages + self._judge(data[position:stop]) + self._judge(data[stop:])
            if message is not _CONTROL:
                messages.append(message)
            self.heard += 1
            position, needed = stop, _SHORTEST_HEAD
        if position < end:
            self._needed = needed
            self._partial = bytearray(data[position:])
        return messages

    def _other(self, head: int, payload: bytes) -> str | Binary | None:
        """_CONTROL for a ping or pong; the text of a compressed frame; None if the library must judge it."""
        if head == _PONG:
            return _CONTROL
        if head == _PING:
            self.out.append(_head(_PONG, len(payload)) + payload)
            return _CONTROL
        if self._deflate is None:
            return None
        try:
            frame = self._deflate.decode(Frame(Opcode.TEXT, payload, True, True), max_size=self._limit)
        except (ProtocolError, PayloadTooBig):
            return None
        return bytes(frame.data).decode()

    def _judge(self, data: bytes) -> list[str | Binary]:
        library = self._engage()
        if library.reader.eof:
            return []
        library.receive_data(data)
        messages: list[str | Binary] = []
        for event in library.events_received():
            self.heard += 1
            if (
                isinstance(event, Frame)
                and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
                and not self._assemble(event, messages)
            ):
                break
        if library.parser_exc is not None and self.broken is None:
            arrived = b"".join(self._fragments) if self._fragments else _first_that_breaks(data, self._limit)
            self.broken = arrived[:_KEPT]
        self.out += library.data_to_send()
        return messages

    def _assemble(self, frame: Frame, messages: list[str | Binary]) -> bool:
        """Put fragments together; False if the text is not UTF-8 and the connection has failed."""
        library = self._engage()
        if frame.opcode is not Opcode.CONT:
            self._fragments = [] if frame.opcode is Opcode.TEXT else None
            self._binary = b""
        if self._fragments is None:
            self._binary += bytes(frame.data[: _KEPT - len(self._binary)])
        elif frame.data:
            self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return True
        if self._fragments is None:
            messages.append(Binary(self._binary))
            return True
        try:
            messages.append(b"".join(self._fragments).decode())
        except UnicodeDecodeError:
            self.broken = b"".join(self._fragments)[:_KEPT]
            library.fail(CloseCode.INVALID_DATA, "the text is not UTF-8")
            self._failed = True
            return False
        self._fragments = None
        return True

    def _engage(self) -> Protocol:
        if self._library is None:
            self._library = Protocol(Side.SERVER, max_size=self._limit, logger=_log)
            if self._deflate is not None:
                self._library.extensions = [self._deflate]
            if self._partial is not None:
                self._library.receive_data(bytes(self._partial))
                self._partial = None
        return self._library


def _first_that_breaks(data: bytes, limit: int) -> bytes:
    """The payload of the first frame that is too long, unusual or not whole, as far as it is there."""
    position = 0
    while len(data) - position >= _SHORTEST_HEAD:
        head, mark, start = data[position], data[position + 1], position + _SHORTEST_HEAD
        length = mark & 0x7F
        if length > _SHORT:
            size = 2 if length < _LONG_MARK else 8
            length = int.from_bytes(data[start : start + size])
            start += size
        mask = data[start : start + _MASK_LENGTH] if mark & _MASKED else b""
        start += len(mask)
        if length > limit or start + length >= len(data) or head not in _SHORT_HEADS or not mask:
            payload = data[start : start + min(length, _KEPT)]
            return apply_mask(payload, mask) if len(mask) == _MASK_LENGTH else payload
        position = start + length
    return data[position:]


def _head(first: int, length: int) -> bytes:
    if length <= _SHORT:
        return bytes((first, length))
    if length <= _MEDIUM:
        return bytes((first, _MEDIUM_MARK)) + length.to_bytes(2)
    return bytes((first, _LONG_MARK)) + length.to_bytes(8)


def _cut_to_fit(reason: str) -> str:
    return reason.encode()[:_LONGEST_REASON].decode("utf-8", "ignore")
