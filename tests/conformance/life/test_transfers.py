"""Firmware, diagnostics and logs travel over HTTP, really."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from stationmaster.conformance.life.transfers import download, upload
from stationmaster.instants import format_instant
from tests.conformance.life.test_living_station import booted, charging, living


class Files(ThreadingHTTPServer):
    """Gives an image to whoever asks for /firmware, takes everything below /inbox, refuses the rest."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.inbox: dict[str, bytes] = {}
        self.asked = 0
        self.failures = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Files

    def do_GET(self) -> None:
        self.server.asked += 1
        if not self.path.startswith("/firmware") or self.server.failures:
            self.server.failures = max(0, self.server.failures - 1)
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"\x7f" * 100_000)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.startswith("/inbox/"):
            self.send_error(403)
            return
        self.server.inbox[self.path] = content
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def files() -> Iterator[Files]:
    server = Files()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_an_image_is_fetched_installed_and_booted(files: Files) -> None:
    async with living() as (central, station):
        await booted(central)
        await charging(central)
        request = {"location": f"{files.url}/firmware/5.bin", "retrieveDate": format_instant(station.clock.now())}
        assert await central.ask("UpdateFirmware", request) == {}
        await central.hears("FirmwareStatusNotification", status="Downloaded")
        await central.ask("RemoteStopTransaction", {"transactionId": 1})
        await central.hears("FirmwareStatusNotification", status="Installed")
        statuses = [payload["status"] for payload in central.payloads("FirmwareStatusNotification")]
        assert statuses == ["Downloading", "Downloaded", "Installing", "Installed"]
        assert [payload["firmwareVersion"] for payload in central.payloads("BootNotification")] == ["4.2.1", "4.2.2"]
        assert files.asked == 1


async def test_an_image_that_is_not_there_is_asked_for_again_and_then_given_up(files: Files) -> None:
    async with living() as (central, station):
        await booted(central)
        now = format_instant(station.clock.now())
        request = {"location": f"{files.url}/nothing", "retrieveDate": now, "retries": 2, "retryInterval": 10}
        await central.ask("UpdateFirmware", request)
        await central.hears("FirmwareStatusNotification", status="DownloadFailed")
        assert files.asked == 3
        assert len(central.payloads("BootNotification")) == 1


async def test_diagnostics_arrive_under_the_name_that_was_told(files: Files) -> None:
    async with living() as (central, _):
        await booted(central)
        answer = await central.ask("GetDiagnostics", {"location": f"{files.url}/inbox"})
        await central.hears("DiagnosticsStatusNotification", status="Uploaded")
        assert b"LI00000001" in files.inbox[f"/inbox/{answer['fileName']}"]
        await central.ask("GetDiagnostics", {"location": "ftp://127.0.0.1/inbox"})
        await central.hears("DiagnosticsStatusNotification", status="UploadFailed")


async def test_a_log_carries_the_id_of_its_request(files: Files) -> None:
    async with living() as (central, _):
        await booted(central)
        log = {"remoteLocation": f"{files.url}/inbox/"}
        answer = await central.ask("GetLog", {"logType": "SecurityLog", "requestId": 12, "log": log})
        await central.hears("LogStatusNotification", status="Uploaded", requestId=12)
        assert f"/inbox/{answer['filename']}" in files.inbox
        refused = {"remoteLocation": f"{files.url}/outbox"}
        await central.ask("GetLog", {"logType": "SecurityLog", "requestId": 13, "log": refused})
        await central.hears("LogStatusNotification", status="UploadFailure", requestId=13)


async def test_trouble_is_told_in_words(files: Files) -> None:
    with pytest.raises(OSError, match="404"):
        await download(f"{files.url}/nothing")
    with pytest.raises(OSError, match="403"):
        await upload(f"{files.url}/outbox", "name", b"content")
    with pytest.raises(OSError, match="speaks only http, https"):
        await download("ftp://example.com/firmware.bin")
    with pytest.raises(OSError, match=r"attempts failed|refused"):
        await download("http://127.0.0.1:9/firmware.bin")
