"""permessage-deflate, if a station offers it and the listener agrees (handbook §1.12, RFC 7692).

Both directions forget their dictionary after each message, so an idle station that compresses costs
no more memory than one that does not; a message that would inflate beyond the limit closes with 1009.
"""

from typing import Final

from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.headers import build_extension, parse_extension

__all__ = ["agree_on_compression"]

_FACTORY: Final = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=12,
    client_max_window_bits=12,
    compress_settings={"memLevel": 5},
)


def agree_on_compression(offers: tuple[str, ...]) -> tuple[PerMessageDeflate, str] | None:
    """The extension and the header that answers the `Sec-WebSocket-Extensions` values; None without a usable offer."""
    for value in offers:
        try:
            extensions = parse_extension(value)
        except InvalidHeader:
            continue
        for name, parameters in extensions:
            if name != _FACTORY.name:
                continue
            try:
                agreed, deflate = _FACTORY.process_request_params(parameters, [])
            except NegotiationError:
                continue
            return deflate, build_extension([(name, agreed)])
    return None
