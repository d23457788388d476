"""Small rules: clocks, security events, identities, passwords, tokens, jobs."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.domain.clocks import clock_flag
from stationmaster.domain.errors import Invalid
from stationmaster.domain.identities import check_identity, check_text, is_recommended_identity
from stationmaster.domain.jobs import Awaits, Job, JobState, Progress, awaits, job_changed, progress_of
from stationmaster.domain.passwords import is_wire_form, password_bytes, readings_of, wire_form
from stationmaster.domain.security import CRITICAL_EVENTS, EVENTS, is_critical, spelling_of

NOW = 1_740_832_496_000_000
SECOND = 1_000_000


@pytest.mark.parametrize(
    ("offset_s", "flag"),
    [(0, None), (300, None), (301, "clock_ahead"), (-10 * 365 * 86400, None), (-16 * 365 * 86400, "clock_unset")],
)
def test_a_clock_is_believed_and_flagged(offset_s: int, flag: str | None) -> None:
    assert clock_flag(NOW + offset_s * SECOND, NOW) == flag


def test_security_events_have_their_weight_and_their_spelling() -> None:
    assert len(EVENTS) == 18
    assert len(CRITICAL_EVENTS) == 7
    assert is_critical("TamperDetectionActivated")
    assert not is_critical("InvalidMessages")
    assert not is_critical("SomethingNew")
    assert spelling_of("FailedToAuthenticationAtCentralSystem") == "FailedToAuthenticateAtCentralSystem"
    assert spelling_of("SomethingNew") == "SomethingNew"


@pytest.mark.parametrize("identity", ["CP7", "RDAM 123", "a" * 255, "Säule|1", "*-_=+|@."])
def test_an_identity_that_can_be(identity: str) -> None:
    assert check_identity(identity) == identity


@pytest.mark.parametrize("identity", ["", "a" * 256, "a:b", "a/b", "a\\b", "a\x00", " a", "a\n", "..", "\ud800"])
def test_an_identity_that_cannot_be(identity: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_identity(identity)
    assert refused.value.fields[0]["field"] == "id"


def test_the_recommendation_is_narrower() -> None:
    assert is_recommended_identity("CP-7.a@x")
    assert not is_recommended_identity("RDAM 123")
    assert not is_recommended_identity("a" * 49)


def test_texts_of_people() -> None:
    assert check_text("name", "  A b ", 10) == "A b"
    assert check_text("name", "   ", 10) is None
    assert check_text("note", "a\nb", 10, lines=True) == "a\nb"
    for text, required in (("a" * 11, False), ("a\nb", False), ("", True), (None, True)):
        with pytest.raises(Invalid):
            check_text("name", text, 10, required=required)


@pytest.mark.parametrize(
    ("typed", "raw"),
    [
        ("0123456789abcdefghij", b"0123456789abcdefghij"),
        ("AB" * 16, b"\xab" * 16),
        ("ab" * 20, b"\xab" * 20),
        ("AB" * 20 + "AB", ("AB" * 21).encode()),
        ("g" * 32, b"g" * 32),
        ("a" * 33, b"a" * 33),
        ("pässwörd-pässwörd", "pässwörd-pässwörd".encode()),
    ],
)
def test_a_password_is_bytes(typed: str, raw: bytes) -> None:
    assert password_bytes(typed) == raw


@pytest.mark.parametrize("typed", ["short", "a" * 15, "a" * 65, "", "\ud800" * 20])
def test_a_password_that_cannot_be(typed: str) -> None:
    with pytest.raises(Invalid):
        password_bytes(typed)


def test_the_shortest_password_is_a_choice() -> None:
    assert password_bytes("eightchr", minimum_bytes=8) == b"eightchr"


@given(st.binary(min_size=16, max_size=20))
def test_either_writing_of_a_password_is_read_as_the_same(raw: bytes) -> None:
    assert raw in readings_of(raw)
    assert raw in readings_of(wire_form(raw).encode())
    assert raw in readings_of(wire_form(raw).lower().encode())
    assert is_wire_form(wire_form(raw))


def test_a_job_tells_what_it_awaits_and_survives_nonsense() -> None:
    job = Job(
        id="j",
        organisation_id="o",
        station_id="s",
        site_id=None,
        action="Reset",
        protocol="ocpp1.6",
        state=JobState.WAITING,
        payload="{}",
        requested_by="me",
        queued_at=NOW,
        progress=Progress(awaits=awaits("boot", NOW)).as_json(),
        error='{"code":"x"}',
    )
    awaited = progress_of(job).awaits
    assert isinstance(awaited, Awaits)
    assert awaited.deadline == NOW
    fact = job_changed(job, NOW + 1)
    assert (fact.error, fact.received_at, fact.state) == ({"code": "x"}, NOW + 1, "waiting")
    for progress in (None, "", "[1]", '{"awaits":5}'):
        assert progress_of(msgspec.structs.replace(job, progress=progress)) == Progress()
