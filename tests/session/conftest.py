"""Words that the dialogues of this folder share."""

from collections.abc import Callable
from typing import Any

import pytest

from stationmaster.instants import Instant
from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import Effect
from stationmaster.session.gate import Gate
from stationmaster.session.session import Session
from stationmaster.session.settings import SessionSettings, Side
from tests.playbook import Playbook

Step = Callable[[Session, Instant], list[Effect]]


def central(gate: Gate | None = None, **settings: Any) -> Playbook:
    """A dialogue in which we are the CSMS."""
    return Playbook(Session(V16, Side.CSMS, SessionSettings(**settings), gate))


def station(**settings: Any) -> Playbook:
    """A dialogue in which we are the station."""
    return Playbook(Session(V16, Side.STATION, SessionSettings(**settings)))


def answer(message_id: str | int, action: str, **fields: Any) -> Step:
    """The handler answers."""
    return lambda session, now: session.answer(message_id, V16.actions[action].response(**fields), now)


def refuse(message_id: str | int, code: ErrorCode, description: str = "") -> Step:
    """The handler refuses."""
    return lambda session, now: session.refuse(message_id, OcppError(code, description), now)


def call(key: str, action: str, payload: dict[str, Any] | None = None, **options: Any) -> Step:
    """Somebody wants to ask the peer. The message id is the key unless the test says otherwise."""
    request = V16.check_outgoing(action, payload or {})
    options.setdefault("message_id", key)
    return lambda session, now: session.call(key, action, request, now, **options)


def closed(session: Session, now: Instant) -> list[Effect]:
    """The connection ends."""
    return session.closed(now)


@pytest.fixture
def play() -> Playbook:
    """We are the CSMS, with every setting at its default."""
    return central()
