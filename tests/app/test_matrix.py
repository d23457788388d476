"""S-01: nobody gets in who does not belong, and everybody is refused before the upgrade, on every door."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from stationmaster.app.node import Node, clock
from stationmaster.conformance.errors import ConformanceError, HandshakeRefused
from stationmaster.conformance.station import ScriptedStation
from stationmaster.services.x509.authority import issue_station
from stationmaster.services.x509.keys import KeyFamily
from stationmaster.services.x509.pem import pem_of
from tests.app.secure_node import ORGANISATION, PASSWORD, Identity, client_context, register, secure_node, station
from tests.services.node import until
from tests.services.responder import Factory, http_stub
from tests.services.responder import leaf as signed_leaf

IN_THE_TLS_HANDSHAKE = 0
OTHERS_PASSWORD = "the password of another station"
DAY_S = 86_400


@pytest.fixture
async def node(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Node]:
    file = tmp_path / "stationmaster.sqlite"
    shutil.copy(sqlite_template, file)
    async with secure_node(tmp_path, f"sqlite:///{file}") as running:
        for profile in range(4):
            await register(running, f"CP{profile}", security_profile=profile, serial_number=f"SN-{profile}")
        await register(running, "CP9", security_profile=2, password=OTHERS_PASSWORD, serial_number="SN-9")
        yield running


async def certificate(
    node: Node, folder: Path, common_name: str, age_days: int = 0, organisation: str = "Lake Charging"
) -> Identity:
    """A certificate that our authority signed so long ago, for 30 days, whomever it is for."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 -- a test waits for nobody else
    identity = Identity(folder)
    issuer = await node.services.authorities.issuer(ORGANISATION, KeyFamily.EC)
    leaf = issue_station(
        identity.key.public_key(),
        issuer.authority,
        serial_number=common_name,
        organisation=organisation,
        serial=x509.random_serial_number(),
        now=node.services.context.clock() - age_days * DAY_S * 1_000_000,
        lifetime_s=30 * DAY_S,
    )
    identity.chain = pem_of(leaf)
    return identity


async def outcome(connecting: ScriptedStation) -> int:
    """The status of the answer: 101 when it was let in, 0 when TLS already failed."""
    try:
        async with connecting:
            return 101
    except HandshakeRefused as error:
        return error.status or IN_THE_TLS_HANDSHAKE
    except (ConformanceError, OSError):
        return IN_THE_TLS_HANDSHAKE


PASSWORDS: dict[str, Any] = {
    "nothing": None,
    "a wrong password": "a wrong password of sixteen bytes",
    "another station's password": OTHERS_PASSWORD,
}


IDENTITIES = ("UNKNOWN", "CP1", "CP2", "CP3")


@pytest.mark.parametrize(("door", "right"), [("plain", "CP1"), ("tls", "CP2"), ("certificate", None)])
async def test_without_the_right_credentials_no_door_opens(node: Node, door: str, right: str | None) -> None:
    tls = None if door == "plain" else await client_context(node)
    for credentials, password in PASSWORDS.items():
        found = {name: await outcome(station(node, name, door, tls, password)) for name in IDENTITIES}
        expected = {name: 404 if name == "UNKNOWN" else 401 if name == right else 403 for name in IDENTITIES}
        if door == "certificate":
            expected = dict.fromkeys(IDENTITIES, IN_THE_TLS_HANDSHAKE)
        assert found == expected, credentials


@pytest.mark.parametrize("door", ["plain", "tls"])
async def test_the_right_password_at_the_wrong_door_is_of_no_use(node: Node, door: str) -> None:
    tls = None if door == "plain" else await client_context(node)
    opens = {"plain": {"CP0": 101, "CP1": 101}, "tls": {"CP2": 101}}[door]
    found = {f"CP{each}": await outcome(station(node, f"CP{each}", door, tls, PASSWORD)) for each in range(4)}
    assert found == {f"CP{each}": 403 for each in range(4)} | opens


@pytest.mark.parametrize(("door", "identity"), [("plain", "CP1"), ("tls", "CP2"), ("tls", "UNKNOWN")])
async def test_a_user_name_that_is_not_the_identity(node: Node, door: str, identity: str) -> None:
    """Though user name and password are right for another station."""
    tls = None if door == "plain" else await client_context(node)
    url = station(node, identity, door).target.url
    header = {"Authorization": "Basic Q1A5OnRoZSBwYXNzd29yZCBvZiBhbm90aGVyIHN0YXRpb24="}
    assert await outcome(ScriptedStation(url, identity, tls=tls, headers=header)) == (
        404 if identity == "UNKNOWN" else 401
    )


CERTIFICATES: dict[str, tuple[dict[str, Any], int]] = {
    "another station's": ({"common_name": "SN-9"}, 403),
    "expired": ({"common_name": "SN-3", "age_days": 40}, IN_THE_TLS_HANDSHAKE),
    "not valid yet": ({"common_name": "SN-3", "age_days": -5}, IN_THE_TLS_HANDSHAKE),
    "of no station": ({"common_name": "SN-0000"}, 403),
    "another operator's": ({"common_name": "SN-3", "organisation": "Sea Charging"}, 403),
}


@pytest.mark.parametrize("door", ["tls", "certificate"])
async def test_a_certificate_that_does_not_fit(node: Node, tmp_path: Path, door: str) -> None:
    for fault, (words, status) in CERTIFICATES.items():
        identity = await certificate(node, tmp_path / "identity", **words)
        context = await client_context(node, identity)
        assert await outcome(station(node, "CP3", door, context, PASSWORD)) == status, fault
        unknown = status and 404
        assert await outcome(station(node, "UNKNOWN", door, context, PASSWORD)) == unknown, fault


@pytest.mark.parametrize("door", ["tls", "certificate"])
async def test_a_certificate_that_was_revoked(node: Node, tmp_path: Path, door: str) -> None:
    identity = await certificate(node, tmp_path / "identity", "SN-3")
    context = await client_context(node, identity)
    assert await outcome(station(node, "CP3", door, context, PASSWORD)) == 101

    async def is_kept() -> bool:
        return bool(await node.storage.certificates.of_station("CP3"))

    await until(is_kept)
    (kept,) = await node.storage.certificates.of_station("CP3")
    await node.services.certificates.revoke(ORGANISATION, kept.id, None)
    assert await outcome(station(node, "CP3", door, context, PASSWORD)) == 403
    assert await outcome(station(node, "UNKNOWN", door, context, PASSWORD)) == 404


@pytest.mark.parametrize("door", ["tls", "certificate"])
async def test_a_certificate_that_its_own_authority_revoked(tmp_path: Path, sqlite_template: Path, door: str) -> None:
    """As the responder says, asked while the station stands at the door (OCSP)."""
    now = clock()
    maker = Factory(now)
    shutil.copy(sqlite_template, tmp_path / "of-ocsp.sqlite")
    url = f"sqlite:///{tmp_path / 'of-ocsp.sqlite'}"
    async with http_stub() as stub, secure_node(tmp_path, url, security__private_hosts="127.0.0.1") as running:
        root = pem_of(maker.authority.certificate)
        await running.services.authorities.add(ORGANISATION, "Factory", root, "trusted")
        await register(running, "CP3", security_profile=3, serial_number="SN-77")
        for number, (revoked, status) in enumerate(((False, 101), (True, 403))):
            (tmp_path / str(number)).mkdir()
            identity = Identity(tmp_path / str(number))
            leaf, _ = signed_leaf(maker.authority, now, stub.url, key=identity.key, serial=77 + number)
            identity.chain = pem_of(leaf)
            said = maker.says(leaf, revoked=revoked)
            stub.reply = lambda _body, said=said: said  # type: ignore[misc]  # a method of a stub is what the test sets
            context = await client_context(running, identity)
            assert await outcome(station(running, "CP3", door, context)) == status
            assert stub.asked == number + 1


async def test_a_certificate_of_somebody_elses_authority(node: Node, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "stationmaster.sqlite", tmp_path / "other")
    async with secure_node(tmp_path / "other", "sqlite:///" + str(tmp_path / "other" / "new.sqlite")) as elsewhere:
        identity = await certificate(elsewhere, tmp_path / "identity", "SN-3")
    context = await client_context(node, identity)
    for door in ("tls", "certificate"):
        assert await outcome(station(node, "CP3", door, context)) == IN_THE_TLS_HANDSHAKE


async def test_the_right_certificate_opens_its_doors_and_for_one_station_only(node: Node, tmp_path: Path) -> None:
    identity = await certificate(node, tmp_path / "identity", "SN-3")
    context = await client_context(node, identity)
    for door in ("tls", "certificate"):
        assert await outcome(station(node, "CP3", door, context)) == 101
    found = {
        name: await outcome(station(node, name, "certificate", context)) for name in ("UNKNOWN", "CP1", "CP2", "CP9")
    }
    assert found == {"UNKNOWN": 404, "CP1": 403, "CP2": 401, "CP9": 401}
