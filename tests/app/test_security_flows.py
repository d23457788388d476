"""TC_073 to TC_088 of handbook §5.9, through the API, with a scripted station over real TLS on the right ports."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from trustme import KeyType

from stationmaster.app.node import Node
from stationmaster.conformance.errors import ConformanceError, HandshakeRefused
from stationmaster.conformance.station import ScriptedStation
from stationmaster.services.x509.hash_data import ALGORITHMS, hash_data_of
from stationmaster.services.x509.keys import KeyFamily
from stationmaster.services.x509.pem import read_certificates
from tests.api.test_files import IMAGE
from tests.api.test_firmware import signed
from tests.app.secure_node import (
    ORGANISATION,
    PASSWORD,
    Identity,
    client_context,
    register,
    secure_node,
    station,
)
from tests.app.test_tls import WANTED

NOW = "2026-11-22T12:00:00Z"
SIGNED = ("signature", "signing_certificate")


@pytest.fixture
async def node(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Node]:
    file = tmp_path / "stationmaster.sqlite"
    shutil.copy(sqlite_template, file)
    async with secure_node(tmp_path, f"sqlite:///{file}", certificates__alert_days=0) as running:
        yield running


@pytest.fixture
async def api(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {node.first_key}"}
    base = f"http://127.0.0.1:{node.http_port}/api/v1"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30, trust_env=False) as client:
        yield client


async def ask(api: httpx.AsyncClient, path: str, body: object = None) -> Any:
    answer = await api.post(path, json=body)
    assert answer.status_code < 300, answer.text
    return answer.json()


async def told(api: httpx.AsyncClient, path: str) -> Any:
    answer = await api.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ended(api: httpx.AsyncClient, job: Any) -> Any:
    async with asyncio.timeout(15):
        while not (found := await told(api, f"/jobs/{job['id']}"))["finished"]:  # noqa: ASYNC110 -- the API has no event
            await asyncio.sleep(0.05)
    return found


async def booted(connected: ScriptedStation) -> None:
    answer = await connected.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    assert answer["status"] == "Accepted"


async def security_event(connected: ScriptedStation, event: str) -> None:
    assert await connected.call("SecurityEventNotification", {"type": event, "timestamp": NOW}) == {}


async def refused(connecting: ScriptedStation) -> int:
    """The status with which a station is turned away; 0 when it was so in the TLS handshake."""
    try:
        async with connecting:
            raise AssertionError("it was let in")
    except HandshakeRefused as error:
        return error.status or 0
    except (ConformanceError, OSError):
        return 0


async def with_certificate(node: Node, folder: Path, station_id: str, family: KeyFamily = KeyFamily.EC) -> Identity:
    """A station's identity that our authority has signed."""
    folder.mkdir()  # noqa: ASYNC240 -- a test waits for nobody else
    identity = Identity(folder, family)
    record = await node.services.stations.get(ORGANISATION, station_id)
    identity.chain = (await node.services.certificates.sign_by_hand(record, identity.request())).chain
    return identity


@pytest.mark.parametrize(("door", "profile"), [("plain", 1), ("tls", 2)])
async def test_tc_073_a_new_password(node: Node, api: httpx.AsyncClient, door: str, profile: int) -> None:
    await register(node, "CP1", security_profile=profile)
    tls = None if door == "plain" else await client_context(node)
    async with station(node, "CP1", door, tls, PASSWORD) as connected:
        await booted(connected)
        asking = asyncio.create_task(ask(api, "/stations/CP1/rotate-password"))
        request = await connected.obey("ChangeConfiguration", {"status": "Accepted"})
        value = request.payload["value"]
        assert (request.payload["key"], len(bytes.fromhex(value))) == ("AuthorizationKey", 20)
        job = await asking
        assert (job["action"], job["state"], job["result"]) == ("RotatePassword", "done", "Accepted")
    assert await refused(station(node, "CP1", door, tls, PASSWORD)) == 401
    for password in (bytes.fromhex(value), value):
        async with station(node, "CP1", door, tls, password):
            pass
    assert value not in (await api.get("/jobs")).text + (await api.get("/messages")).text


@pytest.mark.parametrize("comes_back_with", ["old", "new"])
async def test_a01_a_station_that_never_answers_comes_back_with_either_password(
    node: Node, api: httpx.AsyncClient, comes_back_with: str
) -> None:
    await register(node, "CP1", security_profile=2)
    tls = await client_context(node)
    async with station(node, "CP1", "tls", tls, PASSWORD) as connected:
        await booted(connected)
        asking = asyncio.create_task(ask(api, "/stations/CP1/rotate-password"))
        new = (await connected.expect("ChangeConfiguration")).payload["value"]
        await connected.sever()
        job = await asking
    assert (job["state"], job["progress"]) == ("waiting", {"step": "settle"})
    if comes_back_with == "new":
        async with station(node, "CP1", "tls", tls, new):
            assert (await ended(api, job))["result"] == "Accepted"
        assert await refused(station(node, "CP1", "tls", tls, PASSWORD)) == 401
        return
    async with station(node, "CP1", "tls", tls, PASSWORD) as connected:
        await node.services.security_jobs.advance(0)
        again = (await connected.obey("ChangeConfiguration", {"status": "Accepted"})).payload["value"]
        assert again != new
        assert (await ended(api, job))["result"] == "Accepted"
    assert await refused(station(node, "CP1", "tls", tls, new)) == 401
    async with station(node, "CP1", "tls", tls, again):
        pass


@pytest.mark.parametrize("family", list(KeyFamily))
async def test_tc_074_a_certificate_is_renewed(
    node: Node, api: httpx.AsyncClient, tmp_path: Path, family: KeyFamily
) -> None:
    await register(node, "CP1", security_profile=3)
    old = await with_certificate(node, tmp_path / "old", "CP1", family)
    (tmp_path / "new").mkdir()
    new = Identity(tmp_path / "new", family)
    async with station(node, "CP1", "tls", await client_context(node, old)) as connected:
        await booted(connected)
        asking = asyncio.create_task(ask(api, "/stations/CP1/renew-certificate"))
        request = await connected.obey("ExtendedTriggerMessage", {"status": "Accepted"})
        assert request.payload == {"requestedMessage": "SignChargePointCertificate"}
        job = await asking
        assert await connected.call("SignCertificate", {"csr": new.request("anything")}) == {"status": "Accepted"}
        sent = await connected.obey("CertificateSigned", {"status": "Accepted"})
        new.chain = sent.payload["certificateChain"]
    leaf, *others = read_certificates(new.chain)
    assert not others
    assert "\r" not in new.chain
    assert leaf.public_key().public_numbers() == new.key.public_key().public_numbers()  # type: ignore[union-attr]  # both are RSA or EC
    assert leaf.subject.rfc4514_string() == "CN=SN-77,O=Lake Charging"
    async with station(node, "CP1", "certificate", await client_context(node, new)):
        assert (await ended(api, job))["result"] == "Accepted"
        states = {each["state"] for each in (await told(api, "/stations/CP1/certificates"))["items"]}
        assert states == {"active", "superseded"}


async def test_tc_077_a_certificate_that_the_station_refuses(
    node: Node, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    await register(node, "CP1", security_profile=3)
    old = await with_certificate(node, tmp_path / "old", "CP1")
    async with station(node, "CP1", "certificate", await client_context(node, old)) as connected:
        asking = asyncio.create_task(ask(api, "/stations/CP1/renew-certificate"))
        await connected.obey("ExtendedTriggerMessage", {"status": "Accepted"})
        job = await asking
        request = Identity(tmp_path).request()
        assert await connected.call("SignCertificate", {"csr": request}) == {"status": "Accepted"}
        await connected.obey("CertificateSigned", {"status": "Rejected"})
        await security_event(connected, "InvalidChargePointCertificate")
        assert (await ended(api, job))["state"] == "error"
    async with station(node, "CP1", "certificate", await client_context(node, old)):
        pass


@pytest.mark.parametrize("use", ["manufacturer", "central_system"])
async def test_tc_075_a_root_is_installed_and_listed(node: Node, api: httpx.AsyncClient, use: str) -> None:
    await register(node, "CP1", security_profile=2)
    authority = (await told(api, "/certificate-authorities"))["items"][0]
    root = read_certificates(authority["certificate"])[0]
    kind = {"manufacturer": "ManufacturerRootCertificate", "central_system": "CentralSystemRootCertificate"}[use]
    async with station(node, "CP1", "tls", await client_context(node), PASSWORD) as connected:
        await booted(connected)
        body = {"use": use, "authority_id": authority["id"], "refresh": True}
        asking = asyncio.create_task(ask(api, "/stations/CP1/roots", body))
        request = await connected.obey("InstallCertificate", {"status": "Accepted"})
        assert request.payload == {"certificateType": kind, "certificate": authority["certificate"]}
        request = await connected.expect("GetInstalledCertificateIds")
        assert request.payload == {"certificateType": kind}
        await connected.reply(request, {"status": "Accepted", "certificateHashData": [wire(root, "SHA384")]})
        assert (await asking)["result"] == "Accepted"
    (listed,) = (await told(api, "/stations/CP1/roots"))["items"]
    assert (listed["use"], listed["authority_name"]) == (use, authority["name"])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_tc_076_a_root_is_deleted_by_what_the_station_reported(
    node: Node, api: httpx.AsyncClient, algorithm: str
) -> None:
    await register(node, "CP1", security_profile=2)
    root = read_certificates((await told(api, "/certificate-authorities"))["items"][0]["certificate"])[0]
    async with station(node, "CP1", "tls", await client_context(node), PASSWORD) as connected:
        asking = asyncio.create_task(ask(api, "/stations/CP1/roots/refresh", {"use": "central_system"}))
        reported = {"status": "Accepted", "certificateHashData": [wire(root, algorithm)]}
        await connected.obey("GetInstalledCertificateIds", reported)
        await asking
        (listed,) = (await told(api, "/stations/CP1/roots"))["items"]
        names = ("hash_algorithm", "issuer_name_hash", "issuer_key_hash", "serial_number")
        asking = asyncio.create_task(ask(api, "/stations/CP1/roots/delete", {name: listed[name] for name in names}))
        request = await connected.obey("DeleteCertificate", {"status": "Accepted"})
        assert request.payload["certificateHashData"] == wire(root, algorithm)
        job = await asking
        assert "last root" in job["warnings"][0]
        assert (await told(api, "/stations/CP1/roots"))["items"] == []


async def test_tc_078_a_root_that_the_station_refuses(node: Node, api: httpx.AsyncClient) -> None:
    await register(node, "CP1", security_profile=2)
    async with station(node, "CP1", "tls", await client_context(node), PASSWORD) as connected:
        body = {"use": "central_system", "certificate": "no certificate at all"}
        asking = asyncio.create_task(ask(api, "/stations/CP1/roots", body))
        await connected.obey("InstallCertificate", {"status": "Rejected"})
        job = await asking
        assert (job["result"], job["warnings"]) == ("Rejected", ["The certificate cannot be read."])
        await security_event(connected, "InvalidCentralSystemCertificate")


async def ordered(
    api: httpx.AsyncClient, connected: ScriptedStation, path: str, body: Any, action: str, answer: Any
) -> tuple[Any, Any]:
    """An operator asks, the station answers: what it was told, and the job."""
    asking = asyncio.create_task(ask(api, f"/stations/CP1/{path}", body))
    request = await connected.obey(action, answer)
    return request.payload, await asking


async def says(connected: ScriptedStation, action: str, request_id: int, *words: str) -> None:
    for word in words:
        assert await connected.call(action, {"status": word, "requestId": request_id}) == {}


async def test_tc_079_the_security_log_is_brought(node: Node, api: httpx.AsyncClient) -> None:
    await register(node, "CP1", security_profile=2)
    async with station(node, "CP1", "tls", await client_context(node), PASSWORD) as connected:
        await booted(connected)
        agreed = {"status": "Accepted", "filename": "security.log"}
        told_it, job = await ordered(api, connected, "logs", {"log_type": "security"}, "GetLog", agreed)
        assert told_it["logType"] == "SecurityLog"
        await says(connected, "LogStatusNotification", told_it["requestId"], "Uploading")
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.put(told_it["log"]["remoteLocation"], content=b"entries")).status_code == 201
        await says(connected, "LogStatusNotification", told_it["requestId"], "Uploaded")
        assert (await ended(api, job))["result"] == "Uploaded"
        (file,) = (await told(api, f"/jobs/{job['id']}/files"))["items"]
        assert (file["kind"], file["size_bytes"]) == ("log", len(b"entries"))


@pytest.mark.parametrize("valid", [True, False], ids=["tc_080", "tc_081"])
async def test_tc_080_and_081_signed_firmware(node: Node, api: httpx.AsyncClient, valid: bool) -> None:
    await register(node, "CP1", security_profile=2)
    upload = await api.post("/firmware/upload", content=IMAGE, params={"version": "2.0", "file_name": "fw.bin"})
    firmware_id = upload.json()["id"]
    said = signed(KeyType.ECDSA, IMAGE if valid else b"another image")
    assert (await api.patch(f"/firmware/{firmware_id}", json=said)).status_code == 200
    body = {"kind": "signed", "firmware_id": firmware_id, "send_anyway": not valid}
    tls, notified = await client_context(node), "SignedFirmwareStatusNotification"
    async with station(node, "CP1", "tls", tls, PASSWORD) as connected:
        await booted(connected)
        if not valid:
            careful = await api.post("/stations/CP1/firmware-updates", json=body | {"send_anyway": False})
            assert (careful.status_code, careful.json()["code"]) == (409, "signature_invalid")
        agreed = {"status": "Accepted"}
        told_it, job = await ordered(api, connected, "firmware-updates", body, "SignedUpdateFirmware", agreed)
        firmware, number = told_it["firmware"], told_it["requestId"]
        assert (firmware["signature"], firmware["signingCertificate"]) == tuple(said[name] for name in SIGNED)
        await says(connected, notified, number, "Downloading")
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(firmware["location"])).content == IMAGE
        await says(connected, notified, number, "Downloaded")
        if valid:
            await says(connected, notified, number, "SignatureVerified", "Installing", "InstallRebooting")
        else:
            await says(connected, notified, number, "InvalidSignature")
            await security_event(connected, "InvalidFirmwareSignature")
    if valid:
        async with station(node, "CP1", "tls", tls, PASSWORD) as connected:
            await booted(connected)
            await security_event(connected, "FirmwareUpdated")
            await says(connected, notified, number, "Installed")
    assert (await ended(api, job))["result"] == ("Installed" if valid else "InvalidSignature")
    (event,) = (await told(api, "/security-events?station_id=CP1"))["items"]
    assert (event["type"], event["critical"]) == (
        ("FirmwareUpdated", True) if valid else ("InvalidFirmwareSignature", False)
    )


async def test_tc_083_the_profile_is_raised_from_1_over_2_to_3(
    node: Node, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    await register(node, "CP1", security_profile=1)
    identity = await with_certificate(node, tmp_path / "identity", "CP1")
    tls, mutual = await client_context(node), await client_context(node, identity)
    doors = {
        1: lambda: station(node, "CP1", "plain", None, PASSWORD),
        2: lambda: station(node, "CP1", "tls", tls, PASSWORD),
        3: lambda: station(node, "CP1", "tls", mutual, PASSWORD),
    }
    for profile in (2, 3):
        async with doors[profile - 1]() as connected:
            await booted(connected)
            body = {"security_profile": profile, "reset": True}
            asking = asyncio.create_task(ask(api, "/stations/CP1/raise-security-profile", body))
            request = await connected.obey("ChangeConfiguration", {"status": "Accepted"})
            assert request.payload == {"key": "SecurityProfile", "value": str(profile)}
            request = await connected.obey("Reset", {"status": "Accepted"})
            assert request.payload == {"type": "Hard"}
            job = await asking
            assert (job["state"], job["progress"]) == ("waiting", {"step": "come_back"})
        async with doors[profile - 1]():
            pass  # A05.FR.08: it fell back, which is allowed until the first success
        async with doors[profile]() as connected:
            await booted(connected)
            assert (await ended(api, job))["result"] == "Accepted"
        for lower in range(1, profile):
            assert await refused(doors[lower]()) == 403
        async with doors[profile]():
            pass
    assert (await told(api, "/stations/CP1"))["security_profile"] == 3
    back = await api.post("/stations/CP1/raise-security-profile", json={"security_profile": 2})
    assert (back.status_code, back.json()["code"]) == (409, "profile_not_higher")


async def test_a05_a_profile_that_the_station_refuses_stays_as_it_was(node: Node, api: httpx.AsyncClient) -> None:
    await register(node, "CP1", security_profile=2)
    async with station(node, "CP1", "tls", await client_context(node), PASSWORD) as connected:
        body = {"security_profile": 3}
        asking = asyncio.create_task(ask(api, "/stations/CP1/raise-security-profile", body))
        await connected.obey("ChangeConfiguration", {"status": "Rejected"})
        job = await asking
        assert (job["state"], job["result"]) == ("error", "Rejected")
        assert len(job["warnings"]) == 2
    assert (await told(api, "/stations/CP1"))["pending_security_profile"] is None


async def test_tc_085_without_a_password_no_connection(node: Node) -> None:
    await register(node, "CP1", security_profile=2)
    tls = await client_context(node)
    assert await refused(station(node, "CP1", "tls", tls)) == 401
    async with station(node, "CP1", "tls", tls, PASSWORD) as connected:
        await booted(connected)


@pytest.mark.parametrize("suite", WANTED)
async def test_tc_086_a_station_that_knows_one_suite_boots(node: Node, suite: str) -> None:
    """What certificate it is shown: tests/app/test_tls.py."""
    await register(node, "CP1", security_profile=2)
    async with station(node, "CP1", "tls", await client_context(node, suite=suite), PASSWORD) as connected:
        await booted(connected)


@pytest.mark.parametrize("family", list(KeyFamily))
async def test_tc_087_a_client_certificate_opens_both_tls_doors(node: Node, tmp_path: Path, family: KeyFamily) -> None:
    await register(node, "CP1", security_profile=3)
    identity = await with_certificate(node, tmp_path / "identity", "CP1", family)
    context = await client_context(node, identity)
    for door in ("tls", "certificate"):
        async with station(node, "CP1", door, context) as connected:
            await booted(connected)
    assert await refused(station(node, "CP1", "tls", await client_context(node), PASSWORD)) == 403
    assert await refused(station(node, "CP1", "certificate", await client_context(node), PASSWORD)) == 0


async def test_tc_088_the_subprotocol_is_chosen_before_the_upgrade(node: Node) -> None:
    await register(node, "CP1", security_profile=2)
    context = await client_context(node)
    url = f"wss://localhost:{node.port_of('tls')}/ocpp"
    other = ScriptedStation(url, "CP1", password=PASSWORD, tls=context, subprotocols=["ocpp0.1"])
    assert await refused(other) == 400
    both = ScriptedStation(url, "CP1", password=PASSWORD, tls=context, subprotocols=["ocpp0.1", "ocpp1.6"])
    async with both as connected:
        await booted(connected)


async def test_a03_a_station_renews_by_itself(node: Node, tmp_path: Path) -> None:
    await register(node, "CP1", security_profile=2)
    async with station(node, "CP1", "tls", await client_context(node), PASSWORD) as connected:
        await booted(connected)
        asked = datetime.now(UTC)
        answer = await connected.call("SignCertificate", {"csr": Identity(tmp_path, KeyFamily.RSA).request()})
        assert answer == {"status": "Accepted"}
        sent = await connected.obey("CertificateSigned", {"status": "Accepted"})
        assert (datetime.now(UTC) - asked).total_seconds() >= 0.5
        leaf = x509.load_pem_x509_certificate(sent.payload["certificateChain"].encode())
        assert leaf.signature_algorithm_oid == x509.SignatureAlgorithmOID.RSA_WITH_SHA256
        assert await connected.call("SignCertificate", {"csr": "nonsense"}) == {"status": "Rejected"}


async def test_who_is_in_with_a_certificate_that_is_revoked_is_sent_away(
    node: Node, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    for name in ("CP1", "CP2"):
        await register(node, name, security_profile=3, serial_number=name)
    first, second = [
        await client_context(node, await with_certificate(node, tmp_path / name, name)) for name in ("CP1", "CP2")
    ]
    async with station(node, "CP1", "tls", first) as revoked, station(node, "CP2", "certificate", second) as other:
        await booted(revoked)
        await booted(other)
        (certificate,) = (await told(api, "/stations/CP1/certificates"))["items"]
        await ask(api, f"/certificates/{certificate['id']}/revoke")
        ended = await revoked.closed()
        assert (ended.code, ended.reason) == (1008, "the client certificate was revoked")
        await booted(other)


async def test_a_revoked_certificate_is_listed_and_opens_no_door(
    node: Node, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    await register(node, "CP1", security_profile=3)
    identity = await with_certificate(node, tmp_path / "identity", "CP1")
    context = await client_context(node, identity)
    async with station(node, "CP1", "tls", context):
        pass
    (certificate,) = (await told(api, "/stations/CP1/certificates"))["items"]
    await ask(api, f"/certificates/{certificate['id']}/revoke")
    for _ in range(2):
        assert await refused(station(node, "CP1", "tls", context)) == 403
    events = (await told(api, "/security-events?station_id=CP1"))["items"]
    assert [(each["type"], "revoked" in each["technical_info"]) for each in events] == [
        ("StationCertificateRefused", True)
    ], "it is told once"
    listed = await api.get(f"/certificate-authorities/{certificate['authority_id']}/crl")
    crl = x509.load_pem_x509_crl(listed.content)
    assert crl.get_revoked_certificate_by_serial_number(int(certificate["serial_number"], 16)) is not None


def wire(root: x509.Certificate, algorithm: str) -> dict[str, str]:
    """Hash data of a root as a station writes it."""
    data = hash_data_of(root, root, algorithm)
    return {
        "hashAlgorithm": data.hash_algorithm,
        "issuerNameHash": data.issuer_name_hash,
        "issuerKeyHash": data.issuer_key_hash,
        "serialNumber": data.serial_number,
    }
