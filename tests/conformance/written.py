"""A central system whose every word is written in the test: right or wrong, it says just that."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol


class Written:
    """One end of a conversation: `hears` what the station says and `says` any text."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def hears(self) -> Any:
        """The next frame, as JSON."""
        return msgspec.json.decode(await self.socket.recv())

    async def says(self, text: str) -> None:
        await self.socket.send(text)

    async def answers(self, payload: str) -> Any:
        """Wait for a CALL, answer it with this payload, return it."""
        call = await self.hears()
        await self.says(f'[3,"{call[1]}",{payload}]')
        return call


@asynccontextmanager
async def central_system(
    script: Callable[[Written], Awaitable[None]], *, refuse: int | None = None, seen: list[Request] | None = None
) -> AsyncIterator[str]:
    """Serve the script to every station; the URL to connect to. `refuse`: an HTTP status instead of an upgrade."""
    errors: list[BaseException] = []

    async def talk(socket: ServerConnection) -> None:
        try:
            await script(Written(socket))
            await socket.wait_closed()
        except BaseException as error:
            errors.append(error)
            raise

    def admit(socket: ServerConnection, request: Request) -> Response | None:
        if seen is not None:
            seen.append(request)
        return None if refuse is None else socket.respond(HTTPStatus(refuse), "no\n")

    async with serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], process_request=admit) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ocpp"
    assert not errors, errors
