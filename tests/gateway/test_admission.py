"""Security profiles at the door, those with TLS included (handbook §4.1, §1.2 rows 5 to 7).

Plain connections are probed with real sockets elsewhere; here TLS is only told of.
"""

import ssl
from typing import Any

import pytest

from stationmaster.domain.stations import Station
from stationmaster.gateway.admission import Admit, Refuse, connection_profile, decide, refuse
from stationmaster.gateway.identities import Identity
from stationmaster.gateway.reasons import REASONS
from stationmaster.gateway.requests import HandshakeRequest
from stationmaster.gateway.settings import Listener
from tests.gateway.conftest import PASSWORD, basic, check_password

PLAIN = Listener()
TLS = Listener(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
RIGHT, WRONG, NONE = basic("CP1"), basic("CP1", b"wrong"), None
OURS, FOREIGN = b"certificate of CP1", b"certificate of another"


def check_certificate(record: Station, certificate: bytes) -> str | None:
    return None if certificate == OURS else "the CN is another station's"


def verdict(
    listener: Listener, profiles: tuple[int, int | None], authorization: str | None, certificate: bytes | None = None
) -> int | str:
    """The profile of the admission, or the reason of the refusal."""
    profile, pending = profiles
    record = Station(
        id="CP1",
        security_profile=profile,
        pending_security_profile=pending,
        password_hash=PASSWORD if profile else None,
    )
    headers: dict[str, tuple[str, ...]] = {"sec-websocket-protocol": ("ocpp1.6",), "connection": ("Upgrade",)}
    if authorization is not None:
        headers["authorization"] = (authorization,)
    request = HandshakeRequest("GET", "/ocpp/CP1", "HTTP/1.1", headers, "192.0.2.1", certificate)
    decision = decide(request, Identity("CP1", "CP1"), record, listener, check_password, check_certificate)
    return decision.admission.security_profile if isinstance(decision, Admit) else decision.reason_code


@pytest.mark.parametrize(
    ("profiles", "authorization", "expected"),
    [
        ((0, None), NONE, 0),
        ((0, None), WRONG, 0),
        ((1, None), RIGHT, 1),
        ((1, None), NONE, "password_missing"),
        ((1, None), WRONG, "password_wrong"),
        ((0, 1), NONE, 0),
        ((0, 1), WRONG, "password_wrong"),
        ((1, 2), RIGHT, 1),
        ((2, None), RIGHT, "profile_mismatch"),
        ((2, 3), RIGHT, "profile_mismatch"),
        ((3, None), NONE, "profile_mismatch"),
    ],
)
def test_profiles_without_tls(profiles: tuple[int, int | None], authorization: str | None, expected: int | str) -> None:
    assert verdict(PLAIN, profiles, authorization) == expected


@pytest.mark.parametrize(
    ("profiles", "authorization", "certificate", "expected"),
    [
        ((0, None), NONE, None, "profile_mismatch"),
        ((1, None), RIGHT, None, "profile_mismatch"),
        ((1, 2), RIGHT, None, 2),
        ((1, 2), NONE, None, "password_missing"),
        ((2, None), RIGHT, None, 2),
        ((2, None), RIGHT, FOREIGN, 2),
        ((2, None), NONE, OURS, "password_missing"),
        ((2, None), WRONG, None, "password_wrong"),
        ((3, None), NONE, OURS, 3),
        ((3, None), WRONG, OURS, 3),
        ((3, None), NONE, FOREIGN, "certificate_mismatch"),
        ((3, None), RIGHT, FOREIGN, "certificate_mismatch"),
        ((3, None), RIGHT, None, "certificate_missing"),
        ((2, 3), NONE, OURS, 3),
        ((2, 3), RIGHT, None, 2),
        ((2, 3), RIGHT, FOREIGN, 2),
        ((2, 3), NONE, FOREIGN, "certificate_mismatch"),
        ((2, 3), NONE, None, "password_missing"),
    ],
)
def test_profiles_with_tls(
    profiles: tuple[int, int | None], authorization: str | None, certificate: bytes | None, expected: int | str
) -> None:
    assert verdict(TLS, profiles, authorization, certificate) == expected


@pytest.mark.parametrize(
    ("listener", "authorization", "certificate", "profile"),
    [(PLAIN, NONE, None, 0), (PLAIN, WRONG, None, 1), (TLS, NONE, None, 2), (TLS, NONE, OURS, 3)],
)
def test_what_a_connection_amounts_to(
    listener: Listener, authorization: str | None, certificate: bytes | None, profile: int
) -> None:
    headers: dict[str, Any] = {"authorization": (authorization,)} if authorization else {}
    assert connection_profile(HandshakeRequest("GET", "/", "", headers, "", certificate), listener) == profile


def test_every_reason_has_words_and_only_a_401_asks_for_a_password() -> None:
    for code, reason in REASONS.items():
        refusal: Refuse = refuse(code)
        assert refusal.detail.endswith(".")
        assert (refusal.status == 401) == any(name == "WWW-Authenticate" for name, _ in refusal.headers)
        assert code == reason.code
