"""A node, a browser and somebody who is signed in; left out where Chromium or the built UI is missing."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from stationmaster.api.pages import UI_FOLDER
from tests.walks.running import NodeProcess

CHROMIUM = Path("/usr/bin/chromium")
WIDE: ViewportSize = {"width": 1280, "height": 860}


@pytest.fixture(scope="session")
def ui_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that serves the UI."""
    if not (UI_FOLDER / "index.html").exists():
        pytest.skip("the web UI is not built")
    data = tmp_path_factory.mktemp("ui")
    running = NodeProcess(data, f"sqlite:///{data / 'stationmaster.sqlite'}")
    running.start()
    yield running
    assert running.stop() == 0


# Not for the whole session: as long as Playwright's synchronous face is open, its event loop counts as running in this
# thread, and no test of another module that needs a loop of its own could begin.
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
def password(ui_node: NodeProcess) -> str:
    """The password of `operator`, a user who may do everything."""
    with rest(ui_node) as api:
        made = api.post("/users", json={"username": "operator", "role": "admin"})
        assert made.status_code == 201, made.text
        return str(made.json()["password"])


@pytest.fixture
def page(browser: Browser, ui_node: NodeProcess, password: str) -> Iterator[Page]:
    """The overview, signed in, in English. Whatever the page logs as an error fails the test."""
    context = browser.new_context(viewport=WIDE, locale="en-GB", base_url=ui_node.http_url)
    context.set_default_timeout(10_000)
    opened, faults = context.new_page(), list[str]()
    opened.on("pageerror", lambda fault: faults.append(str(fault)))
    sign_in(opened, "operator", password)
    yield opened
    context.close()
    assert faults == []


def rest(node: NodeProcess) -> httpx.Client:
    """The API without a browser, by a key that may do everything."""
    headers = {"Authorization": f"Bearer {node.key}"}
    return httpx.Client(base_url=f"{node.http_url}/api/v1", headers=headers, trust_env=False)


def sign_in(page: Page, username: str, password: str) -> None:
    """Sign in, and wait for the page behind."""
    page.goto("/")
    page.get_by_label("User name").fill(username)
    page.locator("input[type=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview", level=1).wait_for()
