"""What a person sees who starts a node: where it is, what to type into a station, and the first key."""

import socket

from stationmaster import __version__
from stationmaster.app.node import Node

__all__ = ["banner", "reachable_host"]

_ANY = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to
_NOWHERE = ("192.0.2.1", 9)
"""An address of no machine (RFC 5737): nothing is sent there, the system only says from where it would be."""


def banner(node: Node) -> str:
    """The lines, with the key if it is the very first start."""
    settings = node.settings
    people = reachable_host(settings.http.host or settings.node.host)
    stations = reachable_host(settings.ocpp.host or settings.node.host)
    lines = [
        f"Stationmaster {__version__} is up.",
        "",
        f"  Open in a browser        http://{_in_url(people)}:{node.http_port}/",
        f"  Type into a station      {node.ocpp_url(stations)}/STATION-ID",
        f"  Documents of the API     http://{_in_url(people)}:{node.http_port}/api/v1/docs",
    ]
    if settings.ocpp.accept_unknown:
        lines += ["", "  Every station that comes without TLS is let in, registered or not (ocpp.accept_unknown)."]
    if node.first_key is not None:
        lines += [
            "",
            "  This is the first start. Sign in as `admin` with this password, which is an API key too.",
            "  It is shown only this once:",
            "",
            f"    {node.first_key}",
        ]
    elif node.nobody_can_sign_in:
        lines += [
            "",
            "  There are API keys, but nobody can sign in yet: `stationmaster user create NAME --role admin`.",
        ]
    return "\n".join(["", *lines, ""])


def reachable_host(host: str) -> str:
    """The address by which others probably reach a socket that is bound to `host`."""
    if host not in _ANY:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_NOWHERE)
            address: str = probe.getsockname()[0]
        except OSError:
            return "localhost"
    return address


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
