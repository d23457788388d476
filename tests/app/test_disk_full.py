"""A database that cannot grow any more (RELIABILITY R-05): said aloud, nothing lost, and mended by itself."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

pytestmark = pytest.mark.slow
LIMIT_BYTES = 3 * 1024 * 1024


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STATIONMASTER_")}
    command = [sys.executable, "-m", "stationmaster", "serve", "--host", "127.0.0.1", "--data", str(tmp_path / "data")]
    with out.open("w") as output:
        node = subprocess.Popen(
            [*command, "--ocpp-port", "0", "--http-port", "0"], stdout=output, stderr=output, env=environment
        )
        try:
            http, ocpp, key = _where(out, node)
            headers = {"Authorization": f"Bearer {key}"}
            station = {"id": "CP7", "security_profile": 0}
            httpx.post(f"{http}/api/v1/stations", headers=headers, json=station, trust_env=False).raise_for_status()
            with (
                httpx.Client(base_url=http, headers=headers, timeout=30, trust_env=False) as client,
                connect(f"{ocpp}/CP7", subprotocols=["ocpp1.6"], proxy=None) as socket,  # type: ignore[list-item]  # a plain str is a Subprotocol
            ):
                assert _status(socket)[0] == 3
                # No file of the process may grow from here on: what a full disk is to a database.
                _, hard = resource.prlimit(node.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (LIMIT_BYTES, hard))
                answers = [_status(socket, "x" * 40_000) for _ in range(200)]
                assert answers[-1][0] == 4, "no false confirmation"
                assert answers[-1][2] == "InternalError"
                told = client.get("/readyz")
                assert told.status_code == 503
                assert told.json()["details"].keys() == {"database"}
                assert client.get("/healthz").status_code == 200
                assert client.post("/api/v1/tokens", json={"id_tag": "X"}).status_code == 503
                resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (hard, hard))
                deadline = time.monotonic() + 20
                while client.get("/readyz").status_code != 200 and time.monotonic() < deadline:
                    time.sleep(0.2)
                assert client.get("/readyz").status_code == 200, out.read_text()[-2000:]
                assert _status(socket)[0] == 3, "it goes on where it was, on the same connection"
        finally:
            node.send_signal(signal.SIGTERM)
            assert node.wait(30) == 0


def _status(socket: ClientConnection, info: str = "") -> list[object]:
    message = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "vendorErrorCode": info}
    socket.send(json.dumps([2, f"{time.monotonic_ns()}", "StatusNotification", message]))
    answer: list[object] = json.loads(socket.recv(30))
    return answer


def _where(out: Path, node: "subprocess.Popen[bytes]") -> tuple[str, str, str]:
    deadline = time.monotonic() + 60
    while "sm_" not in out.read_text():
        assert node.poll() is None, out.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    text = out.read_text()
    http = re.search(r"(http://\S+)/$", text, re.MULTILINE)
    ocpp = re.search(r"(ws://\S+)/STATION-ID", text)
    key = re.search(r"sm_\S+", text)
    assert http
    assert ocpp
    assert key
    return http[1], ocpp[1], key[0]
