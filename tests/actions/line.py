"""A station on the line: text in, text out, through a real session, without a socket.

It is the gateway's part of a conversation in a few lines, so that a test can read as a dialogue:

    await line.says("Authorize", idTag="A1")          # the station asks; returns our answer's payload
    line.will_answer("Reset", status="Accepted")      # how it answers when we ask
    line.heard                                        # what we asked, as (action, payload)
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Any, TypeVar

from stationmaster.actions.contract import Answer
from stationmaster.bus.subjects import command_of
from stationmaster.domain.facts import StationConnected, StationDisconnected
from stationmaster.domain.quirks import NO_QUIRKS, Quirks
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.ocpp.errors import OcppError
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallAnswered, CallFailed, CallReceived, CallSent, Effect, Send
from stationmaster.session.gate import Gate
from stationmaster.session.session import Session
from stationmaster.session.settings import SessionSettings, Side
from tests.services.node import Node

__all__ = ["SILENCE", "CallErrorHeard", "Line", "away", "connect", "connect_as"]

SILENCE = object()
L = TypeVar("L", bound="Line")
_connection_ids = count(1)


class CallErrorHeard(Exception):
    """We answered with a CALLERROR: (code, description)."""


class Line:
    """One connected station. Implements `actions.contract.StationConnection`."""

    def __init__(self, node: Node, record: Station, epoch: int) -> None:
        self.node = node
        self.record = record
        self.epoch = epoch
        self.memory: Any = None
        self.told_secrets: tuple[str, ...] = ()
        self.protocol_name = "ocpp1.6"
        self.security_profile = record.security_profile
        self.remote_address = "192.0.2.7"
        self.connection_id = next(_connection_ids)
        self.is_open = True
        self.quirks = NO_QUIRKS
        self.heard: list[tuple[str, Any]] = []
        self.order: list[str] = []
        """What went over the line in either direction, in a word each."""
        self._gate = Gate(record.operator_state, record.reported_state, accepted_before=record.accepted_before)
        self._session = Session(V16, Side.CSMS, SessionSettings(strict=record.strict), self._gate)
        self._answers: dict[str, list[Any]] = {}
        self._asked: dict[str, asyncio.Future[Any]] = {}
        self._calls: dict[str, tuple[asyncio.Future[Any], Callable[[Instant], None] | None]] = {}
        self._received: list[CallReceived] = []
        self._ids = 0
        self._unanswered: list[str] = []
        self.serving: AbstractAsyncContextManager[None] | None = None
        self.put_off: list[Callable[[], Awaitable[None]]] | None = None
        """Where what our answers cause is kept for later; None: it happens at once."""

    @property
    def station_id(self) -> str:
        return self.record.id

    @property
    def organisation_id(self) -> str:
        return self.record.organisation_id

    @property
    def strict(self) -> bool:
        return self.record.strict

    @property
    def gate(self) -> Gate:
        return self._gate

    @property
    def unanswered(self) -> int:
        """How many of our CALLs have not ended."""
        return len(self._calls)

    # The station's side.

    async def says(self, action: str, /, **payload: Any) -> Any:
        """The station asks; our answer's payload. Raises CallErrorHeard."""
        return await self.says_raw(action, json.dumps(payload))

    async def says_raw(self, action: str, payload: str) -> Any:
        """The same with a payload in the station's own writing. What our answer causes has happened on return."""
        self._ids += 1
        message_id = f"s{self._ids}"
        future = self._asked[message_id] = asyncio.get_running_loop().create_future()
        self.order.append(f">> {action}")
        self._carry_out(self._session.receive(f'[2,"{message_id}","{action}",{payload}]', self.node.clock()))
        while self._received:
            await self._handle(self._received.pop(0))
        return await future

    def will_answer(self, action: str, /, answer: Any = None, **payload: Any) -> None:
        """How the station answers our next CALL of this action: a payload, `SILENCE`, or (code, description)."""
        self._answers.setdefault(action, []).append(payload if answer is None else answer)

    def answers_late(self, answer: Any = None, **payload: Any) -> None:
        """The station answers the oldest of our CALLs about which it was silent."""
        self._reply(self._unanswered.pop(0), payload if answer is None else answer)

    def answer_to(self, action: str, payload: Any) -> Any:
        """The answer to one of our CALLs: what `will_answer` said, else silence."""
        script = self._answers.get(action) or [SILENCE]
        return script.pop(0)

    def hangs_up(self) -> None:
        """The connection ends."""
        self.is_open = False
        self._carry_out(self._session.closed(self.node.clock()))

    def passes_s(self, seconds: float) -> None:
        """Time passes, for the session too."""
        self.node.clock.pass_s(seconds)
        self._carry_out(self._session.tick(self.node.clock()))

    # What actions see.

    async def call(
        self,
        action: str,
        payload: Any,
        *,
        key: str,
        timeout_s: float | None = None,
        expires_at: Instant | None = None,
        priority: bool = False,
        on_sent: Callable[[Instant], None] | None = None,
    ) -> CallAnswered | CallFailed:
        future: asyncio.Future[CallAnswered | CallFailed] = asyncio.get_running_loop().create_future()
        self._calls[key] = (future, on_sent)
        self._carry_out(
            self._session.call(
                key,
                action,
                payload,
                self.node.clock(),
                message_id=f"c{len(self.heard) + len(self._calls)}-{key}"[:36],
                timeout_s=timeout_s,
                priority=priority,
                expires_at=expires_at,
            )
        )
        return await future

    def adopt(self, quirks: Quirks) -> None:
        self.quirks = quirks

    def cancel(self, key: str) -> None:
        self._carry_out(self._session.cancel(key, self.node.clock()))

    def close(self, code: int, reason: str) -> None:
        self.hangs_up()

    # Inside.

    async def _handle(self, call: CallReceived) -> None:
        try:
            answer: Answer = await self.node.actions.dispatch(self, call)
        except OcppError as error:
            self._carry_out(self._session.refuse(call.message_id, error, self.node.clock()))
            return
        self._carry_out(self._session.answer(call.message_id, answer.response, self.node.clock()))
        if answer.after is None:
            return
        if self.put_off is None:
            await answer.after()
        else:
            self.put_off.append(answer.after)

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self._sent(json.loads(effect.text))
                case CallReceived():
                    self._received.append(effect)
                case CallAnswered() | CallFailed():
                    self._calls.pop(effect.key)[0].set_result(effect)
                case CallSent():
                    on_sent = self._calls[effect.key][1]
                    if on_sent is not None:
                        on_sent(effect.at)

    def _sent(self, frame: list[Any]) -> None:
        kind, message_id, *rest = frame
        if kind == 2:
            action, payload = rest
            self.heard.append((action, payload))
            self.order.append(f"<< {action}")
            self._reply(message_id, self.answer_to(action, payload))
        elif kind == 3:
            self.order.append("<< answer")
            self._asked.pop(message_id).set_result(rest[0])
        else:
            self.order.append("<< error")
            self._asked.pop(message_id).set_exception(CallErrorHeard(rest[0], rest[1]))

    def _reply(self, message_id: str, answer: Any) -> None:
        if answer is SILENCE:
            self._unanswered.append(message_id)
            return
        frame = [4, message_id, *answer, {}] if isinstance(answer, tuple) else [3, message_id, answer]
        asyncio.get_running_loop().call_soon(
            lambda: self._carry_out(self._session.receive(json.dumps(frame), self.node.clock()))
        )


async def connect(node: Node, station_id: str = "CP7", **words: Any) -> Line:
    """A registered station that has connected; registers it first if there is none."""
    return await connect_as(Line, node, station_id, **words)


async def connect_as(kind: type[L], node: Node, station_id: str = "CP7", **words: Any) -> L:
    """The same, as a station of some kind."""
    record = await node.storage.stations.get(station_id) or await node.station(station_id, **words)
    line = kind(node, record, record.connection_epoch + 1)
    await node.storage.record(
        [
            StationConnected(
                organisation_id=record.organisation_id,
                station_id=record.id,
                received_at=node.clock(),
                connection_id=line.connection_id,
                node_id="node-a",
                epoch=line.epoch,
                remote_address=line.remote_address,
                protocol="ocpp1.6",
                security_profile=record.security_profile,
            )
        ]
    )
    node.at_the_end.append(line.hangs_up)

    async def handle(message: bytes) -> bytes:
        return await node.actions.handle_command(line, message)

    line.serving = node.bus.serve(command_of(record.id), handle, epoch=line.epoch)
    await line.serving.__aenter__()
    return line


async def away(line: Line) -> None:
    """The station goes, and its node has written that down."""
    line.hangs_up()
    await line.node.storage.record(
        [
            StationDisconnected(
                organisation_id=line.organisation_id,
                station_id=line.station_id,
                received_at=line.node.clock(),
                connection_id=line.connection_id,
                epoch=line.epoch,
                close_code=1006,
                reason="lost",
            )
        ]
    )
    assert line.serving is not None
    await line.serving.__aexit__(None, None, None)
