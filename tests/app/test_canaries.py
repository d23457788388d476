"""Secrets that are planted turn up nowhere: logs, answers, figures, message log, database (RELIABILITY S-14)."""

import asyncio
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from stationmaster.app.config import LogSettings
from stationmaster.app.logs import configure_logs
from stationmaster.app.node import running_node
from stationmaster.conformance.errors import HandshakeRefused
from stationmaster.conformance.station import ScriptedStation
from tests.api.conftest import client_of, settings_of

STATION_PASSWORD = "canary-station-password-71c9"
WRONG_PASSWORD = "canary-wrong-password-a830"
NEW_PASSWORD = "CANARYNEWPASSWORD0042"
URL_PASSWORD = "canary-url-password-55e1"
PEPPER = "canary-pepper-1f0b5c77d2"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(LogSettings(format="json", level="debug"), stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


async def test_no_secret_is_seen_anywhere(tmp_path: Path, log: io.StringIO) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    settings = settings_of(tmp_path, url, database__migrate=True, security__pepper=PEPPER)
    told: list[str] = []
    async with running_node(settings) as node, client_of(node, node.first_key) as api:
        key = node.first_key or ""
        await api.post("/stations", {"id": "CP7", "password": STATION_PASSWORD})
        ocpp = node.ocpp_url("127.0.0.1")
        with pytest.raises(HandshakeRefused):
            await ScriptedStation(ocpp, "CP7", password=WRONG_PASSWORD).connect()
        async with ScriptedStation(ocpp, "CP7", password=STATION_PASSWORD) as station:
            await station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            for action, payload, answer in (
                ("ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW_PASSWORD}, {"status": "Rejected"}),
                ("GetDiagnostics", {"location": f"ftp://user:{URL_PASSWORD}@files.example/d"}, {}),
            ):
                asked = asyncio.create_task(api.http.post(f"/api/v1/stations/CP7/commands/{action}", json=payload))
                await station.obey(action, answer)
                told.append((await asked).text)
        for path in (
            "/api/v1/stations",
            "/api/v1/jobs",
            "/api/v1/messages",
            "/api/v1/past-events",
            "/api/v1/refused-handshakes",
            "/api/v1/api-keys",
            "/api/v1/stations/CP7/configuration",
            "/metrics",
            "/api/v1/stations?cursor=x",
        ):
            told += [(await api.http.get(path)).text]
        told.append((await api.http.get("/api/v1/stations", headers={"Authorization": "Bearer sm_wrong"})).text)
    everything = {
        "log": log.getvalue(),
        "answers": "\n".join(told),
        "files": _everything_in(tmp_path),
    }
    assert "CP7" in everything["answers"]
    assert "CP7" in everything["files"]
    for secret in (STATION_PASSWORD, WRONG_PASSWORD, NEW_PASSWORD, URL_PASSWORD, PEPPER, key):
        for place, text in everything.items():
            assert secret not in text, f"{secret} in the {place}"


def _everything_in(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file())
