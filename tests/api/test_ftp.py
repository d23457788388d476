"""Files really travel over FTP, with the client of the standard library: fetched, resumed, brought, refused."""

import asyncio
import ftplib
import shutil
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.api.conftest import Client, NodeThread, client_of, connected, eventually, settings_of
from tests.api.test_files import IMAGE, diagnostics, expire, files_of, image, on_disk, update
from tests.walks.running import free_port


@pytest.fixture(scope="module")
def ftp_thread(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A node with an FTP server, which takes files of at most one MiB."""
    data = tmp_path_factory.mktemp("ftp")
    file = shutil.copy(sqlite_template, data)
    running = NodeThread(settings_of(data, f"sqlite:///{file}", ftp__port=free_port(), files__upload_limit_mib=1))
    yield running
    running.stop()


@pytest.fixture
async def api(ftp_thread: NodeThread) -> AsyncIterator[Client]:
    _, key = ftp_thread.new_organisation()
    async with client_of(ftp_thread.node, key) as client:
        yield client


class Place:
    """An address that a station was told, used with the client of the standard library."""

    def __init__(self, location: str) -> None:
        parts = urlsplit(location)
        assert parts.scheme == "ftp"
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.user, self.password, self.name = parts.username or "", parts.password or "", unquote(parts.path[1:])

    def log_in(self, user: str | None = None, password: str | None = None) -> ftplib.FTP:
        """A connection that is logged in. Raises `ftplib.error_perm`."""
        ftp = ftplib.FTP(timeout=10)  # noqa: S321 - it is what old stations speak
        ftp.connect(self.host, self.port)
        try:
            ftp.login(self.user if user is None else user, self.password if password is None else password)
        except ftplib.Error:
            ftp.close()
            raise
        return ftp

    def fetch(self, start: int | None = None) -> bytes:
        """The file, from `start` on."""
        blocks: list[bytes] = []
        with self.log_in() as ftp:
            ftp.retrbinary(f"RETR {self.name}", blocks.append, rest=start)
        return b"".join(blocks)

    def begin_fetching(self, count: int) -> bytes:
        """The first bytes of the file, and then the line is cut."""
        with self.log_in() as ftp, ftp.transfercmd(f"RETR {self.name}") as data:
            first = data.makefile("rb").read(count)
            ftp.close()
            return first


async def test_a_station_fetches_firmware_once(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station:
        location, job = await update(api, station, firmware_id=made["id"], transfer="ftp", retries=0)
        place = Place(location)
        assert place.password not in str(await api.get(f"/jobs/{job['id']}"))

        def once() -> None:
            with place.log_in() as ftp:
                assert [name for name, _ in ftp.mlsd()] == [place.name]
                ftp.retrbinary(f"RETR {place.name}", blocks.append)
                with pytest.raises(ftplib.error_perm):
                    ftp.retrbinary(f"RETR {place.name}", blocks.append)
            with pytest.raises(ftplib.error_perm):
                place.log_in()

        blocks: list[bytes] = []
        await asyncio.to_thread(once)
        assert b"".join(blocks) == IMAGE


async def test_a_download_that_broke_off_goes_on_where_it_was(api: Client) -> None:
    made = await image(api, IMAGE * 8)
    async with connected(api) as station:
        location, _ = await update(api, station, firmware_id=made["id"], transfer="ftp", retries=0)
        place = Place(location)
        first = await asyncio.to_thread(place.begin_fetching, 1000)
        rest = await asyncio.to_thread(place.fetch, len(first))
        assert first + rest == IMAGE * 8


async def test_a_station_brings_one_file_and_sees_nothing(api: Client) -> None:
    content = b"log line\n" * 100_000

    def bring(place: Place) -> None:
        with place.log_in() as ftp:
            assert list(ftp.mlsd()) == []
            ftp.mkd("logs")
            ftp.cwd("logs")
            assert ftp.storbinary("STOR ../../../d.log", BytesIO(content)).startswith("226")
            for name in ("d.log", "/d.log", "/etc/passwd"):
                with pytest.raises(ftplib.error_perm):
                    ftp.retrbinary(f"RETR {name}", lambda _: None)
            with pytest.raises(ftplib.error_perm):
                ftp.storbinary("STOR second.log", BytesIO(content))
        with pytest.raises(ftplib.error_perm):
            place.log_in()

    async with connected(api) as station:
        location, job = await diagnostics(api, station, transfer="ftp")
        await asyncio.to_thread(bring, Place(location))
        [stored] = await files_of(api, job)
        assert (stored["name"], stored["size_bytes"]) == ("d.log", len(content))


async def test_what_is_not_allowed_is_not_done(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station:
        fetch = Place((await update(api, station, firmware_id=made["id"], transfer="ftp"))[0])
        bring = Place((await diagnostics(api, station, transfer="ftp"))[0])
        await asyncio.to_thread(try_everything, fetch, bring)


def try_everything(fetch: Place, bring: Place) -> None:
    wrong = [("nobody", "x"), (fetch.user, ""), (fetch.user, bring.password), (bring.user, fetch.password)]
    for user, password in [*wrong, ("anonymous", "a@b"), ("", "")]:
        with pytest.raises(ftplib.error_perm):
            fetch.log_in(user, password)
    for place in (fetch, bring):
        with place.log_in() as ftp:
            assert ftp.pwd() == "/"
            for command in ("DELE x", "RMD /", "RNFR x", "CWD ..//../etc"):
                with pytest.raises((ftplib.error_perm, ftplib.error_temp)):
                    ftp.voidcmd(command)
            with pytest.raises(ftplib.error_perm):
                ftp.retrbinary("RETR ../../../../etc/passwd", lambda _: None)
    for place, command in ((fetch, "STOR x"), (fetch, "APPE x"), (bring, "APPE x")):
        with place.log_in() as ftp, pytest.raises(ftplib.error_perm):
            ftp.storbinary(command, BytesIO(b"x"))
    with bring.log_in() as ftp, pytest.raises(ftplib.error_perm):
        ftp.storbinary("STOR x", BytesIO(b"x"), rest=5)
    with bring.log_in() as ftp:
        assert ftp.storbinary("STOR x.log", BytesIO(b"x")).startswith("226")


async def test_a_file_over_the_cap_leaves_nothing_and_one_that_fits_is_taken(api: Client) -> None:
    def bring(place: Place, size: int) -> str:
        with place.log_in() as ftp:
            return ftp.storbinary("STOR d.log", BytesIO(b"x" * size))

    async with connected(api) as station:
        location, job = await diagnostics(api, station, transfer="ftp")
        before = on_disk(api)
        with pytest.raises((ftplib.Error, OSError)):
            await asyncio.to_thread(bring, Place(location), 1024 * 1024 + 1)

        async def as_before() -> bool:
            return on_disk(api) == before

        await eventually(as_before)
        assert await files_of(api, job) == []
        assert (await asyncio.to_thread(bring, Place(location), 1024 * 1024)).startswith("226")
        assert len(await files_of(api, job)) == 1


async def test_nobody_logs_in_when_the_time_or_the_job_is_over(api: Client, ftp_thread: NodeThread) -> None:
    made = await image(api)
    async with connected(api) as station:
        fetch = Place((await update(api, station, firmware_id=made["id"], transfer="ftp"))[0])
        bring = Place((await diagnostics(api, station, transfer="ftp"))[0])
        (await asyncio.to_thread(bring.log_in)).close()
        await station.call("DiagnosticsStatusNotification", {"status": "UploadFailed"})
        with pytest.raises(ftplib.error_perm):
            await asyncio.to_thread(bring.log_in)
        (await asyncio.to_thread(fetch.log_in)).close()
        await expire(api, ftp_thread, station)
        with pytest.raises(ftplib.error_perm):
            await asyncio.to_thread(fetch.log_in)


async def test_a_connection_that_breaks_leaves_nothing(api: Client) -> None:
    async with connected(api) as station:
        location, job = await diagnostics(api, station, transfer="ftp")
        before = on_disk(api)
        ftp = await asyncio.to_thread(Place(location).log_in)
        data = await asyncio.to_thread(ftp.transfercmd, "STOR d.log")
        await asyncio.to_thread(data.sendall, b"x" * 400_000)

        async def coming() -> bool:
            return len(on_disk(api)) > len(before)

        async def as_before() -> bool:
            return on_disk(api) == before

        await eventually(coming)
        ftp.close()
        await eventually(as_before)
        data.close()
        assert await files_of(api, job) == []


async def test_a_station_that_says_it_speaks_only_ftp_is_told_an_ftp_address(api: Client) -> None:
    async with connected(api) as station:
        asked = asyncio.create_task(api.post(f"/stations/{station.identity}/commands/GetConfiguration", {}, 200))
        keys = [{"key": "SupportedFileTransferProtocols", "readonly": True, "value": "FTP, FTPS"}]
        await station.obey("GetConfiguration", {"configurationKey": keys})
        await asked
        location, _ = await diagnostics(api, station)
        assert location.startswith("ftp://")
