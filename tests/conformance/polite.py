"""A central system that says yes to everything and holds each word of a station against the published schemas.

Independent of ours on purpose: it knows the wire and the schemas of the PyPI package `ocpp`.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.ocpp.schemas import is_valid

NOW = "2025-03-01T12:34:56.789Z"


@dataclass
class Polite:
    """What was said, and what is answered.

    `statuses` overrides the status of a tag or of a boot; while it is not `open` it sends everybody away.
    """

    url: str = ""
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)
    open: bool = True
    connections: int = 0
    paths: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    _socket: ServerConnection | None = None
    _waiting: dict[str, "asyncio.Future[list[Any]]"] = field(default_factory=dict)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _transaction_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _message_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    # What the test does.

    async def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a CALL; the payload of the answer, which must keep to the schema."""
        assert is_valid(action, "request", payload), f"the test itself is wrong: {action} {payload}"
        answer = await self._exchange(action, payload)
        assert answer[0] == 3, answer
        assert is_valid(action, "response", answer[2]), (action, answer[2])
        return dict(answer[2])

    async def refused(self, action: str, payload: dict[str, Any]) -> str:
        """Send a CALL that is answered with a CALLERROR; its code."""
        answer = await self._exchange(action, payload)
        assert answer[0] == 4, answer
        return str(answer[2])

    async def hears(self, action: str, after: int = 0, **members: Any) -> dict[str, Any]:
        """Wait until this was said, after the first `after` messages, with these members; the payload."""

        def found() -> dict[str, Any] | None:
            for said, payload in self.said[after:]:
                if said == action and all(payload.get(name) == value for name, value in members.items()):
                    return payload
            return None

        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: found() is not None)
        payload = found()
        assert payload is not None
        return payload

    def payloads(self, action: str) -> list[dict[str, Any]]:
        return [payload for said, payload in self.said if said == action]

    async def _exchange(self, action: str, payload: dict[str, Any]) -> list[Any]:
        assert self._socket is not None
        message_id = f"c{next(self._message_ids)}"
        answered: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = answered
        await self._socket.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(10):
            return await answered

    async def drop(self) -> None:
        """Lose the connection."""
        assert self._socket is not None
        self._socket.transport.abort()

    # What the station sees.

    async def talk(self, socket: ServerConnection) -> None:
        if not self.open:
            await socket.close(1013)
            return
        self.connections += 1
        assert socket.request is not None
        self.paths.append(socket.request.path)
        self.authorizations.append(socket.request.headers.get("Authorization"))
        self._socket = socket
        try:
            async for text in socket:
                message = json.loads(text)
                if message[0] == 2:
                    await self._answer(socket, message)
                else:
                    self._waiting.pop(message[1]).set_result(message)
        except ConnectionClosed:
            pass

    async def _answer(self, socket: ServerConnection, call: list[Any]) -> None:
        _, message_id, action, payload = call
        if not is_valid(action, "request", payload):
            self.faults.append(f"{action} {payload}")
        answer = self._payload(action, payload)
        if not is_valid(action, "response", answer):
            self.faults.append(f"the test itself: {action} {answer}")
        await socket.send(json.dumps([3, message_id, answer]))
        async with self._news:
            self.said.append((action, payload))
            self._news.notify_all()

    def _payload(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        info = {"idTagInfo": {"status": self.statuses.get(payload.get("idTag", ""), "Accepted")}}
        match action:
            case "BootNotification":
                return {"status": self.statuses.get("boot", "Accepted"), "currentTime": NOW, "interval": 300}
            case "Heartbeat":
                return {"currentTime": NOW}
            case "Authorize":
                return info
            case "StartTransaction":
                return info | {"transactionId": next(self._transaction_ids)}
        return {}


@asynccontextmanager
async def polite_central_system() -> AsyncIterator[Polite]:
    """A polite central system on a free port; at the end nothing that it heard may have broken a schema."""
    polite = Polite()
    async with serve(polite.talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        polite.url = f"ws://127.0.0.1:{port}/ocpp"
        yield polite
    assert not polite.faults, polite.faults
