"""Why a handshake is refused: a stable code, the HTTP status, and words that tell an operator what to do.

The rule that shapes this file is the table of handbook §1.2. The station only gets the status; the
words are for the list of refused connections.
"""

from typing import Final

import msgspec

__all__ = ["REASONS", "Reason"]


class Reason(msgspec.Struct, frozen=True):
    """A code with its status (0: no HTTP answer) and its words."""

    code: str
    status: int
    detail: str


_TABLE: Final = (
    # Row 1: TLS; there is no HTTP to answer with
    Reason("tls_failed", 0, "The TLS handshake failed."),
    # Row 2: not a proper WebSocket upgrade
    Reason("bad_request", 400, "The request could not be read as HTTP."),
    Reason("not_a_websocket", 400, "This is not a WebSocket handshake. Stations connect with ws:// or wss://."),
    Reason("websocket_version", 426, "Only version 13 of the WebSocket protocol is spoken here."),
    Reason("from_a_browser", 403, "A web page tried to open the connection; only stations may."),
    # Row 3: not now
    Reason("shutting_down", 503, "This node is shutting down. The station will try again."),
    Reason("overloaded", 503, "The node cannot take more connections at the moment. The station will try again."),
    Reason("unavailable", 503, "The station could not be looked up: the database did not answer."),
    Reason("throttled", 429, "Too many failed attempts from this address; further ones wait until the minute is over."),
    Reason(
        "contested",
        429,
        "Connections with this identity keep replacing each other. Look for two devices with the same identity.",
    ),
    # Row 4: who is it
    Reason(
        "bad_identity",
        404,
        "The address holds no usable identity. It must be the last part of the path, right after the endpoint.",
    ),
    Reason("unknown_station", 404, "No station with this identity is registered. Accept it, or correct its identity."),
    # Row 5: security profile
    Reason(
        "profile_mismatch",
        403,
        "The station is registered with another security profile than the one it connects with.",
    ),
    # Row 6: password
    Reason("password_missing", 401, "The station sent no password, but its security profile asks for one."),
    Reason("password_unreadable", 401, "The Authorization header is not proper Basic authentication."),
    Reason("user_mismatch", 401, "The user name in the Authorization header is not the identity in the address."),
    Reason("password_wrong", 401, "The password is not the one that is stored for this station."),
    # Row 7: client certificate
    Reason("certificate_missing", 403, "The station is registered with security profile 3 but sent no certificate."),
    Reason("certificate_mismatch", 403, "The client certificate does not belong to this station."),
    # Rows 8 and 9: subprotocol
    Reason("no_subprotocol", 400, "The station names no OCPP version (Sec-WebSocket-Protocol), such as ocpp1.6."),
    Reason("subprotocol_unknown", 400, "None of the OCPP versions that the station names is supported."),
)

REASONS: Final = {reason.code: reason for reason in _TABLE}
