"""The HTTP request that opens a WebSocket, read from bytes (RFC 9112, RFC 6455 §4.2.1).

Only the head of one request is ever read. Every length has a limit, and what breaks one is
refused with its own status: 414 for the request line, 431 for headers, 400 for the rest.
"""

import re
from typing import Final

import msgspec

__all__ = ["BadRequest", "HandshakeRequest", "RequestLimits", "head_length", "parse_request", "target_of"]


_BLANKS: Final = " \t"


class RequestLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long the parts of a request may be, in bytes."""

    request_line: int = 8192
    header_line: int = 8192
    header_count: int = 128
    head: int = 32768


class BadRequest(Exception):
    """The request cannot be read or breaks a limit. `detail` is for people; `target` as far as it can be read."""

    def __init__(self, status: int, detail: str, target: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.target = target


class HandshakeRequest(msgspec.Struct, frozen=True):
    """A request as it came. Header names are in lower case; a header sent twice has two values."""

    method: str
    target: str
    version: str
    headers: dict[str, tuple[str, ...]]
    remote_address: str = ""
    certificate: bytes | None = None
    """The validated client certificate (DER), where TLS brought one."""

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a header, in their order; empty when it is absent."""
        return self.headers.get(name, ())

    def tokens(self, name: str) -> list[str]:
        """The comma-separated elements of all values of a header."""
        tokens = (token.strip(_BLANKS) for value in self.values(name) for token in value.split(","))
        return [token for token in tokens if token]

    @property
    def user_agent(self) -> str | None:
        """What the client says it is, cut to a sensible length."""
        values = self.values("user-agent")
        return values[0][:200] if values else None


_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([\x21-\xff]+(?: +[\x21-\xff]+)*?) +(HTTP/\d\.\d)")
_TARGET: Final = re.compile(rb"[A-Za-z]{1,20} +([\x21-\xff]{1,8192}) +HTTP/\d")
_HEADER_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(rb"[\x09\x20-\x7e\x80-\xff]*")
_TLS_RECORD: Final = b"\x16\x03"


def head_length(data: bytes | bytearray, limits: RequestLimits) -> int | None:
    """How many bytes the head takes; None while it is incomplete. Raises BadRequest once it cannot become one."""
    if data.startswith(_TLS_RECORD):
        raise BadRequest(400, "TLS on a port for plain WebSocket: use ws:// here, or the port for wss://")
    end = data.find(b"\r\n\r\n", 0, limits.head)
    if end >= 0:
        return end + 4
    if len(data) > limits.request_line and data.find(b"\n", 0, limits.request_line) < 0:
        raise BadRequest(414, f"the request line is longer than {limits.request_line} bytes")
    if len(data) >= limits.head:
        raise BadRequest(431, f"the head of the request is longer than {limits.head} bytes")
    return None


def target_of(head: bytes | bytearray) -> str:
    """Where a head that is not proper, or not whole, wants to go; "" if its first line does not tell."""
    match = _TARGET.match(head)
    return "" if match is None else match[1].decode("latin-1")


def parse_request(
    head: bytes, limits: RequestLimits, remote_address: str = "", certificate: bytes | None = None
) -> HandshakeRequest:
    """Read a complete head. Raises BadRequest."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if len(lines[0]) > limits.request_line:
        raise BadRequest(414, f"the request line is longer than {limits.request_line} bytes")
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        raise BadRequest(400, "the first line is not an HTTP request line")
    if len(lines) - 1 > limits.header_count:
        raise BadRequest(431, f"more than {limits.header_count} headers")
    headers: dict[str, tuple[str, ...]] = {}
    for line in lines[1:]:
        name, value = _header(line, limits)
        headers[name] = (*headers.get(name, ()), value)
    method, target, version = (part.decode("latin-1") for part in match.groups())
    return HandshakeRequest(method, target, version, headers, remote_address, certificate)


def _header(line: bytes, limits: RequestLimits) -> tuple[str, str]:
    if len(line) > limits.header_line:
        raise BadRequest(431, f"a header is longer than {limits.header_line} bytes")
    name, colon, value = line.partition(b":")
    if not colon or not _HEADER_NAME.fullmatch(name):
        raise BadRequest(400, "a line of the head is not a header")
    if not _HEADER_VALUE.fullmatch(value):
        raise BadRequest(400, "a header holds control characters")
    return name.decode("ascii").lower(), value.decode("latin-1").strip(_BLANKS)
