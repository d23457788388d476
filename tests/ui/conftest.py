"""A node, a browser and somebody who is signed in; left out where Chromium or the built UI is missing.

Node and browser are shared by all tests of a process, so each test makes stations of its own.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    StorageState,
    ViewportSize,
    expect,
    sync_playwright,
)

from stationmaster.api.pages import UI_FOLDER
from tests.walks.running import START_LIMIT_S, NodeProcess

CHROMIUM = Path("/usr/bin/chromium")
WIDE: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 800}
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


class FirstNode(NodeProcess):
    """A node at its very first start: what it printed is its administrator's password and key."""

    def _new_key(self) -> str:
        return ""

    def start(self) -> None:
        """Start, and read the secret that is printed once."""
        super().start()
        deadline = time.monotonic() + START_LIMIT_S
        while not (printed := re.findall(r"\bsm_[A-Za-z0-9_-]{20,}(?=\n)", self.log.read_text())):
            if time.monotonic() > deadline:
                self.stop()
                raise AssertionError("no secret was printed")
            time.sleep(0.05)
        self.key = printed[0]


class Configured(FirstNode):
    """A node with settings of its own, as they stand in a file."""

    def __init__(self, data: Path, settings: str) -> None:
        super().__init__(data, f"sqlite:///{data / 'stationmaster.sqlite'}")
        file = data / "settings.toml"
        file.write_text(settings)
        self._where += ["--config", str(file)]


@pytest.fixture(scope="session")
def ui_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that serves the UI."""
    if not (UI_FOLDER / "index.html").exists():
        pytest.skip("the web UI is not built")
    data = tmp_path_factory.mktemp("ui")
    running = FirstNode(data, f"sqlite:///{data / 'stationmaster.sqlite'}")
    running.start()
    yield running
    assert running.stop() == 0


# Not for the whole session: as long as Playwright's synchronous face is open, its event loop counts as running in this
# thread, and no test of another module that needs a loop of its own can begin.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        # Its own sandbox does not work for root, as whom tests run in containers.
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def cookies() -> dict[str, StorageState]:
    """The cookies of users who have signed in, by name."""
    return {}


@pytest.fixture(scope="module")
def signed_in(browser: Browser, ui_node: NodeProcess, cookies: dict[str, StorageState]) -> StorageState:
    """The cookies of `operator`, a user who may do everything."""
    if "operator" not in cookies:
        cookies["operator"] = sign_in_as(browser, ui_node, "operator", "admin")
    return cookies["operator"]


@pytest.fixture
def page(browser: Browser, ui_node: NodeProcess, signed_in: StorageState) -> Iterator[Page]:
    """A page of somebody who may do everything, in English, not yet anywhere."""
    context = new_context(browser, ui_node, storage_state=signed_in)
    yield watched(context)
    finish(context)


def page_of_admin(browser: Browser, node: NodeProcess) -> Iterator[Page]:
    """A page of somebody who may do everything, for a fixture of a node of its own."""
    context = new_context(browser, node, storage_state=sign_in_as(browser, node, "operator", "admin"))
    yield watched(context)
    finish(context)


def new_context(browser: Browser, node: NodeProcess, **more: Any) -> BrowserContext:
    """A browser of its own, as another person's."""
    context = browser.new_context(
        **{"viewport": WIDE, "locale": "en-GB", "base_url": node.http_url, "reduced_motion": "reduce", **more}
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


FAULTS: dict[BrowserContext, list[str]] = {}


def watched(context: BrowserContext) -> Page:
    """A page of which every script fault and every breach of the content security policy is noted."""
    opened = context.new_page()
    faults = FAULTS.setdefault(context, [])

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Uncaught" in message.text:
            faults.append(message.text)

    opened.on("pageerror", lambda fault: faults.append(str(fault)))
    opened.on("console", note)
    return opened


def finish(context: BrowserContext) -> None:
    """Close, and fail for what was noted."""
    context.close()
    assert FAULTS.pop(context, []) == []


def rest(node: NodeProcess) -> httpx.Client:
    """The API without a browser, by a key that may do everything."""
    headers = {"Authorization": f"Bearer {node.key}"}
    return httpx.Client(base_url=f"{node.http_url}/api/v1", headers=headers, timeout=30, trust_env=False)


def register(node: NodeProcess, identity: str, **more: Any) -> str:
    """Register a station through the API; its password."""
    with rest(node) as api:
        made = api.post("/stations", json={"id": identity, **more})
        assert made.status_code == 201, made.text
        return str(made.json()["password"])


def new_user(node: NodeProcess, username: str, role: str) -> str:
    """Make a user; the password."""
    with rest(node) as api:
        made = api.post("/users", json={"username": username, "role": role})
        assert made.status_code == 201, made.text
        return str(made.json()["password"])


def sign_in_as(browser: Browser, node: NodeProcess, username: str, role: str) -> StorageState:
    """Make a user and sign in through the page; the cookies."""
    password = new_user(node, username, role)
    context = new_context(browser, node)
    opened = watched(context)
    opened.goto("/")
    sign_in(opened, username, password)
    state = context.storage_state()
    finish(context)
    return state


def sign_in(page: Page, username: str, password: str) -> None:
    """Sign in, and wait for the frame of the pages behind."""
    page.get_by_label("User name").fill(username)
    page.locator("input[type=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Menu").first.wait_for(state="attached")
    page.get_by_role("heading", level=1).first.wait_for()
