"""A deliberately wrong central system: a node, with somebody in the middle who changes what it says.

A `Mutation` sees each text on its way to the station, knows which CALL of the station it answers, and gives
back what is to be said instead. The handshake goes to the node first, so refusals stay refusals.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Payload = dict[str, Any]
Change = Callable[[Payload], Any]


@dataclass
class Mutation:
    """What is done to the frames of the central system; by default nothing."""

    def down(self, frame: list[Any], answers: str | None) -> list[list[Any]]:
        """The frames to be said instead of one; `answers` is the action of the station that it answers."""
        return [frame]


@dataclass
class Answer(Mutation):
    """The answer to an action has another payload."""

    action: str
    change: Change

    def down(self, frame: list[Any], answers: str | None) -> list[list[Any]]:
        if frame[0] == 3 and answers == self.action:
            changed = self.change(frame[2])
            return [[3, frame[1], frame[2] if changed is None else changed]]
        return [frame]


@dataclass
class Refusal(Mutation):
    """An action is answered with a CALLERROR."""

    action: str

    def down(self, frame: list[Any], answers: str | None) -> list[list[Any]]:
        if frame[0] == 3 and answers == self.action:
            return [[4, frame[1], "NotSupported", "", {}]]
        return [frame]


@dataclass
class Wish(Mutation):
    """A request of the central system has another payload."""

    action: str
    change: Change

    def down(self, frame: list[Any], answers: str | None) -> list[list[Any]]:
        if frame[0] == 2 and frame[2] == self.action:
            changed = self.change(frame[3])
            return [[2, frame[1], frame[2], frame[3] if changed is None else changed]]
        return [frame]


@dataclass
class Other(Mutation):
    """The central system sends something else than it was asked to."""

    action: str
    instead: str

    def down(self, frame: list[Any], answers: str | None) -> list[list[Any]]:
        if frame[0] == 2 and frame[2] == self.action:
            return [[2, frame[1], self.instead, {}]]
        return [frame]


@dataclass
class Surprise(Mutation):
    """After a request nobody asked for another one comes."""

    action: str

    def down(self, frame: list[Any], answers: str | None) -> list[list[Any]]:
        if frame[0] == 2 and frame[2] == self.action:
            return [frame, [2, "surprise", "GetConfiguration", {}]]
        return [frame]


@dataclass
class Late(Mutation):
    """The same after the answer to an action of the station, when its dialogue may be over."""

    action: str

    def down(self, frame: list[Any], answers: str | None) -> list[list[Any]]:
        if frame[0] == 3 and answers == self.action:
            return [frame, [2, "surprise", "GetConfiguration", {}]]
        return [frame]


@dataclass
class Lenient(Mutation):
    """The door lets in whom the node would not: any subprotocol will do; `authorize`: and no password."""

    authorize: bool = False


@dataclass
class Trigger(Mutation):
    """The button that renews a certificate sends another trigger."""

    payload: Payload


@dataclass
class Suites(Mutation):
    """The TLS listener has but two of the four suites, and lets nobody in."""

    suites: ClassVar[str] = "ECDHE+AESGCM"


@dataclass
class Wrong:
    """What is wrong now; `authorization` is what the door says for whom it lets in without a password."""

    now: Mutation = field(default_factory=Mutation)
    authorization: str = ""


def put(*path: str, value: Any) -> Change:
    """Set a member, however deep."""

    def change(payload: Payload) -> None:
        place: Any = payload
        for name in path[:-1]:
            place = place[int(name)] if isinstance(place, list) else place[name]
        if isinstance(place, list):
            place[int(path[-1])] = value
        else:
            place[path[-1]] = value

    return change


def drop(*path: str) -> Change:
    """Leave a member out."""

    def change(payload: Payload) -> None:
        place: Any = payload
        for name in path[:-1]:
            place = place[int(name)] if isinstance(place, list) else place[name]
        del place[path[-1]]

    return change


@asynccontextmanager
async def wrong_system(upstream: str, wrong: Wrong) -> AsyncIterator[str]:
    """The URL where the wrong system listens; `upstream` is the right one's, without a path."""
    made: dict[ServerConnection, ClientConnection] = {}

    async def at_the_door(socket: ServerConnection, request: Request) -> Response | None:
        offered = [
            each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if each.strip()
        ]
        headers = {"Authorization": request.headers["Authorization"]} if "Authorization" in request.headers else {}
        if isinstance(wrong.now, Lenient):
            offered = ["ocpp1.6"]
            if wrong.now.authorize:
                headers = headers or {"Authorization": wrong.authorization}
        try:
            made[socket] = await connect(
                f"{upstream}{request.path}",
                subprotocols=[Subprotocol(each) for each in offered] or None,
                additional_headers=headers,
                proxy=None,
                compression=None,
            )
        except InvalidStatus as refused:
            return socket.respond(HTTPStatus(refused.response.status_code), "refused")
        return None

    async def between(socket: ServerConnection) -> None:
        await _carry(socket, made.pop(socket), wrong.now)

    def choose(_socket: ServerConnection, offered: Any) -> Any:
        return offered[0] if isinstance(wrong.now, Lenient) else ("ocpp1.6" if "ocpp1.6" in offered else None)

    async with serve(
        between,
        "127.0.0.1",
        0,
        process_request=at_the_door,
        subprotocols=[Subprotocol("ocpp1.6")],
        select_subprotocol=choose,
        compression=None,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


async def _carry(socket: ServerConnection, central: ClientConnection, mutation: Mutation) -> None:
    """Carry texts both ways until one side has enough."""
    asked: dict[str, str] = {}

    async def up() -> None:
        async for text in socket:
            frame = json.loads(text)
            if frame[0] == 2:
                asked[frame[1]] = frame[2]
            if frame[1] != "surprise":
                await central.send(text)

    async def down() -> None:
        async for text in central:
            frame = json.loads(text)
            for said in mutation.down(frame, asked.get(frame[1]) if frame[0] != 2 else None):
                await socket.send(json.dumps(said))

    tasks = [asyncio.create_task(up()), asyncio.create_task(down())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(ConnectionClosed):
        await asyncio.gather(*tasks, return_exceptions=True)
    await central.close()
