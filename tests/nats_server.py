"""A NATS server of the tests' own, on a port that the system chose."""

import json
import shutil
import subprocess
import time
from pathlib import Path

START_TIMEOUT_S = 10
STOP_TIMEOUT_S = 5


class NatsServer:
    """A running `nats-server`; `url` is where it listens. Raises FileNotFoundError where none is installed."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("nats-server") or shutil.which("/usr/sbin/nats-server")
        if program is None:
            message = "nats-server is not installed"
            raise FileNotFoundError(message)
        self._folder = folder
        self._process = subprocess.Popen(
            [program, "--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.url = self._wait_for_url()

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.wait(STOP_TIMEOUT_S)

    def _wait_for_url(self) -> str:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            for file in self._folder.glob("*.ports"):
                try:
                    return str(json.loads(file.read_text())["nats"][0])
                except json.JSONDecodeError:
                    continue  # the server is still writing it
            time.sleep(0.01)
        self._process.kill()
        self._process.wait(STOP_TIMEOUT_S)
        message = "nats-server did not start"
        raise RuntimeError(message)
