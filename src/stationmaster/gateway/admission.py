"""Who may come in: the decision order of handbook §1.2 as plain functions.

`websocket_fault` is row 2, `decide` rows 5 to 10. Row 1 is `tls.py`, row 3 is `limits.py`
and row 4 asks the directory; `door.py` puts them in order. Authentication ends before the upgrade.
"""

import base64
import binascii
from enum import IntEnum
from http import HTTPStatus
from typing import Final

import msgspec

from stationmaster.actions.contract import StationRecord
from stationmaster.domain.quirks import NO_QUIRKS, Quirks
from stationmaster.gateway.contract import Admission, CertificateCheck, PasswordCheck, PasswordMatch
from stationmaster.gateway.credentials import password_from
from stationmaster.gateway.identities import Identity
from stationmaster.gateway.reasons import REASONS
from stationmaster.gateway.requests import HandshakeRequest
from stationmaster.gateway.settings import Listener
from stationmaster.gateway.subprotocols import choose_subprotocol

__all__ = [
    "Admit",
    "Profile",
    "Refuse",
    "connection_profile",
    "decide",
    "refuse",
    "subprotocol_of",
    "websocket_fault",
]


class Profile(IntEnum):
    """Security profiles (§4.1)."""

    NONE = 0
    BASIC = 1
    TLS_BASIC = 2
    TLS_CERTIFICATE = 3


_KEY_BYTES: Final = 16
_PLAIN: Final = frozenset({Profile.NONE, Profile.BASIC})
_SECURE: Final = frozenset({Profile.TLS_BASIC, Profile.TLS_CERTIFICATE})
_WEB_ORIGINS: Final = ("http://", "https://", "null")
_CHALLENGE: Final = ("WWW-Authenticate", 'Basic realm="OCPP"')


class Admit(msgspec.Struct, frozen=True):
    """Come in. `subprotocol` None: the station named none and is taken for OCPP 1.6."""

    admission: Admission
    subprotocol: str | None
    oddities: tuple[tuple[str, str], ...] = ()
    """Kinds and raw values of what was forgiven."""


class Refuse(msgspec.Struct, frozen=True):
    """Stay out. `reason_code` and `detail` are for the operator; the station sees the status only."""

    status: int
    reason_code: str
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


def refuse(code: str, detail: str | None = None, *, retry_after_s: int | None = None) -> Refuse:
    """A refusal for one of the known reasons, in its own words unless better ones are given."""
    reason = REASONS[code]
    headers: tuple[tuple[str, str], ...] = ()
    if retry_after_s is not None:
        headers = (("Retry-After", str(retry_after_s)),)
    elif reason.status == HTTPStatus.UNAUTHORIZED:
        headers = (_CHALLENGE,)
    elif reason.status == HTTPStatus.UPGRADE_REQUIRED:
        headers = (("Sec-WebSocket-Version", "13"),)
    return Refuse(reason.status, code, detail or reason.detail, headers)


def websocket_fault(request: HandshakeRequest, listener: Listener) -> Refuse | None:
    """Row 2: what makes the request no proper WebSocket upgrade, if anything does (RFC 6455 §4.2.1)."""
    if request.method != "GET" or request.version != "HTTP/1.1":
        return refuse("not_a_websocket", f"A WebSocket opens with GET and HTTP/1.1, not {_start_line(request)}.")
    if any(value != "0" for value in request.values("content-length")) or request.values("transfer-encoding"):
        return refuse("not_a_websocket", "A WebSocket handshake has no body.")
    if "websocket" not in {token.lower() for token in request.tokens("upgrade")}:
        return refuse("not_a_websocket", "The header `Upgrade: websocket` is missing.")
    if not _connection_upgrades(request) and not listener.repair_connection_header:
        return refuse("not_a_websocket", "The header `Connection: Upgrade` is missing.")
    keys = request.values("sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        return refuse("not_a_websocket", "The header `Sec-WebSocket-Key` is missing, or is not 16 bytes in base64.")
    versions = request.values("sec-websocket-version")
    if len(versions) != 1:
        return refuse("not_a_websocket", "The header `Sec-WebSocket-Version` is missing or given twice.")
    if versions[0] != "13":
        return refuse("websocket_version")
    if listener.refuse_browsers and _is_of_a_web_page(request):
        return refuse("from_a_browser")
    return None


def _is_of_a_web_page(request: HandshakeRequest) -> bool:
    """Whether a page made a browser ask: it could speak for a station of profile 0 that only the browser reaches.

    Over plain ws a browser sends neither cookies of ours nor `Sec-Fetch-Mode`, only the page's origin. That alone
    proves nothing, since libraries of real stations send one too; but those do not say that they are Mozilla.
    """
    if request.values("cookie") or request.values("sec-fetch-mode"):
        return True
    from_the_web = any(origin.lower().startswith(_WEB_ORIGINS) for origin in request.values("origin"))
    return from_the_web and any(agent.startswith("Mozilla/") for agent in request.values("user-agent"))


def connection_profile(request: HandshakeRequest, listener: Listener) -> int:
    """The security profile that the connection itself amounts to (§4.1)."""
    if listener.secure:
        return Profile.TLS_BASIC if request.certificate is None else Profile.TLS_CERTIFICATE
    return Profile.BASIC if request.values("authorization") else Profile.NONE


def decide(
    request: HandshakeRequest,
    identity: Identity,
    record: StationRecord,
    listener: Listener,
    check_password: PasswordCheck,
    check_certificate: CertificateCheck,
    quirks: Quirks = NO_QUIRKS,
) -> Admit | Refuse:
    """Rows 5 to 10 for a registered station."""
    expected = {record.security_profile}
    if record.pending_security_profile is not None:
        expected.add(record.pending_security_profile)
    if not expected & (_SECURE if listener.secure else _PLAIN):
        profiles = " or ".join(map(str, sorted(expected)))
        channel = "TLS" if listener.secure else "without TLS"
        return refuse("profile_mismatch", f"The station has security profile {profiles} but connects {channel}.")
    if listener.secure:
        admission = _admit_secure(request, identity, record, expected, check_password, check_certificate)
    else:
        admission = _admit_plain(request, identity, record, expected, check_password)
    if isinstance(admission, Refuse):
        return admission
    return _with_subprotocol(request, listener, admission, quirks.accept_missing_subprotocol)


def _admit_plain(
    request: HandshakeRequest,
    identity: Identity,
    record: StationRecord,
    expected: set[int],
    check_password: PasswordCheck,
) -> Admission | Refuse:
    """Profile 0 needs nothing, but a password that is sent and one that is stored must agree (§4.2)."""
    sent = bool(request.values("authorization"))
    stored = record.password_hash is not None or record.pending_password_hash is not None
    if Profile.NONE in expected and not (sent and (stored or Profile.BASIC in expected)):
        return Admission(security_profile=Profile.NONE, password=None)
    match = _check(request, identity, record, check_password)
    if isinstance(match, Refuse):
        return match
    return Admission(security_profile=Profile.BASIC if Profile.BASIC in expected else Profile.NONE, password=match)


def _admit_secure(
    request: HandshakeRequest,
    identity: Identity,
    record: StationRecord,
    expected: set[int],
    check_password: PasswordCheck,
    check_certificate: CertificateCheck,
) -> Admission | Refuse:
    """Profile 3 by certificate; where 2 is expected too, a station that falls back comes in by password (§4.6)."""
    if Profile.TLS_CERTIFICATE in expected and request.certificate is not None:
        fault = check_certificate(record, request.certificate)
        if fault is None:
            return Admission(security_profile=Profile.TLS_CERTIFICATE, password=None, certificate=request.certificate)
        if Profile.TLS_BASIC not in expected or not request.values("authorization"):
            return refuse("certificate_mismatch", fault)
    if Profile.TLS_BASIC not in expected:
        return refuse("certificate_missing")
    match = _check(request, identity, record, check_password)
    return match if isinstance(match, Refuse) else Admission(security_profile=Profile.TLS_BASIC, password=match)


def _check(
    request: HandshakeRequest, identity: Identity, record: StationRecord, check_password: PasswordCheck
) -> PasswordMatch | Refuse:
    password = password_from(request.values("authorization"), identity)
    if isinstance(password, str):
        return refuse(password)
    return check_password(record, password) or refuse("password_wrong")


def subprotocol_of(
    request: HandshakeRequest, listener: Listener, accept_missing: bool | None = None
) -> str | Refuse | None:
    """Rows 8 and 9: the version that is spoken, None where the station may leave it out, or what stands against it."""
    if not request.values("sec-websocket-protocol"):
        forgiven = listener.accept_missing_subprotocol if accept_missing is None else accept_missing
        return None if forgiven else refuse("no_subprotocol")
    offered = request.tokens("sec-websocket-protocol")
    return choose_subprotocol(offered, listener.subprotocols) or refuse(
        "subprotocol_unknown",
        f"The station offers {', '.join(offered)[:200] or 'nothing'}; "
        f"supported here: {', '.join(listener.subprotocols)}.",
    )


def _with_subprotocol(
    request: HandshakeRequest, listener: Listener, admission: Admission, accept_missing: bool | None
) -> Admit | Refuse:
    chosen = subprotocol_of(request, listener, accept_missing)
    if isinstance(chosen, Refuse):
        return chosen
    oddities: list[tuple[str, str]] = []
    if not _connection_upgrades(request):
        oddities.append(("connection_header", ", ".join(request.values("connection"))))
    if chosen is None:
        oddities.append(("no_subprotocol", ""))
    return Admit(admission, chosen, tuple(oddities))


def _connection_upgrades(request: HandshakeRequest) -> bool:
    return "upgrade" in {token.lower() for token in request.tokens("connection")}


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _start_line(request: HandshakeRequest) -> str:
    return f"{request.method[:20]} and {request.version}"
