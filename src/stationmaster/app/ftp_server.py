"""The FTP server, for stations that speak nothing else (handbook §3.9.3): one log-in, one job, one file.

The rule that shapes this file: nobody who logs in sees a disk. The user is a pass and the password is its
secret; what lies behind is one file to fetch, or an empty folder that takes one file. Data comes only from the
address that logged in. FTP carries passwords in clear, so what a password opens is worth little and soon nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath

import aioftp
from aioftp.common import Connection
from aioftp.server import AbstractUserManager

from stationmaster.app.config import FtpSettings
from stationmaster.app.ftp_files import PassFiles, PassUser
from stationmaster.services.files import FileService

__all__ = ["FtpServer"]

IDLE_TIMEOUT_S = 120
DATA_TIMEOUT_S = 60

_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_Found = tuple[AbstractUserManager.GetUserResponse, aioftp.User | None, str]


class _Passes(AbstractUserManager):
    """Passes as users."""

    def __init__(self, files: FileService, ended: Callable[[aioftp.User], None]) -> None:
        super().__init__(timeout=DATA_TIMEOUT_S)
        self._files = files
        self._ended = ended

    async def get_user(self, login: str) -> _Found:
        """Whatever the name, a password is asked for: only both together say whether there is such a pass."""
        return self.GetUserResponse.PASSWORD_REQUIRED, PassUser(login, self._files), "password required"

    async def authenticate(self, user: aioftp.User, password: str) -> bool:
        """Whether the password is the secret of the pass, and the pass is good."""
        return isinstance(user, PassUser) and await user.log_in(password)

    async def notify_logout(self, user: aioftp.User) -> None:
        """The connection has ended."""
        self._ended(user)


class _Server(aioftp.Server):
    """aioftp that lets only the address that logged in bring or fetch data."""

    async def _start_passive_server(self, connection: Connection, handler_callback: _Handler) -> asyncio.Server:
        async def only_the_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if writer.get_extra_info("peername")[0] != connection.client_host:
                writer.close()
                return
            await handler_callback(reader, writer)

        return await super()._start_passive_server(connection, only_the_client)

    async def stor(self, connection: Connection, rest: str | PurePosixPath, mode: str = "wb") -> bool:
        """Take a file from its beginning; a part of one cannot be put together."""
        if connection.restart_offset or mode != "wb":
            connection.response("550", "a file is brought from its beginning")
            return True
        return await super().stor(connection, rest, mode)

    async def appe(self, connection: Connection, rest: str | PurePosixPath) -> bool:
        """The same."""
        return await self.stor(connection, rest, "ab")

    def forget(self, user: aioftp.User) -> None:
        """Every log-in is a new user, of whom aioftp would keep a little for ever."""
        self.throttle_per_user.pop(user, None)


class FtpServer:
    """A server on one port; `passive_ports` of the settings are those that a firewall lets through."""

    def __init__(self, files: FileService, settings: FtpSettings, host: str) -> None:
        logging.getLogger("aioftp").setLevel(logging.WARNING)
        self._host = settings.host or host
        self._port = settings.port or 0
        self._server = _Server(
            _Passes(files, self._forget),
            idle_timeout=IDLE_TIMEOUT_S,
            socket_timeout=DATA_TIMEOUT_S,
            path_io_factory=PassFiles,
            maximum_connections=settings.connection_limit,
            ipv4_pasv_forced_response_address=settings.public_address,
            data_ports=_ports(settings.passive_ports),
            welcome_message="Stationmaster",
        )

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await self._server.start(self._host, self._port)

    async def stop(self) -> None:
        """Close every connection; what was on its way in is thrown away."""
        await self._server.close()

    def _forget(self, user: aioftp.User) -> None:
        self._server.forget(user)


def _ports(span: str) -> range | None:
    lowest, _, highest = span.partition("-")
    return range(int(lowest), int(highest) + 1) if span else None
