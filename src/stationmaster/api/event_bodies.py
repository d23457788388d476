"""Events as clients get them: a fact in the words of the API.

Times become text, the JSON that facts carry as text becomes JSON, and a place on a station is told
as `evse_id` and `connector_id`.
"""

from typing import Any

import msgspec

from stationmaster.api.places import connector_number
from stationmaster.bus.messages_v1 import Event
from stationmaster.instants import format_instant
from stationmaster.storage.committed import StoredEvent

__all__ = ["event_of", "in_api_words"]

_JSON_MEMBERS = frozenset({"payload", "response", "progress"})
_TOLD_OUTSIDE = frozenset({"organisation_id", "station_id"})
LARGEST_NUMBER = 2**53 - 1
_encoder = msgspec.json.Encoder()


def event_of(stored: StoredEvent) -> Event:
    """The event that is sent; `id` is text there, since it does not fit the numbers of JavaScript."""
    body = {
        "id": str(stored.id),
        "type": stored.type,
        "station_id": stored.station_id,
        "at": format_instant(stored.received_at),
        "data": in_api_words(stored.data),
    }
    site_id = stored.data.get("site_id") if stored.type.startswith("site.") else None
    return Event(
        id=stored.id, type=stored.type, station_id=stored.station_id, body=_encoder.encode(body), site_id=site_id
    )


def in_api_words(data: dict[str, Any]) -> dict[str, Any]:
    """The members of a fact, as the API names and writes them."""
    told: dict[str, Any] = {}
    for name, value in data.items():
        if name in _TOLD_OUTSIDE:
            continue
        if name == "location" and isinstance(value, dict):
            evse_id = value.get("evse_id")
            told["evse_id"] = evse_id
            told["connector_id"] = connector_number(data.get("protocol"), evse_id, value.get("connector_id"))
        elif name.endswith("_at") and isinstance(value, int):
            told[name] = format_instant(value)
        elif name in _JSON_MEMBERS and isinstance(value, str):
            told[name] = _parsed(value)
        else:
            told[name] = _inside(value)
    return told


def _safe(value: Any) -> Any:
    """Ids of ours that do not fit the numbers of JavaScript are text, as everywhere in the API."""
    too_long = isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_NUMBER
    return str(value) if too_long else value


def _inside(value: Any) -> Any:
    """Times further in are written in the same way."""
    if isinstance(value, list):
        return [_inside(each) for each in value]
    if isinstance(value, dict):
        return {
            name: format_instant(each) if name.endswith("_at") and isinstance(each, int) else _inside(each)
            for name, each in value.items()
        }
    return _safe(value)


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
