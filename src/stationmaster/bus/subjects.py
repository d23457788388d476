"""The subjects of the bus, and how an identity becomes one token of a subject.

OCPP identities may hold `*`, `.` and `|` (handbook §1.1), which mean something in a subject,
so everything but letters, digits, `-` and `_` is written as `%XX` of its UTF-8 bytes.
"""

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")

INVALIDATE = "stationmaster.v1.invalidate"
"""`messages_v1.Invalidate`: something that nodes keep in memory has changed."""

ALL_EVENTS = "stationmaster.v1.events.*"


def token_of(text: str) -> str:
    """`text` as one token of a subject; different texts give different tokens."""
    return _UNSAFE.sub(_escape, text) or "%"


def command_of(station_id: str) -> str:
    """The subject that the node which holds the station's socket serves."""
    return f"stationmaster.v1.station.{token_of(station_id)}.command"


def disconnect_of(node_id: str) -> str:
    """The subject on which a node is asked to end a conversation of its own (`messages_v1.Disconnect`)."""
    return f"stationmaster.v1.node.{token_of(node_id)}.disconnect"


def events_of(organisation_id: str) -> str:
    """The subject on which the events of an organisation are told."""
    return f"stationmaster.v1.events.{token_of(organisation_id)}"


ALL_SITES = "stationmaster.v1.site.*.*.news"


def site_news_of(organisation_id: str, site_id: str) -> str:
    """The subject on which the node that plans for a site hears what happens there."""
    return f"stationmaster.v1.site.{token_of(organisation_id)}.{token_of(site_id)}.news"


def matches(pattern: str, subject: str) -> bool:
    """Whether `subject` is meant by `pattern` (`*` is one token, a last `>` is one or more)."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, word in enumerate(wanted):
        if word == ">" and position == len(wanted) - 1:
            return len(given) > position
        if position >= len(given) or word not in ("*", given[position]):
            return False
    return len(wanted) == len(given)


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))
