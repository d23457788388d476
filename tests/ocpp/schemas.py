"""The oracle: the JSON schemas that travel with the PyPI package `ocpp`, and payloads made from them.

Nothing here knows our message classes. A payload is drawn from a schema, so it says what the
specification allows; a mutant is a payload with one planted defect.
"""

import json
import string
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

from stationmaster.ocpp.v16 import V16

Payload = dict[str, Any]

MESSAGES = [(action, kind) for action in sorted(V16.actions) for kind in ("request", "response")]
"""Every message there is: 39 actions, each with a request and a response."""

_TEXT = st.text(string.ascii_letters + string.digits + " -_.:/é漢😀", max_size=25)
_TIMESTAMPS = st.sampled_from(
    ["2025-03-01T12:34:56.789Z", "1970-01-01T00:00:00Z", "2025-03-01T12:34:56+01:00", "2099-12-31T23:59:59Z"]
)


@cache
def schema(action: str, kind: str) -> dict[str, Any]:
    name = f"{action}.json" if kind == "request" else f"{action}Response.json"
    text = files("ocpp.v16").joinpath("schemas", name).read_text(encoding="utf-8-sig")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def _validator(action: str, kind: str) -> Any:
    return jsonschema_rs.validator_for(schema(action, kind))


def is_valid(action: str, kind: str, payload: object) -> bool:
    """Whether the schema takes a payload; formats are not looked at."""
    return bool(_validator(action, kind).is_valid(payload))


def payloads(action: str, kind: str) -> st.SearchStrategy[Payload]:
    """Payloads that the schema of a message allows, kept within what §2 and §3 of the handbook add."""
    whole = schema(action, kind)
    return _values(whole, whole, "")


def _values(node: dict[str, Any], whole: dict[str, Any], name: str) -> st.SearchStrategy[Any]:
    if "$ref" in node:
        return _values(whole["definitions"][node["$ref"].rpartition("/")[2]], whole, name)
    if "enum" in node:
        return st.sampled_from(node["enum"])
    match node["type"]:
        case "object":
            members = {key: _values(member, whole, key) for key, member in node.get("properties", {}).items()}
            required = node.get("required", [])
            return st.fixed_dictionaries(
                {key: members[key] for key in required},
                optional={key: value for key, value in members.items() if key not in required},
            )
        case "array":
            return st.lists(_values(node["items"], whole, name), min_size=max(node.get("minItems", 0), 1), max_size=3)
        case "integer":
            return st.integers(1, 2**31 - 1)
        case "number":
            return st.integers(-100_000, 100_000).map(lambda tenths: tenths / 10)
        case "boolean":
            return st.booleans()
        case _:
            return _texts(node, name)


def _texts(node: dict[str, Any], name: str) -> st.SearchStrategy[str]:
    match node.get("format"):
        case "date-time":
            return _TIMESTAMPS
        case "uri":
            return st.just("ftp://user:password@files.example.com/in")
    if name in ("location", "remoteLocation"):
        return st.just("https://files.example.com/in")
    longest = node.get("maxLength", 100)
    if name in ("key", "unknownKey"):
        return _TEXT.map(lambda text: text.strip()[:longest].strip())
    return st.one_of(_TEXT.map(lambda text: text[:longest]), st.just("x" * longest))


@dataclass(frozen=True)
class Mutant:
    """A payload with one defect; `codes` are the error codes that handbook 1.8 allows for it."""

    payload: object
    defect: str
    codes: frozenset[str]


_TYPE, _FORMATION, _PROPERTY = "TypeConstraintViolation", "FormationViolation", "PropertyConstraintViolation"
_PROTOCOL, _OCCURRENCE = "ProtocolError", "OccurenceConstraintViolation"


def mutants(payload: Payload) -> list[Mutant]:
    """Every payload that differs from a valid one by one common defect."""
    found: list[Mutant] = [
        Mutant(payload | {"vendorExtra": 1}, "extra field", frozenset({_FORMATION})),
        *(Mutant(odd, "not an object", frozenset({_FORMATION})) for odd in _NOT_OBJECTS),
    ]
    for path, value in list(_walk(payload)):
        for defect, code, change in _changes(path, value):
            mutant = deepcopy(payload)
            change(_container(mutant, path), path[-1])
            found.append(Mutant(mutant, f"{defect} at {path}", frozenset({code})))
    return found


def _walk(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    entries = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in entries:
        yield (*path, key), value
        if isinstance(value, dict | list):
            yield from _walk(value, (*path, key))


def _container(payload: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        payload = payload[key]
    return payload


_NOT_OBJECTS: list[object] = [[], "{}", 12, True]
Change = tuple[str, str, Callable[[Any, Any], None]]


def _put(value: object) -> Callable[[Any, Any], None]:
    def change(container: Any, key: Any) -> None:
        container[key] = value

    return change


def _remove(container: Any, key: Any) -> None:
    del container[key]


def _changes(path: tuple[Any, ...], value: object) -> list[Change]:
    changes: list[Change] = [("null", _TYPE, _put(None))]
    if isinstance(path[-1], str):
        changes.append(("missing", _PROTOCOL, _remove))
    match value:
        case bool():
            changes += [("text", _TYPE, _put("true")), ("number", _TYPE, _put(1))]
        case int() | float():
            changes += [("text", _TYPE, _put("12")), ("boolean", _TYPE, _put(True)), ("list", _TYPE, _put([1]))]
            fraction_code = _TYPE if isinstance(value, int) else _PROPERTY
            changes.append(("fraction", fraction_code, _put(12.34)))
        case str():
            changes += [("number", _TYPE, _put(12)), ("object", _TYPE, _put({}))]
            changes += [("too long", _PROPERTY, _put("y" * 10_001)), ("unknown", _PROPERTY, _put("Nonsense"))]
        case list():
            changes += [("text", _TYPE, _put("x")), ("empty", _OCCURRENCE, _put([]))]
        case dict():
            changes += [("text", _TYPE, _put("x")), ("list", _TYPE, _put([]))]
            changes.append(("extra field", _FORMATION, _put({**value, "vendorExtra": 1})))
    return changes
