"""HTTP heads, read from bytes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stationmaster.gateway.requests import BadRequest, RequestLimits, head_length, parse_request
from tests.gateway.raw import upgrade

LIMITS = RequestLimits()


def outcome(data: bytes, limits: RequestLimits) -> int | None:
    """The status with which a whole head is refused; None if it is taken."""
    try:
        length = head_length(data, limits)
        parse_request(data[:length], limits)
    except BadRequest as error:
        return error.status if error.detail else -1
    return None if length is not None else -1


def test_a_request_is_read_as_it_came() -> None:
    request = parse_request(
        b"GET /ocpp/CP1?x=1 HTTP/1.1\r\nHost: a\r\nX-List: one, two\r\nx-list:three\r\nEmpty:\r\n\r\n",
        LIMITS,
        "192.0.2.1",
    )
    assert (request.method, request.target, request.version) == ("GET", "/ocpp/CP1?x=1", "HTTP/1.1")
    assert request.values("x-list") == ("one, two", "three")
    assert request.tokens("x-list") == ["one", "two", "three"]
    assert request.values("empty") == ("",)
    assert request.values("absent") == ()
    assert request.user_agent is None
    assert request.remote_address == "192.0.2.1"


def test_a_user_agent_is_cut() -> None:
    request = parse_request(upgrade(User_Agent="x" * 1000), LIMITS)
    assert request.user_agent == "x" * 200


def test_the_head_ends_at_the_empty_line_wherever_the_bytes_are_cut() -> None:
    whole = upgrade()
    for length in range(len(whole)):
        assert head_length(whole[:length], LIMITS) is None
    assert head_length(whole + b"rest", LIMITS) == len(whole)


@pytest.mark.parametrize(
    ("limit", "value", "status"),
    [("request_line", 20, 414), ("header_line", 20, 431), ("header_count", 3, 431), ("head", 60, 431)],
)
def test_each_limit_has_its_status(limit: str, value: int, status: int) -> None:
    limits = RequestLimits(**{limit: value})
    assert outcome(upgrade("/ocpp/a-rather-long-identity"), limits) == status


def test_exactly_at_the_limits_is_fine() -> None:
    line = "GET /" + "x" * (LIMITS.request_line - len("GET / HTTP/1.1")) + " HTTP/1.1"
    assert len(line) == LIMITS.request_line
    parse_request(line.encode() + b"\r\n\r\n", LIMITS)
    header = b"X:" + b"y" * (LIMITS.header_line - 2)
    parse_request(b"GET / HTTP/1.1\r\n" + header + b"\r\n\r\n", LIMITS)
    parse_request(b"GET / HTTP/1.1\r\n" + b"\r\n".join([b"X: y"] * LIMITS.header_count) + b"\r\n\r\n", LIMITS)


@given(st.binary(max_size=300))
@example(b"GET / HTTP/1.1\r\nX: \xff\r\n\r\n")
def test_whatever_arrives_it_is_a_request_or_a_bad_request(data: bytes) -> None:
    assert outcome(data + b"\r\n\r\n", LIMITS) in (None, 400, 414, 431)
