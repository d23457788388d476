"""The firmware library, updates plain and signed, and logs: the flows of handbook §5.5 and TC_079 to TC_081."""

import asyncio
from base64 import b64encode
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from trustme import CA, KeyType

from stationmaster.conformance.station import ScriptedStation
from stationmaster.ocpp.errors import ErrorCode
from tests.api.conftest import Client, connected, with_role
from tests.api.test_files import IMAGE, diagnostics, files_of, image, ordered, stranger, update


def signed(key_type: KeyType, content: bytes = IMAGE) -> dict[str, str]:
    """A signing certificate and a signature over `content`."""
    leaf = CA(key_type=key_type).issue_cert("firmware.example", key_type=key_type)
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        signature = key.sign(content, pss, hashes.SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(content, ec.ECDSA(hashes.SHA256()))
    certificate = leaf.cert_chain_pems[0].bytes().decode()
    return {"signing_certificate": certificate, "signature": b64encode(signature).decode()}


async def says(station: ScriptedStation, *words: str, action: str = "FirmwareStatusNotification", **more: Any) -> None:
    for word in words:
        assert await station.call(action, {"status": word, **more}) == {}


async def status(station: ScriptedStation, word: str) -> None:
    await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": word})


async def reboot(station: ScriptedStation, version: str = "2.0") -> None:
    await station.disconnect()
    await station.connect()
    boot = {"chargePointVendor": "Tests", "chargePointModel": "One", "firmwareVersion": version}
    assert (await station.call("BootNotification", boot))["status"] == "Accepted"


async def statuses(api: Client, job: Any) -> list[str]:
    items = (await api.get("/transfers", station_id=job["station_id"]))["items"]
    return [each["status"] for each in reversed(items) if each["job_id"] == job["id"]]


# The library.


@pytest.mark.parametrize("key_type", [KeyType.RSA, KeyType.ECDSA])
async def test_a_signature_is_checked_when_it_comes(api: Client, key_type: KeyType) -> None:
    said = signed(key_type)
    form = {"version": "2.0", "vendor": "Tests", **said}
    made = await api.ask("POST", "/firmware/upload", 201, files={"file": ("fw.bin", IMAGE)}, data=form)
    assert (made["name"], made["vendor"], made["signature_state"]) == ("fw.bin", "Tests", "valid")
    other = signed(key_type, b"another image")
    changed = await api.patch(f"/firmware/{made['id']}", {"signature": other["signature"]})
    assert changed["signature_state"] == "invalid"
    assert (await api.patch(f"/firmware/{made['id']}", other))["signature_state"] == "invalid"
    assert (await api.patch(f"/firmware/{made['id']}", said))["signature_state"] == "valid"
    assert (await api.patch(f"/firmware/{made['id']}", {"signature": None}))["signature_state"] == "none"


async def test_an_image_is_listed_fetched_changed_and_removed(api: Client) -> None:
    made = await image(api, vendor="Tests", model="One")
    path = f"/firmware/{made['id']}"
    assert await api.get(path) == made
    assert [each["id"] for each in (await api.get("/firmware", vendor="tests", search="2.0"))["items"]] == [made["id"]]
    assert (await api.get("/firmware", model="Two"))["items"] == []
    part = await api.http.get(f"/api/v1{path}/content", headers={"Range": "bytes=0-3"})
    assert part.content == IMAGE[:4]
    changed = await api.patch(path, {"version": "2.1", "note": "two\nlines", "vendor": None})
    assert (changed["version"], changed["note"], changed["vendor"]) == ("2.1", "two\nlines", None)
    csv = await api.http.get("/api/v1/firmware?format=csv")
    assert csv.text.startswith("id,name,version")
    # An image is not among the files that stations brought.
    assert (await api.get("/files"))["items"] == []
    await api.delete(path)
    await api.problem("GET", path, 404, "firmware_unknown")
    await api.problem("DELETE", path, 404, "firmware_unknown")


@pytest.mark.parametrize(
    "content, said, field",
    [
        (b"", {}, "file"),
        (b"x", {"version": ""}, "version"),
        (b"x", {"version": "v" * 51}, "version"),
    ],
)
async def test_an_image_that_is_described_badly_is_not_kept(
    api: Client, content: bytes, said: dict[str, str], field: str
) -> None:
    before = list(api.node.services.files.settings.folder.rglob("*"))
    params = {"version": "2.0", **said}
    problem = await api.problem("POST", "/firmware/upload", 422, "field_invalid", content=content, params=params)
    assert [each["field"] for each in problem["errors"]] == [field]
    assert [
        path for path in api.node.services.files.settings.folder.rglob("*") if path not in before and path.is_file()
    ] == []


@pytest.mark.parametrize(
    "said",
    [{"signature": "no base64!"}, {"signature": "A" * 804}, {"signing_certificate": "-----BEGIN CERTIFICATE-----\nx"}],
)
async def test_a_signature_that_cannot_be_read_is_refused(api: Client, said: dict[str, str]) -> None:
    made = await image(api)
    await api.problem("PATCH", f"/firmware/{made['id']}", 422, "field_invalid", json=said)


async def test_only_those_who_may_bring_images_and_update_stations(api: Client) -> None:
    made = await image(api)
    async with with_role(api, "operator") as operator, with_role(api, "viewer") as viewer:
        assert (await viewer.get(f"/firmware/{made['id']}"))["sha256"] == made["sha256"]
        for who in (operator, viewer):
            await who.problem("POST", "/firmware/upload", 403, "not_permitted", content=b"x", params={"version": "1"})
            await who.problem("DELETE", f"/firmware/{made['id']}", 403, "not_permitted")
            identity = await api.station()
            body = {"firmware_id": made["id"]}
            await who.problem("POST", f"/stations/{identity}/firmware-updates", 403, "not_permitted", json=body)
            campaign = {"name": "all", "firmware_id": made["id"]}
            await who.problem("POST", "/firmware-campaigns", 403, "not_permitted", json=campaign)


# Plain updates and diagnostics (§5.5).


async def test_tc_044_1_download_and_install(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station, stranger() as http:
        location, job = await update(api, station, firmware_id=made["id"], retries=2, retry_interval_s=30)
        assert job["state"] == "waiting"
        assert (job["payload"]["retries"], job["payload"]["retryInterval"]) == (2, 30)
        await says(station, "Downloading")
        assert (await http.get(location)).content == IMAGE
        await says(station, "Downloaded")
        await status(station, "Unavailable")
        await says(station, "Installing")
        await reboot(station)
        await status(station, "Available")
        await says(station, "Installed")
        done = await api.get(f"/jobs/{job['id']}")
        assert (done["state"], done["result"]) == ("done", "Installed")
        assert await statuses(api, job) == ["Downloading", "Downloaded", "Installing", "Installed"]
        assert (await api.get(f"/stations/{station.identity}"))["firmware_version"] == "2.0"
        assert (await http.get(location)).status_code == 404


async def test_tc_044_2_download_failed(api: Client) -> None:
    async with connected(api) as station:
        _, job = await update(api, station, location="http://files.example/firmware.bin")
        await says(station, "Downloading", "DownloadFailed")
        assert (await api.get(f"/jobs/{job['id']}"))["result"] == "DownloadFailed"


async def test_tc_044_3_installation_failed(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station:
        _, job = await update(api, station, firmware_id=made["id"])
        await says(station, "Downloading", "Downloaded")
        await status(station, "Unavailable")
        await says(station, "Installing")
        await reboot(station, "1.0")
        await status(station, "Available")
        await says(station, "InstallationFailed")
        assert (await api.get(f"/jobs/{job['id']}"))["result"] == "InstallationFailed"


async def test_tc_045_1_get_diagnostics(api: Client) -> None:
    async with connected(api) as station, stranger() as http:
        window = {"since": "2025-01-01T00:00:00Z", "until": "2025-01-02T00:00:00Z"}
        location, job = await diagnostics(api, station, **window, retries=1, retry_interval_s=5)
        assert job["payload"]["startTime"] == "2025-01-01T00:00:00.000Z"
        assert job["payload"]["stopTime"] == "2025-01-02T00:00:00.000Z"
        await says(station, "Uploading", action="DiagnosticsStatusNotification")
        assert (await http.put(f"{location}diagnostics.zip", content=b"zip")).status_code == 201
        await says(station, "Uploaded", action="DiagnosticsStatusNotification")
        assert (await api.get(f"/jobs/{job['id']}"))["result"] == "Uploaded"
        assert [each["name"] for each in await files_of(api, job)] == ["diagnostics.zip"]


async def test_tc_045_2_upload_failed(api: Client) -> None:
    async with connected(api) as station:
        _, job = await diagnostics(api, station)
        await says(station, "Uploading", "UploadFailed", action="DiagnosticsStatusNotification")
        assert (await api.get(f"/jobs/{job['id']}"))["result"] == "UploadFailed"
        assert await files_of(api, job) == []


async def test_diagnostics_that_do_not_exist_end_the_job(api: Client) -> None:
    async with connected(api) as station:
        _, job = await ordered(api, station, "GetDiagnostics", "diagnostics", {}, {})
        assert (job["state"], job["finished"]) == ("done", True)


# Logs and signed updates (TC_079 to TC_081, §4.9, §4.10).


async def get_log(api: Client, station: ScriptedStation, answer: dict[str, Any], **body: Any) -> tuple[Any, Any]:
    return await ordered(api, station, "GetLog", "logs", answer, {"log_type": "security", **body})


async def test_tc_079_security_log(api: Client) -> None:
    async with connected(api) as station, stranger() as http:
        payload, job = await get_log(api, station, {"status": "Accepted", "filename": "security.log"})
        assert payload["logType"] == "SecurityLog"
        tells = {"action": "LogStatusNotification", "requestId": payload["requestId"]}
        await says(station, "Uploading", **tells)
        where = payload["log"]["remoteLocation"]
        assert (await http.post(where, files={"log": ("security.log", b"entries")})).status_code == 201
        await says(station, "Uploaded", **tells)
        done = await api.get(f"/jobs/{job['id']}")
        assert (done["state"], done["result"], done["progress"]["file_name"]) == ("done", "Uploaded", "security.log")
        assert [each["kind"] for each in await files_of(api, job)] == ["log"]


async def test_each_request_has_a_number_of_its_own_and_a_new_one_may_cancel_the_old(api: Client) -> None:
    async with connected(api) as station, stranger() as http:
        first, old = await get_log(api, station, {"status": "Accepted", "filename": "a"})
        second, new = await get_log(api, station, {"status": "AcceptedCanceled", "filename": "b"})
        assert second["requestId"] > first["requestId"]
        cancelled = await api.get(f"/jobs/{old['id']}")
        assert (cancelled["state"], cancelled["error"]["code"]) == ("cancelled", "replaced")
        assert (await http.put(first["log"]["remoteLocation"], content=b"x")).status_code == 404
        await says(station, "Uploading", action="LogStatusNotification", requestId=second["requestId"])
        assert (await api.get(f"/jobs/{new['id']}"))["progress"]["transfer_status"] == "Uploading"
        assert (await http.put(second["log"]["remoteLocation"], content=b"x")).status_code == 201


async def test_a_log_that_is_refused_closes_its_address(api: Client) -> None:
    async with connected(api) as station, stranger() as http:
        payload, job = await get_log(api, station, {"status": "Rejected"})
        assert (job["state"], job["result"]) == ("done", "Rejected")
        assert (await http.put(payload["log"]["remoteLocation"], content=b"x")).status_code == 404


async def signed_update(
    api: Client, station: ScriptedStation, answer: str = "Accepted", **body: Any
) -> tuple[dict[str, Any], Any]:
    agreed = {"status": answer}
    return await ordered(api, station, "SignedUpdateFirmware", "firmware-updates", agreed, {"kind": "signed", **body})


async def test_tc_080_signed_update(api: Client) -> None:
    said = signed(KeyType.ECDSA)
    made = await image(api)
    await api.patch(f"/firmware/{made['id']}", said)
    async with connected(api) as station, stranger() as http:
        payload, job = await signed_update(api, station, firmware_id=made["id"])
        firmware = payload["firmware"]
        assert (firmware["signature"], firmware["signingCertificate"]) == (
            said["signature"],
            said["signing_certificate"],
        )
        tells = {"action": "SignedFirmwareStatusNotification", "requestId": payload["requestId"]}
        await says(station, "Downloading", **tells)
        assert (await http.get(firmware["location"])).content == IMAGE
        await status(station, "Unavailable")
        await says(station, "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", **tells)
        await reboot(station)
        event = {"type": "FirmwareUpdated", "timestamp": "2025-01-01T00:00:00Z"}
        await station.call("SecurityEventNotification", event)
        await status(station, "Available")
        await says(station, "Installed", **tells)
        done = await api.get(f"/jobs/{job['id']}")
        assert (done["state"], done["result"]) == ("done", "Installed")


@pytest.mark.parametrize(
    "end", ["DownloadFailed", "InvalidSignature", "InstallVerificationFailed", "InstallationFailed", "Installed"]
)
async def test_all_states_of_a_signed_update_are_followed(api: Client, end: str) -> None:
    made = await image(api)
    await api.patch(f"/firmware/{made['id']}", signed(KeyType.ECDSA))
    steps = "DownloadScheduled Downloading DownloadPaused Downloading Downloaded SignatureVerified InstallScheduled"
    states = [*steps.split(), "Installing", "InstallRebooting", end]
    async with connected(api) as station:
        payload, job = await signed_update(api, station, firmware_id=made["id"])
        tells = {"action": "SignedFirmwareStatusNotification", "requestId": payload["requestId"]}
        for word in states[:-1]:
            await says(station, word, **tells)
            now = await api.get(f"/jobs/{job['id']}")
            assert (now["state"], now["progress"]["transfer_status"]) == ("waiting", word)
        await says(station, "Idle", action="SignedFirmwareStatusNotification")
        await says(station, end, **tells)
        assert (await api.get(f"/jobs/{job['id']}"))["result"] == end
        assert await statuses(api, job) == states


async def test_tc_081_invalid_signature(api: Client) -> None:
    made = await image(api)
    await api.patch(f"/firmware/{made['id']}", signed(KeyType.ECDSA, b"another image"))
    async with connected(api) as station:
        body = {"kind": "signed", "firmware_id": made["id"]}
        path = f"/stations/{station.identity}/firmware-updates"
        await api.problem("POST", path, 409, "signature_invalid", json=body)
        payload, job = await signed_update(api, station, firmware_id=made["id"], send_anyway=True)
        tells = {"action": "SignedFirmwareStatusNotification", "requestId": payload["requestId"]}
        await says(station, "Downloading", "Downloaded", "InvalidSignature", **tells)
        event = {"type": "InvalidFirmwareSignature", "timestamp": "2025-01-01T00:00:00Z"}
        await station.call("SecurityEventNotification", event)
        assert (await api.get(f"/jobs/{job['id']}"))["result"] == "InvalidSignature"


@pytest.mark.parametrize("answer", ["Rejected", "InvalidCertificate", "RevokedCertificate"])
async def test_a_signed_update_that_is_refused_has_ended(api: Client, answer: str) -> None:
    made = await image(api)
    await api.patch(f"/firmware/{made['id']}", signed(KeyType.ECDSA))
    async with connected(api) as station:
        _, job = await signed_update(api, station, answer, firmware_id=made["id"])
        assert (job["state"], job["result"], job["finished"]) == ("done", answer, True)


async def test_a_station_that_takes_signed_images_only_gets_them(api: Client) -> None:
    made = await image(api)
    path_of = "/stations/{}/firmware-updates"
    async with connected(api) as station:
        # Unsigned, it is refused by the station; then we know.
        order = asyncio.create_task(api.post(path_of.format(station.identity), {"firmware_id": made["id"]}, 200))
        await station.refuse(await station.expect("UpdateFirmware"), ErrorCode.NOT_SUPPORTED)
        assert ((await order)["state"], (await order)["result"]) == ("error", "NotSupported")
        body = {"firmware_id": made["id"]}
        await api.problem("POST", path_of.format(station.identity), 409, "firmware_unsigned", json=body)
        await api.patch(f"/firmware/{made['id']}", signed(KeyType.ECDSA))
        payload, _ = await ordered(
            api, station, "SignedUpdateFirmware", "firmware-updates", {"status": "Accepted"}, body
        )
        assert payload["firmware"]["signature"]
    async with connected(api) as station:
        # Of another station nothing is known; its answer is.
        order = asyncio.create_task(api.post(path_of.format(station.identity), {"firmware_id": made["id"]}, 200))
        await station.refuse(await station.expect("UpdateFirmware"), ErrorCode.NOT_SUPPORTED)
        await station.obey("SignedUpdateFirmware", {"status": "Accepted"})
        assert (await order)["action"] == "SignedUpdateFirmware"


async def test_firmware_for_others_is_sent_only_if_it_must_be(api: Client) -> None:
    made = await image(api, vendor="Tests", model="Two")
    async with connected(api) as station:
        path = f"/stations/{station.identity}/firmware-updates"
        await api.problem("POST", path, 409, "firmware_for_others", json={"firmware_id": made["id"]})
        location, _ = await update(api, station, firmware_id=made["id"], send_anyway=True)
        assert "/files/get/" in location
        await api.problem("POST", path, 422, "field_invalid", json={})
        await api.problem("POST", path, 404, "firmware_unknown", json={"firmware_id": "nothing"})
        await api.problem("POST", "/stations/NOBODY/firmware-updates", 404, "station_unknown", json={})


async def test_an_update_that_is_to_begin_later_is_waited_for_longer(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station:
        _, job = await update(api, station, firmware_id=made["id"], retrieve_at="2031-05-01T00:00:00Z")
        assert job["payload"]["retrieveDate"] == "2031-05-01T00:00:00.000Z"
        assert job["progress"]["awaits"]["until"] == "2031-05-02T00:00:00.000Z"


async def test_foreign_firmware_does_not_exist(api: Client, node_thread: Any) -> None:
    made = await image(api)
    _, key = node_thread.new_organisation()
    async with httpx.AsyncClient(base_url=str(api.http.base_url), trust_env=False) as foreign:
        foreign.headers["Authorization"] = f"Bearer {key}"
        for path in ("", "/content"):
            assert (await foreign.get(f"/api/v1/firmware/{made['id']}{path}")).status_code == 404
        assert (await foreign.patch(f"/api/v1/firmware/{made['id']}", json={"name": "x"})).status_code == 404
        assert (await foreign.delete(f"/api/v1/firmware/{made['id']}")).status_code == 404
        campaign = {"name": "theirs", "firmware_id": made["id"]}
        assert (await foreign.post("/api/v1/firmware-campaigns", json=campaign)).status_code == 404
