"""Firmware and diagnostics with a station made with the client of the PyPI package `ocpp` (handbook §5.5).

The files really travel: the station fetches the image, part by part, and brings its diagnostics.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import (
    Action,
    ChargePointErrorCode,
    ChargePointStatus,
    DiagnosticsStatus,
    FirmwareStatus,
    RegistrationStatus,
)
from websockets.asyncio.client import connect
from websockets.headers import build_authorization_basic
from websockets.typing import Subprotocol

from tests.walks.handlers import after, on
from tests.walks.running import PASSWORD, Api, NodeProcess

IMAGE = b"firmware " * 60_000
LOG = b"a line of the log\n" * 20_000
PART = 200_000


class UpdatingStation(ChargePoint):  # type: ignore[misc]  # the package has no types
    """A station that updates itself and brings its diagnostics; `plan` says what goes wrong."""

    def __init__(self, identity: str, socket: Any, plan: set[str], version: str = "1.0") -> None:
        super().__init__(identity, socket, response_timeout=20)
        self.plan = plan
        self.version = version
        self.fetched = b""
        self.ended = asyncio.Event()
        self.rebooting = asyncio.Event()

    async def boot(self) -> None:
        answer = await self.call(
            call.BootNotification(
                charge_point_model="Foreign", charge_point_vendor="Elsewhere", firmware_version=self.version
            )
        )
        assert answer.status == RegistrationStatus.accepted
        await self.status(ChargePointStatus.available)

    async def status(self, status: ChargePointStatus) -> None:
        for connector_id in (0, 1):
            await self.call(
                call.StatusNotification(
                    connector_id=connector_id, error_code=ChargePointErrorCode.no_error, status=status
                )
            )

    async def firmware(self, status: FirmwareStatus) -> None:
        await self.call(call.FirmwareStatusNotification(status=status))

    async def diagnostics(self, status: DiagnosticsStatus) -> None:
        await self.call(call.DiagnosticsStatusNotification(status=status))

    @on(Action.update_firmware)
    def on_update_firmware(self, location: str, retrieve_date: str, **_: Any) -> Any:
        return call_result.UpdateFirmware()

    @after(Action.update_firmware)
    async def after_update_firmware(self, location: str, **_: Any) -> None:
        await self.firmware(FirmwareStatus.downloading)
        if "no download" in self.plan:
            await self.firmware(FirmwareStatus.download_failed)
            self.ended.set()
            return
        await self._fetch(location)
        await self.firmware(FirmwareStatus.downloaded)
        await self.status(ChargePointStatus.unavailable)
        await self.firmware(FirmwareStatus.installing)
        self.rebooting.set()

    async def _fetch(self, location: str) -> None:
        """Part by part, as a station with little memory does."""
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            size = int((await client.head(location)).headers["content-length"])
            while len(self.fetched) < size:
                start = len(self.fetched)
                answer = await client.get(location, headers={"Range": f"bytes={start}-{start + PART - 1}"})
                assert answer.status_code == 206
                self.fetched += answer.content

    @on(Action.get_diagnostics)
    def on_get_diagnostics(self, location: str, **_: Any) -> Any:
        return call_result.GetDiagnostics(file_name="foreign.log")

    @after(Action.get_diagnostics)
    async def after_get_diagnostics(self, location: str, **_: Any) -> None:
        await self.diagnostics(DiagnosticsStatus.uploading)
        if "no upload" in self.plan:
            await self.diagnostics(DiagnosticsStatus.upload_failed)
        else:
            async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
                answer = await client.post(location, files={"file": ("foreign.log", LOG)})
                assert answer.status_code == 201
            await self.diagnostics(DiagnosticsStatus.uploaded)
        self.ended.set()


@asynccontextmanager
async def running(node: NodeProcess, identity: str, plan: set[str], version: str) -> AsyncIterator[UpdatingStation]:
    """The station on its own connection, with its loop running."""
    async with connect(
        f"{node.url}/{identity}",
        subprotocols=[Subprotocol("ocpp1.6")],
        additional_headers={"Authorization": build_authorization_basic(identity, PASSWORD)},
        proxy=None,
    ) as socket:
        station = UpdatingStation(identity, socket, plan, version)
        listening = asyncio.create_task(station.start())
        try:
            await station.boot()
            yield station
        finally:
            await socket.close()
            await asyncio.gather(listening, return_exceptions=True)


async def new_image(api: Api) -> Any:
    answer = await api.client.post("/firmware/upload", files={"file": ("fw.bin", IMAGE)}, data={"version": "2.0"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["sha256"] == hashlib.sha256(IMAGE).hexdigest()
    return made


async def update(node: NodeProcess, api: Api, plan: set[str]) -> Any:
    """An update to its end, over the reboot; the job."""
    identity, made = await api.station(), await new_image(api)
    async with running(node, identity, plan, "1.0") as station:
        job = await api.post(f"/stations/{identity}/firmware-updates", {"firmware_id": made["id"]})
        ends = [asyncio.create_task(event.wait()) for event in (station.rebooting, station.ended)]
        await asyncio.wait(ends, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        for each in ends:
            each.cancel()
        if station.ended.is_set():
            return await api.job(job, "done")
        assert station.fetched == IMAGE
    version = "1.0" if "no installation" in plan else "2.0"
    async with running(node, identity, plan, version) as station:
        failed = "no installation" in plan
        await station.firmware(FirmwareStatus.installation_failed if failed else FirmwareStatus.installed)
        assert (await api.get(f"/stations/{identity}"))["firmware_version"] == version
        return await api.job(job, "done")


async def test_tc_044_1_download_and_install(node: NodeProcess, api: Api) -> None:
    assert (await update(node, api, set()))["result"] == "Installed"


async def test_tc_044_2_download_failed(node: NodeProcess, api: Api) -> None:
    assert (await update(node, api, {"no download"}))["result"] == "DownloadFailed"


async def test_tc_044_3_installation_failed(node: NodeProcess, api: Api) -> None:
    assert (await update(node, api, {"no installation"}))["result"] == "InstallationFailed"


async def diagnostics(node: NodeProcess, api: Api, plan: set[str]) -> Any:
    identity = await api.station()
    async with running(node, identity, plan, "1.0") as station:
        job = await api.post(f"/stations/{identity}/diagnostics", {"retries": 1})
        await asyncio.wait_for(station.ended.wait(), 30)
        return await api.job(job, "done")


async def test_tc_045_1_get_diagnostics(node: NodeProcess, api: Api) -> None:
    job = await diagnostics(node, api, set())
    assert (job["result"], job["progress"]["file_name"]) == ("Uploaded", "foreign.log")
    [stored] = (await api.get(f"/jobs/{job['id']}/files"))["items"]
    assert (await api.client.get(f"/files/{stored['id']}/content")).content == LOG


async def test_tc_045_2_upload_failed(node: NodeProcess, api: Api) -> None:
    job = await diagnostics(node, api, {"no upload"})
    assert job["result"] == "UploadFailed"
    assert (await api.get(f"/jobs/{job['id']}/files"))["items"] == []
