"""`python -m bench.ui [--rounds N]`: what the web UI costs an operator, in Debian's Chromium, against a node.

Ten thousand stations are registered, one of them tells something four times a second, and one has charged for
a day with 20,000 samples. The best of the rounds counts: a busy machine only ever makes them worse.
"""

import argparse
import asyncio
import gzip
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from bench.subjects import SUBJECTS, Api, Running
from bench.table import goal
from stationmaster.api.pages import UI_FOLDER
from stationmaster.conformance.link import Link, Request, Target

CHROMIUM = Path("/usr/bin/chromium")
STATIONS = 10_000
POINTS = 20_000
POINTS_A_MESSAGE = 1_000
UPDATES_A_SECOND = 4
SCROLL_MS = 4_000
SETTLED_MS = 1_000
BOOT = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}
CURVED, RESTLESS = "BENCH-00000", "BENCH-00001"

SEEN = """
    window.seen = new Promise((done) => addEventListener("DOMContentLoaded", () => {
        const look = () => {
            const here = document.querySelector("h1") && document.querySelector("main");
            if (here) requestAnimationFrame(() => done(performance.now()));
            else requestAnimationFrame(look);
        };
        look();
    }));
"""
SCROLLED = """async (duration_ms) => {
    const table = document.querySelector("[role=region][tabindex='0']");
    const began = performance.now();
    let frames = 0;
    for (let now = began; now - began < duration_ms; frames += 1) {
        now = await new Promise(requestAnimationFrame);
        table.scrollTop = (table.scrollTop + 90) % (table.scrollHeight - table.clientHeight);
    }
    return frames / ((performance.now() - began) / 1000);
}"""
DRAWN = """() => ["curves", "line-chart"].map((name) => performance.getEntriesByName(name)[0]?.duration ?? 0)"""


def main() -> int:
    """Measure, print, judge; exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="bench.ui", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not CHROMIUM.exists() or not (UI_FOLDER / "index.html").exists():
        print("Chromium or the built UI is missing, so there is nothing to measure.", file=sys.stderr)
        return 2
    with SUBJECTS["node-sqlite"].start(STATIONS) as node:
        # Before Playwright, which keeps an event loop of its own in this thread.
        transaction = asyncio.run(a_day_of_samples(node))
        rounds = []
        with sync_playwright() as playwright, restless(node):
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            state = signed_in(browser, api_of(node))
            for number in range(options.rounds):
                rounds.append(measured(browser, api_of(node), state, transaction))
                print(f"round {number + 1}: {rounds[-1]}", flush=True)
            browser.close()
    return told(rounds)


def api_of(node: Running) -> Api:
    """The API of a node. Raises RuntimeError for a subject without one."""
    if node.api is None:
        raise RuntimeError("the subject has no API")
    return node.api


def told(rounds: list[dict[str, float]]) -> int:
    """Print each goal with its figure; 1 if one is missed."""
    lines = [
        goal("first meaningful paint from a cold cache, ms", min(each["paint_ms"] for each in rounds), 1500),
        goal("first page, kB over the wire (gzip)", min(each["wire_kb"] for each in rounds), 250),
        goal(
            f"{STATIONS:,} stations, {UPDATES_A_SECOND} updates/s: ms a frame while scrolling",
            min(1000 / each["frames_a_second"] for each in rounds),
            1000 / 50,
        ),
        goal(f"{POINTS:,} points to curves and drawn, ms", min(each["curve_ms"] for each in rounds), 100),
    ]
    print("\n".join(lines))
    return int(any(line.startswith("MISSED") for line in lines))


def measured(browser: Browser, api: Api, state: StorageState, transaction: int) -> dict[str, float]:
    """One round, each figure in a browser without anything in its cache."""
    paint_ms, wire_kb = first_page(browser, api, state)
    page = new_page(browser, api, state)
    page.goto("/stations")
    page.get_by_text(f"{STATIONS:,} stations").wait_for(timeout=60_000)
    frames = float(page.evaluate(SCROLLED, SCROLL_MS))
    page.context.close()
    page = new_page(browser, api, state)
    page.goto(f"/transactions/{transaction}")
    page.locator(f"[data-chart=power] [data-drawn='{POINTS}']").wait_for(timeout=60_000)
    curves_ms, chart_ms = page.evaluate(DRAWN)
    page.context.close()
    figures = {"paint_ms": paint_ms, "wire_kb": wire_kb, "frames_a_second": frames, "curve_ms": curves_ms + chart_ms}
    return {name: round(value, 1) for name, value in figures.items()}


def first_page(browser: Browser, api: Api, state: StorageState) -> tuple[float, float]:
    """Milliseconds until the overview stands, and the kilobytes of its files, compressed."""
    page = new_page(browser, api, state)
    files: set[str] = set()
    page.on("response", lambda response: files.add(urlsplit(response.url).path))
    page.add_init_script(SEEN)
    page.goto("/")
    paint_ms = float(page.evaluate("window.seen"))
    # What comes after the first paint counts, too: the chart is there, and nothing else is on its way.
    page.locator("main [data-drawn]").first.wait_for()
    page.wait_for_timeout(SETTLED_MS)
    page.context.close()
    names = ["index.html" if path == "/" else path.lstrip("/") for path in files if not path.startswith("/api/")]
    return paint_ms, sum(len(gzip.compress((UI_FOLDER / name).read_bytes())) for name in names) / 1000


def new_page(browser: Browser, api: Api, state: StorageState | None = None) -> Page:
    """A page of a browser that knows nothing yet."""
    context = browser.new_context(
        base_url=api.url, locale="en-GB", viewport={"width": 1280, "height": 860}, storage_state=state
    )
    return context.new_page()


def signed_in(browser: Browser, api: Api) -> StorageState:
    """The cookies of an administrator."""
    password = api.request("POST", "/users", {"username": "bench", "role": "admin"})["password"]
    page = new_page(browser, api)
    page.goto("/account")
    page.get_by_label("User name").fill("bench")
    page.locator("input[type=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Menu").first.wait_for(state="attached", timeout=60_000)
    state = page.context.storage_state()
    page.context.close()
    return state


async def a_day_of_samples(node: Running) -> int:
    """A transaction with a sample every 4.32 seconds for a day; the id of its page."""
    began = datetime.now(UTC) - timedelta(days=1)
    link = await _linked(node, CURVED)
    start = {"connectorId": 1, "idTag": "BENCHTAG0000", "meterStart": 0, "timestamp": began.isoformat()}
    transaction = (await link.call("StartTransaction", start))["transactionId"]
    for first in range(0, POINTS, POINTS_A_MESSAGE):
        values = [_power(began, point) for point in range(first, first + POINTS_A_MESSAGE)]
        await link.call("MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": values})
    await link.close()
    return int(api_of(node).request("GET", f"/transactions?station_id={CURVED}")["items"][0]["id"])


def _power(began: datetime, point: int) -> dict[str, Any]:
    at = began + timedelta(seconds=point * 86_400 / POINTS)
    value = {"value": str(7000 + point % 977), "measurand": "Power.Active.Import", "unit": "W"}
    return {"timestamp": at.isoformat(), "sampledValue": [value]}


@contextmanager
def restless(node: Running) -> Iterator[None]:
    """A station that boots anew four times a second, for as long as the block lasts."""
    over = threading.Event()

    async def live() -> None:
        link = await _linked(node, RESTLESS)
        while not over.is_set():
            await link.call("BootNotification", BOOT)
            await asyncio.sleep(1 / UPDATES_A_SECOND)
        await link.close()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def _linked(node: Running, identity: str) -> Link:
    def deaf(_request: Request) -> None:
        """Nothing is asked of it that matters here."""

    link = Link(deaf)
    await link.open(Target(node.url, identity, node.password))
    await link.call("BootNotification", BOOT)
    return link


if __name__ == "__main__":
    raise SystemExit(main())
