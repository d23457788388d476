"""The handshake probed with raw sockets: every row of handbook §1.2, and abuse (RELIABILITY D-02)."""

import asyncio
from typing import Any

import pytest

from stationmaster.domain.facts import HandshakeRefused, OddityTolerated
from stationmaster.gateway.contract import Admission, Attempt, PasswordMatch
from stationmaster.gateway.identities import PathRules
from tests.gateway.conftest import PASSWORD, StartWorld, World, basic, until
from tests.gateway.raw import upgrade

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


async def refused(world: World, request: bytes, status: int, reason: str) -> HandshakeRefused:
    """The request gets this status, and the list of refusals says why."""
    before = len(world.directory.facts(HandshakeRefused))
    station = await world.raw()
    response = await station.request(request)
    assert response.status == status
    assert response.headers["connection"] == "close"
    await until(lambda: len(world.directory.facts(HandshakeRefused)) > before)
    fact: HandshakeRefused = world.directory.facts(HandshakeRefused)[-1]
    assert (fact.status, fact.reason) == (status, reason)
    assert fact.detail
    assert world.gateway.connected_stations() == []
    return fact


# Row 2: a proper upgrade


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": None},
        {"Upgrade": "h2c"},
        {"Connection": None},
        {"Connection": "keep-alive"},
        {"Sec_WebSocket_Key": None},
        {"Sec_WebSocket_Key": "too short"},
        {"Sec_WebSocket_Key": "AAAA"},
        {"Sec_WebSocket_Version": None},
        {"Content_Length": "5"},
        {"Transfer_Encoding": "chunked"},
    ],
)
async def test_what_is_no_upgrade_is_a_400(world: World, changes: dict[str, Any]) -> None:
    world.directory.add("CP1")
    await refused(world, upgrade(**changes), 400, "not_a_websocket")


@pytest.mark.parametrize("line", ["POST /ocpp/CP1 HTTP/1.1", "GET /ocpp/CP1 HTTP/1.0", "HEAD /ocpp/CP1 HTTP/1.1"])
async def test_other_methods_and_versions_of_http_are_a_400(world: World, line: str) -> None:
    request = upgrade().replace(b"GET /ocpp/CP1 HTTP/1.1", line.encode())
    await refused(world, request, 400, "not_a_websocket")


async def test_only_the_version_wrong_is_a_426_that_names_the_right_one(world: World) -> None:
    station = await world.raw()
    response = await station.request(upgrade(Sec_WebSocket_Version="8"))
    assert response.status == 426
    assert response.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "changes",
    [
        {"Connection": "keep-alive, upgrade", "Upgrade": "WebSocket"},
        {"Content_Length": "0"},
        {"Host": None},
        {"Origin": "file://"},
        {"Origin": "http://localhost/"},  # as some libraries of stations do
        {"Origin": "file://", "User_Agent": "Mozilla/5.0 (Linux; built in)"},
        {"User_Agent": "ÄÖÜ \xff"},
    ],
)
async def test_harmless_variants_are_let_in(world: World, changes: dict[str, Any]) -> None:
    await world.station("CP1", **changes)


async def test_a_connection_header_without_upgrade_can_be_repaired_by_a_setting(start_world: StartWorld) -> None:
    world = await start_world({"repair_connection_header": True})
    await world.station("CP1", Connection="keep-alive")
    assert [odd.kind for odd in world.directory.facts(OddityTolerated)] == ["connection_header"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "x"},
        {"Sec_Fetch_Mode": "websocket"},
        {"Origin": "http://evil.example", "User_Agent": BROWSER},  # all that Chromium tells over plain ws
        {"Origin": "http://csms.example.com", "User_Agent": BROWSER},  # a name that was made to lead here
        {"Origin": "null", "User_Agent": BROWSER},
    ],
)
async def test_a_web_page_is_not_a_station(world: World, headers: dict[str, str]) -> None:
    world.directory.add("CP1", security_profile=0)
    await refused(world, upgrade(**headers), 403, "from_a_browser")


# Row 3: not now


async def test_while_shutting_down_newcomers_are_told_to_come_again(world: World) -> None:
    world.directory.add("CP1")
    draining = asyncio.create_task(world.gateway.drain(within_s=1))
    await asyncio.sleep(0)
    station = await world.raw()
    response = await station.request(upgrade())
    assert response.status == 503
    assert int(response.headers["retry-after"]) > 0
    await draining


async def test_too_many_sockets_are_a_503(start_world: StartWorld) -> None:
    world = await start_world(connection_limit=2)
    await world.station("A")
    await world.station("B")
    world.directory.add("C")
    station = await world.raw()
    response = await station.request(upgrade("/ocpp/C"))
    assert response.status == 503
    station.drop()
    world.stations[0].drop()
    await until(lambda: world.gateway.connected_stations() == ["B"])
    await world.station("C")


async def test_too_many_handshakes_at_once_are_a_503(start_world: StartWorld) -> None:
    world = await start_world(handshakes_at_once=1)
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    world.directory.lookup_waits = wait
    world.directory.add("CP1")
    first, second = await world.raw(), await world.raw()
    await first.send(upgrade())
    await asyncio.sleep(0.02)
    assert (await second.request(upgrade("/ocpp/CP2"))).status == 503
    gate.set()
    assert (await first.response()).status == 101


async def test_repeated_failures_throttle_the_pair_and_nobody_else(start_world: StartWorld) -> None:
    world = await start_world(failures_per_minute=10)
    world.directory.add("CP1", security_profile=1, password_hash=PASSWORD)
    world.directory.add("CP2", security_profile=1, password_hash=PASSWORD)
    for _ in range(11):
        await refused(world, upgrade(Authorization=basic("CP1", b"wrong")), 401, "password_wrong")
    station = await world.raw()
    response = await station.request(upgrade(Authorization=basic("CP1")))
    assert response.status == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60
    await world.station("CP2", Authorization=basic("CP2"))


async def test_a_success_clears_the_failures(start_world: StartWorld) -> None:
    world = await start_world(failures_per_minute=3)
    world.directory.add("CP1", security_profile=1, password_hash=PASSWORD)
    for _ in range(4):
        for _ in range(3):
            station = await world.raw()
            assert (await station.request(upgrade(Authorization=basic("CP1", b"no")))).status == 401
        await world.station("CP1", Authorization=basic("CP1"))


async def test_a_database_that_fails_is_a_503_and_not_a_404(world: World) -> None:
    async def fail() -> None:
        raise OSError("the database is away")

    world.directory.lookup_waits = fail
    fact = await refused(world, upgrade(), 503, "unavailable")
    assert "database" in fact.detail


# Row 4: who is it (§1.1)


@pytest.mark.parametrize(
    "target",
    [
        "/ocpp/nobody",
        "/ocpp/cp1",
        "/ocpp/CP1%20",
        "/ocpp/CP%2531",
    ],
)
async def test_an_unknown_identity_is_a_404_and_is_listed_as_seen(world: World, target: str) -> None:
    world.directory.add("CP1")
    fact = await refused(world, upgrade(target), 404, "unknown_station")
    assert not fact.known
    (attempt,) = world.directory.facts(Attempt)
    assert attempt.identity == fact.station_id
    assert attempt.subprotocols == ("ocpp1.6",)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/CP1",
        "/ocpp",
        "/ocpp/",
        "/ocpp/CP1/",
        "/ocpp/CP1/extra",
        "/ocpp/..",
        "/ocpp/%2e%2e",
        "/ocpp/%00",
        "/ocpp/CP1%00",
        "/ocpp/%zz",
        "/ocpp/%ff",
        "/ocpp/%",
        "/ocpp/\xff\xfe",
        "/ocpp/" + "x" * 300,
        "*",
        "http://[::1",
    ],
)
async def test_a_path_without_an_identity_is_a_404(world: World, target: str) -> None:
    world.directory.add("CP1")
    await refused(world, upgrade(target), 404, "bad_identity")


@pytest.mark.parametrize(
    ("target", "identity"),
    [
        ("/ocpp/RDAM%20123", "RDAM 123"),
        ("/ocpp/%43P1", "CP1"),
        ("/ocpp/CP%252F1", "CP%2F1"),
        ("/ocpp/Z%C3%BCrich", "Zürich"),
        ("/ocpp/a*-_=+|@.b", "a*-_=+|@.b"),
        ("//ocpp//CP1", "CP1"),
        ("ws://csms.example.com:9000/ocpp/CP1", "CP1"),
        ("/ocpp/CP1?version=1.6", "CP1"),
    ],
)
async def test_identities_are_read_as_stations_write_them(world: World, target: str, identity: str) -> None:
    world.directory.add(identity)
    station = await world.raw()
    assert (await station.request(upgrade(target))).status == 101
    await until(lambda: world.gateway.connected_stations() == [identity])


async def test_a_policy_may_admit_unknown_stations(world: World) -> None:
    world.directory.admits_unknown = True
    station = await world.raw()
    assert (await station.request(upgrade("/ocpp/new"))).status == 101


async def test_other_endpoints_and_forgiving_paths_are_settings(start_world: StartWorld) -> None:
    world = await start_world({"paths": PathRules(endpoints=("/steve/websocket", ""), extra_segments=True)})
    world.directory.add("CP1")
    for target in ("/steve/websocket/CP1", "/CP1", "/CP1/", "/CP1/CP1"):
        station = await world.raw()
        assert (await station.request(upgrade(target))).status == 101


# Rows 5 and 6: profile and password (§4.1, §4.2)


async def test_a_station_of_a_tls_profile_is_refused_on_a_plain_port(world: World) -> None:
    world.directory.add("CP1", security_profile=2, password_hash=PASSWORD)
    fact = await refused(world, upgrade(Authorization=basic("CP1")), 403, "profile_mismatch")
    assert fact.known


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "password_missing"),
        ("", "password_unreadable"),
        ("Bearer abc", "password_unreadable"),
        ("Basic", "password_unreadable"),
        ("Basic %%%", "password_unreadable"),
        ("Basic Q1Ax", "password_unreadable"),
        ("Basic " + "A" * 4000, "password_unreadable"),
        (basic("CP2"), "user_mismatch"),
        (basic("cp1"), "user_mismatch"),
        (basic("CP1", b""), "password_wrong"),
        (basic("CP1", b"0123456789abcdeX"), "password_wrong"),
    ],
)
async def test_wrong_credentials_are_a_401_that_asks_for_basic(
    world: World, authorization: str | None, reason: str
) -> None:
    world.directory.add("CP1", security_profile=1, password_hash=PASSWORD)
    await refused(world, upgrade(Authorization=authorization), 401, reason)
    station = await world.raw()
    response = await station.request(upgrade(Authorization=authorization))
    assert response.headers["www-authenticate"] == 'Basic realm="OCPP"'


async def test_two_authorization_headers_are_a_401(world: World) -> None:
    world.directory.add("CP1", security_profile=1, password_hash=PASSWORD)
    request = upgrade(Authorization=basic("CP1"), authorization=basic("CP1"))
    await refused(world, request, 401, "password_unreadable")


@pytest.mark.parametrize(
    "authorization",
    [
        basic("CP1"),
        basic("CP1").replace("Basic", "bASIC"),
        basic("CP1", PASSWORD.hex().encode()),
        basic("CP1", PASSWORD.hex().upper().encode()),
    ],
)
async def test_the_right_password_is_let_in_in_either_writing(world: World, authorization: str) -> None:
    world.directory.add("CP1", security_profile=1, password_hash=PASSWORD)
    await world.station("CP1", Authorization=authorization)
    assert world.directory.facts(Admission)[-1] == Admission(security_profile=1, password=PasswordMatch.CURRENT)


async def test_a_password_may_hold_colons_and_bytes_that_are_no_text(world: World) -> None:
    password = bytes(range(0xF0, 0x100)) + b":::"
    world.directory.add("CP1", security_profile=1, password_hash=password)
    await world.station("CP1", Authorization=basic("CP1", password))


async def test_the_pending_password_is_told_apart(world: World) -> None:
    world.directory.add("CP1", security_profile=1, password_hash=b"old" * 6, pending_password_hash=PASSWORD)
    await world.station("CP1", Authorization=basic("CP1"))
    assert world.directory.facts(Admission)[-1].password is PasswordMatch.PENDING


async def test_the_user_may_be_written_as_in_the_path(world: World) -> None:
    world.directory.add("RDAM 123", security_profile=1, password_hash=PASSWORD)
    for user in ("RDAM%20123", "RDAM 123"):
        station = await world.raw()
        response = await station.request(upgrade("/ocpp/RDAM%20123", Authorization=basic(user)))
        assert response.status == 101


async def test_profile_0_needs_no_password_and_ignores_one_that_nothing_is_stored_for(world: World) -> None:
    await world.station("CP1")
    await world.station("CP1", Authorization=basic("CP1", b"anything"))
    assert world.directory.facts(Admission)[-1] == Admission(security_profile=0, password=None)


async def test_profile_0_with_a_stored_password_checks_what_is_sent(world: World) -> None:
    world.directory.add("CP1", security_profile=0, password_hash=PASSWORD)
    await refused(world, upgrade(Authorization=basic("CP1", b"wrong")), 401, "password_wrong")
    await world.station("CP1")


async def test_the_body_of_a_refusal_does_not_say_what_was_wrong_with_the_password(world: World) -> None:
    world.directory.add("CP1", security_profile=1, password_hash=PASSWORD)
    station = await world.raw()
    await station.request(upgrade(Authorization=basic("CP1", b"wrong")))
    assert await station.reader.read() == b"401 Unauthorized\n"


# Rows 8 to 10: subprotocol (§1.3)


async def test_no_subprotocol_is_a_400(world: World) -> None:
    world.directory.add("CP1")
    await refused(world, upgrade(Sec_WebSocket_Protocol=None), 400, "no_subprotocol")


async def test_no_subprotocol_can_be_taken_for_1_6_by_a_setting(start_world: StartWorld) -> None:
    world = await start_world({"accept_missing_subprotocol": True})
    world.directory.add("CP1")
    station = await world.raw()
    response = await station.request(upgrade(Sec_WebSocket_Protocol=None))
    assert response.status == 101
    assert "sec-websocket-protocol" not in response.headers
    await until(lambda: world.directory.facts(OddityTolerated))
    assert world.directory.facts(OddityTolerated)[0].kind == "no_subprotocol"


@pytest.mark.parametrize(
    "offer", ["ocpp0.1", "OCPP1.6", "ocpp1.6j", "", ",", "ocpp2.0.1, ocpp2.1", "öcpp1.6", "ocpp1.6\xa0"]
)
async def test_no_common_subprotocol_is_a_400(world: World, offer: str) -> None:
    world.directory.add("CP1")
    await refused(world, upgrade(Sec_WebSocket_Protocol=offer), 400, "subprotocol_unknown")


@pytest.mark.parametrize(
    ("offer", "chosen"),
    [
        ("ocpp0.1,ocpp1.6", "ocpp1.6"),
        ("ocpp2.0.1, ocpp1.6", "ocpp1.6"),
        ("x-b, x-a", "x-b"),
        ("x-a, ocpp1.6, x-b", "x-a"),
    ],
)
async def test_the_client_chooses_among_what_is_supported(start_world: StartWorld, offer: str, chosen: str) -> None:
    world = await start_world({"subprotocols": ("ocpp1.6", "x-a", "x-b")})
    world.directory.add("CP1")
    station = await world.raw()
    response = await station.request(upgrade(Sec_WebSocket_Protocol=offer))
    assert response.headers["sec-websocket-protocol"] == chosen


async def test_the_offer_may_be_spread_over_several_headers(world: World) -> None:
    world.directory.add("CP1")
    station = await world.raw()
    request = upgrade(Sec_WebSocket_Protocol="ocpp2.0.1", sec_websocket_protocol="ocpp1.6")
    response = await station.request(request)
    assert response.headers["sec-websocket-protocol"] == "ocpp1.6"


# The order of the rows: the first hit counts


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (upgrade("/ocpp/nobody", Upgrade=None), 400),
        (upgrade("/ocpp/nobody", Sec_WebSocket_Protocol=None), 404),
        (upgrade("/ocpp/TLS", Sec_WebSocket_Protocol=None, Authorization=basic("X")), 403),
        (upgrade("/ocpp/BASIC", Sec_WebSocket_Protocol=None), 401),
        (upgrade("/ocpp/BASIC", Sec_WebSocket_Protocol="ocpp0.1", Authorization=basic("BASIC")), 400),
    ],
)
async def test_the_rows_are_decided_in_their_order(world: World, request_: bytes, status: int) -> None:
    world.directory.add("TLS", security_profile=2)
    world.directory.add("BASIC", security_profile=1, password_hash=PASSWORD)
    station = await world.raw()
    assert (await station.request(request_)).status == status
