"""Codes of authenticator apps, against the examples of the two RFCs."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from stationmaster.domain.totp import code_at, is_code, matching_step, provisioning_uri, secret_text

SECRET = b"12345678901234567890"
SECOND = 1_000_000


@pytest.mark.parametrize(
    "seconds, code",
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_examples_of_rfc_6238(seconds: int, code: str) -> None:
    assert code_at(SECRET, seconds // 30, digits=8) == code


@pytest.mark.parametrize(
    "counter, code",
    [
        (0, "755224"),
        (1, "287082"),
        (2, "359152"),
        (3, "969429"),
        (4, "338314"),
        (5, "254676"),
        (6, "287922"),
        (7, "162583"),
        (8, "399871"),
        (9, "520489"),
    ],
)
def test_the_examples_of_rfc_4226(counter: int, code: str) -> None:
    assert code_at(SECRET, counter) == code


def test_a_code_is_good_now_and_one_step_around() -> None:
    step = 1_000_000
    code = code_at(SECRET, step)
    middle = (step * 30 + 15) * SECOND
    for seconds, good in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
        found = matching_step(SECRET, code, middle + seconds * SECOND, 0)
        assert (found == step) is good, seconds


def test_a_code_is_good_once() -> None:
    step = 1_000_000
    now = step * 30 * SECOND
    assert matching_step(SECRET, code_at(SECRET, step), now, step - 1) == step
    assert matching_step(SECRET, code_at(SECRET, step), now, step) is None
    assert matching_step(SECRET, code_at(SECRET, step - 1), now, step) is None, "nor one from before"


def test_what_is_no_code() -> None:
    assert is_code("123 456")
    for text in ("", "12345", "1234567", "12345a", "١٢٣٤٥٦", "12345\n6"):
        assert not is_code(text)
        assert matching_step(SECRET, text, 30 * SECOND, 0) is None


def test_what_an_app_reads() -> None:
    uri = urlsplit(provisioning_uri(SECRET, "anna@example.org", "Station master"))
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Station%20master:anna%40example.org")
    query = parse_qs(uri.query)
    assert base64.b32decode(query["secret"][0]) == SECRET
    assert query["issuer"] == ["Station master"]
    assert "=" not in secret_text(b"odd length")
