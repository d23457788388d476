"""What the system tells of itself: version, addresses, settings, and what stations can be asked."""

from pathlib import Path
from typing import Any

from stationmaster.actions.v16 import COMMANDS
from stationmaster.app.node import running_node
from tests.api.conftest import Client, client_of, connected, settings_of, with_role


async def test_where_stations_connect(api: Client) -> None:
    about = await api.get("/about")
    assert about["station_urls"] == {"ws": f"ws://127.0.0.1:{api.node.ocpp_port}/ocpp", "wss": None}
    assert about["version"]


async def test_the_map_draws_what_it_has_unless_it_is_given_tiles(api: Client, tmp_path: Path) -> None:
    assert (await api.get("/about"))["map"] == {"tile_url": None, "attribution": ""}
    policy = (await api.http.get("/")).headers["content-security-policy"]
    assert "img-src 'self' data:;" in policy
    tiles = {"map__tile_url": "https://tiles.example.org:8443/{z}/{x}/{y}.png", "map__attribution": "Example"}
    settings = settings_of(tmp_path, f"sqlite:///{tmp_path / 'x.sqlite'}", database__migrate=True, **tiles)
    async with running_node(settings) as node, client_of(node, node.first_key) as admin:
        answer = await admin.http.get("/api/v1/about")
    assert answer.json()["map"] == {"tile_url": tiles["map__tile_url"], "attribution": "Example"}
    # The origin alone, for pictures alone.
    assert "img-src 'self' data: https://tiles.example.org:8443;" in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].count("tiles.example.org") == 1


async def test_settings_are_told_with_their_sources_and_without_secrets(tmp_path: Path) -> None:
    secrets = {
        "security__pepper": "canary-pepper-0123456789",
        "oidc__issuer": "http://127.0.0.1:9",
        "oidc__client_id": "us",
        "oidc__client_secret": "canary-client-secret",
    }
    settings = settings_of(tmp_path, f"sqlite:///{tmp_path / 'x.sqlite'}", database__migrate=True, **secrets)
    async with running_node(settings, {"ocpp.port": "--ocpp-port"}) as node, client_of(node, node.first_key) as admin:
        answer = await admin.http.get("/api/v1/settings")
        assert await admin.get("/session/options") == {"oidc": {"name": "Single sign-on"}}
    assert "canary" not in answer.text
    told = {each["key"]: each for each in answer.json()["items"]}
    assert told["ocpp.port"] | {"description": ""} == {
        "key": "ocpp.port",
        "description": "",
        "value": "0",
        "default": "9000",
        "source": "--ocpp-port",
        "secret": False,
        "variable": "STATIONMASTER_OCPP_PORT",
    }
    assert told["security.pepper"]["value"] == "********"
    assert told["oidc.client_secret"]["secret"]
    assert told["log.format"]["source"] == "default"


async def test_every_action_has_a_form(api: Client) -> None:
    items = (await api.get("/actions"))["items"]
    assert [each["action"] for each in items] == sorted(COMMANDS)
    for each in items:
        assert each["schema"]["$ref"].startswith("#/$defs/")
        assert each["block"]
        assert (each["why_dangerous"] is not None) is (each["dangerous"] or each["dangerous_when"] is not None)
    assert {each["action"] for each in items if each["dangerous"]} == {
        "CertificateSigned",
        "ClearCache",
        "DeleteCertificate",
        "InstallCertificate",
        "SignedUpdateFirmware",
        "UpdateFirmware",
    }
    assert {each["action"] for each in items if each["dangerous_when"]} == {
        "ChangeConfiguration",
        "Reset",
        "SetChargingProfile",
    }


HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("Reset", {"type": "Soft"}),
    ("UnlockConnector", {"connectorId": 1}),
    ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}),
    ("TriggerMessage", {"requestedMessage": "StatusNotification"}),
    ("GetConfiguration", {}),
]


def profile(connector_id: int, limit: float, unit: str = "A") -> dict[str, Any]:
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    return {
        "connectorId": connector_id,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "ChargePointMaxProfile" if connector_id == 0 else "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {"startSchedule": "2025-03-01T12:00:00Z", **schedule},
        },
    }


DANGEROUS: list[tuple[str, dict[str, Any]]] = [
    ("Reset", {"type": "Hard"}),
    ("ClearCache", {}),
    ("ChangeConfiguration", {"key": " authorizationKEY ", "value": "00112233445566778899AABBCCDDEEFF"}),
    ("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}),
    ("ChangeConfiguration", {"key": "Central_System-URL", "value": "ws://evil.example"}),
    ("UpdateFirmware", {"location": "https://files.example/f", "retrieveDate": "2025-03-01T12:00:00Z"}),
    (
        "DeleteCertificate",
        {
            "certificateHashData": {
                "hashAlgorithm": "SHA256",
                "issuerNameHash": "00",
                "issuerKeyHash": "00",
                "serialNumber": "01",
            }
        },
    ),
    ("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "x"}),
    ("SetChargingProfile", profile(0, 0)),
    ("SetChargingProfile", profile(0, 5.9)),
    ("SetChargingProfile", profile(0, 1000, "W")),
]


ANSWERS: dict[str, dict[str, Any]] = {"GetConfiguration": {}, "UnlockConnector": {"status": "NotSupported"}}


async def test_an_operator_does_the_everyday_things_and_nothing_dangerous(api: Client) -> None:
    async with connected(api) as station, with_role(api, "operator") as operator:
        path = f"/stations/{station.identity}/commands"
        for action, payload in DANGEROUS:
            problem = await operator.problem("POST", f"{path}/{action}", 403, "dangerous_command", json=payload)
            assert "commands:dangerous" in problem["detail"]
        for action, payload in [
            *HARMLESS,
            ("SetChargingProfile", profile(1, 0)),
            ("SetChargingProfile", profile(0, 6)),
        ]:
            answer = await operator.http.post(f"/api/v1{path}/{action}?wait=0", json=payload)
            assert answer.status_code in (200, 202), f"{action}: {answer.text}"
            await station.obey(action, ANSWERS.get(action, {"status": "Rejected"}))


async def test_a_profile_from_the_library_is_no_way_around_it(api: Client) -> None:
    schedule = {"unit": "A", "start_schedule": "2025-03-01T12:00:00Z", "periods": [{"start_period_s": 0, "limit": 0}]}
    body = {
        "connector_id": 0,
        "profile": {"purpose": "station_max", "kind": "absolute", "schedule": schedule},
        "send_anyway": True,
    }
    async with connected(api) as station, with_role(api, "operator") as operator:
        path = f"/stations/{station.identity}/charging-profiles"
        await operator.problem("POST", path, 403, "dangerous_command", json=body)


async def test_who_is_responsible_for_security_does_both(api: Client) -> None:
    async with connected(api) as station, with_role(api, "security_admin") as security:
        for action in ("ClearCache",):
            answer = await security.http.post(f"/api/v1/stations/{station.identity}/commands/{action}?wait=0")
            assert answer.status_code == 202, answer.text
            await station.obey(action, {"status": "Accepted"})
