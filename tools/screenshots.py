"""The pictures of the README, taken from the demo: `python -m tools.screenshots [--out FOLDER]`.

A demo of its own is started on free ports with a folder of its own, so that what is seen is what anybody would
see, and the pictures stay true. They are small: one screen each, without any scaling.
"""

import argparse
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from stationmaster.cli.demo_site import SITE_ID

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "images"
CHROMIUM = Path("/usr/bin/chromium")
SIZE: ViewportSize = {"width": 1280, "height": 800}
START_S = 60.0
SETTLED_S = 600.0
STATIONS = 12
HISTORY_HOURS = 24
SPEED = 600


def main(arguments: list[str]) -> int:
    """Take all pictures; the exit code."""
    parser = argparse.ArgumentParser(description="Take the pictures of the README from the demo.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the pictures")
    folder: Path = parser.parse_args(arguments).out
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stationmaster-pictures-") as data, demo(Path(data)) as (url, password):
        api = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {password}"}, timeout=30, trust_env=False
        )
        print("waiting until the demo has caught up with the present", flush=True)
        settle(api)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name, path, dark in pictures(api):
                take(browser, url, password, path, folder / f"{name}.png", dark=dark)
            browser.close()
    total = sum(each.stat().st_size for each in folder.glob("*.png"))
    print(f"{total / 1000:.0f} kB in {folder}")
    return 0


def pictures(api: httpx.Client) -> Iterator[tuple[str, str, bool]]:
    """Name, path, and whether it is dark."""
    (station, *_) = api.get("/overview").json()["busiest_stations"]
    station_id = station["station_id"]
    closed = api.get("/transactions", params={"state": "closed", "station_id": station_id}).json()["items"]
    longest = max(closed, key=lambda each: each["energy_wh"] or 0)
    yield "overview", "/", False
    yield "overview-dark", "/", True
    yield "stations", "/stations", False
    yield "station", f"/stations/{station_id}", False
    yield "messages", f"/stations/{station_id}/messages", False
    yield "site", f"/sites/{SITE_ID}", False
    yield "transaction", f"/transactions/{longest['id']}", False


def take(browser: Browser, url: str, password: str, path: str, file: Path, *, dark: bool) -> None:
    """One picture, by somebody who has signed in."""
    context: BrowserContext = browser.new_context(
        base_url=url,
        viewport=SIZE,
        locale="en-GB",
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    signed_in = context.request.post(
        "/api/v1/session", data={"username": "admin", "password": password}, headers={"Origin": url}
    )
    if not signed_in.ok:
        raise SystemExit(f"cannot sign in: {signed_in.text()}")
    page: Page = context.new_page()
    page.goto(path)
    page.get_by_role("heading", level=1).wait_for()
    page.locator("[role=progressbar][aria-label]").first.wait_for(state="detached")
    page.locator("[data-stream=live]").wait_for()
    page.screenshot(path=file)
    context.close()
    print(f"{file.name} {file.stat().st_size / 1000:.0f} kB", flush=True)


def settle(api: httpx.Client) -> None:
    """Wait until the past has gone by and the car park shares its power."""

    def ready() -> bool:
        events = api.get("/overview", params={"hours": HISTORY_HOURS}).json()
        load = api.get(f"/sites/{SITE_ID}/load").json()
        charged = [each for each in events["hours"][-3:-1] if each["energy_wh"] > 0]
        sharing = (load.get("totals") or {}).get("transactions", 0)
        return len(charged) == 2 and events["power_known_of"] > 2 and sharing > 2  # noqa: PLR2004 -- enough to be seen

    wait_for(ready, SETTLED_S, "the demo did not catch up")


@contextmanager
def demo(data: Path) -> Iterator[tuple[str, str]]:
    """A demo that runs: its address and the password of `admin`."""
    http_port, ocpp_port = free_port(), free_port()
    log = data / "demo.log"
    command = [
        *(sys.executable, "-m", "stationmaster", "demo", "--data", str(data / "node"), "--host", "127.0.0.1"),
        *("--http-port", str(http_port), "--ocpp-port", str(ocpp_port), "--stations", str(STATIONS)),
        *("--history-hours", str(HISTORY_HOURS), "--speed", str(SPEED)),
    ]
    with log.open("w") as output:
        running = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 -- our own program
    try:
        found: list[str] = []

        def told() -> bool:
            if running.poll() is not None:
                raise SystemExit(f"the demo has ended:\n{log.read_text()}")
            found[:] = re.findall(r"sm_\S+", log.read_text())
            return bool(found)

        wait_for(told, START_S, "the demo did not start")
        yield f"http://127.0.0.1:{http_port}", found[0]
    finally:
        running.terminate()
        running.wait(30)


def wait_for(ready: Callable[[], Any], within_s: float, otherwise: str) -> None:
    """Ask again and again."""
    until = time.monotonic() + within_s
    while not ready():
        if time.monotonic() > until:
            raise SystemExit(otherwise)
        time.sleep(1)


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
