"""Who stands at the doors over TLS: simulated stations, strangers, and those whose handshake fails."""

import asyncio
import sys
from pathlib import Path

import httpx
import pytest

from stationmaster.app.node import Node
from tests.app.secure_node import PASSWORD, client_context, register, roots, secure_node, station
from tests.app.test_security_flows import api as api  # noqa: PLC0414 -- a fixture
from tests.app.test_security_flows import booted, refused, told, with_certificate
from tests.app.test_security_flows import node as node  # noqa: PLC0414 -- a fixture
from tests.gateway.conftest import basic
from tests.gateway.raw import RawStation


async def test_simulated_stations_come_in_over_tls_if_they_trust_who_answers(node: Node, tmp_path: Path) -> None:
    await register(node, "CP1", security_profile=2)
    (tmp_path / "passwords").write_text(f"CP1,{PASSWORD}\n")
    (tmp_path / "roots.pem").write_text(await roots(node))
    url = f"wss://localhost:{node.port_of('tls')}/ocpp"
    for how, code, words in (
        ([], 1, "certificate verify failed"),
        (["--insecure"], 0, "1 of 1 online"),
        (["--ca-file", str(tmp_path / "roots.pem")], 0, "1 of 1 online"),
    ):
        simulation = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "stationmaster", "simulate", url, "--passwords", str(tmp_path / "passwords")),
            *("--duration", "6", *how),
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await simulation.communicate()
        assert (simulation.returncode, words in told.decode()) == (code, True), told.decode()


async def test_an_unknown_station_is_not_registered_over_tls_without_a_secret(tmp_path: Path) -> None:
    flags = {"ocpp__accept_unknown": True, "database__migrate": True}
    async with secure_node(tmp_path, f"sqlite:///{tmp_path / 'x.sqlite'}", **flags) as node:
        assert await refused(station(node, "CP9", "tls", await client_context(node), PASSWORD)) == 404
        assert await node.storage.stations.get("CP9") is None
        async with station(node, "CP9", "plain", None, None) as connected:
            await booted(connected)


async def test_a_handshake_that_fails_in_tls_is_a_security_event(node: Node, api: httpx.AsyncClient) -> None:
    await register(node, "CP1", security_profile=3)
    for _ in range(2):
        assert await refused(station(node, "CP1", "certificate", await client_context(node))) == 0

    async def events() -> list[str]:
        return [each["type"] for each in (await told(api, "/security-events"))["items"]]

    async with asyncio.timeout(10):
        while not await events():  # noqa: ASYNC110 -- the API has no event
            await asyncio.sleep(0.05)
    assert await events() == ["StationTlsFailed"], "it is told once"


@pytest.mark.parametrize(
    ("flags", "compressing"),
    [
        ({}, {"plain", "tls", "certificate"}),
        ({"ocpp__compression": False}, set()),
        ({"tls__compression": False}, {"plain", "certificate"}),
        ({"tls__certificate_port_compression": False}, {"plain", "tls"}),
        ({"ocpp__compression": False, "tls__compression": True}, {"tls"}),
        ({"ocpp__compression": False, "tls__certificate_port_compression": True}, {"certificate"}),
    ],
)
async def test_each_door_agrees_to_compression_by_its_own_setting(
    tmp_path: Path, flags: dict[str, bool], compressing: set[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    async with secure_node(tmp_path, url, database__migrate=True, **flags) as node:
        for profile, door in enumerate(("plain", "tls", "certificate"), start=1):
            await register(node, f"CP{profile}", security_profile=profile)
            agreed = await what_is_agreed(node, f"CP{profile}", door, tmp_path / "identity")
            assert agreed.startswith("permessage-deflate") == (door in compressing), door


async def what_is_agreed(node: Node, station_id: str, door: str, folder: Path) -> str:
    """The extensions in the answer to a station that offers to compress."""
    identity = await with_certificate(node, folder, station_id) if door == "certificate" else None
    context = None if door == "plain" else await client_context(node, identity)
    raw = RawStation(*await asyncio.open_connection("localhost", node.port_of(door), ssl=context))
    authorization = basic(station_id, PASSWORD.encode())
    offer = {"Authorization": authorization, "Sec_WebSocket_Extensions": "permessage-deflate"}
    try:
        response = await raw.open(station_id, **offer)
        assert response.status == 101
        return response.headers.get("sec-websocket-extensions", "")
    finally:
        raw.drop()
