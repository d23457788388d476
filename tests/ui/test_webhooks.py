"""Webhooks in a real browser, delivered to a real server on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.conftest import Configured, page_of_admin, rest
from tests.walks.running import NodeProcess


class Receiver(ThreadingHTTPServer):
    """Remembers what it was told, and answers as it is bidden."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.status = 204
        self.told: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Hook(BaseHTTPRequestHandler):
    """One request."""

    server: Receiver

    def do_POST(self) -> None:
        self.server.told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def node(tmp_path: Path, ui_node: NodeProcess) -> Iterator[NodeProcess]:
    """A node of its own, that may tell loopback; left out where the shared one is."""
    del ui_node
    running = Configured(tmp_path, '[security]\nprivate_hosts = "127.0.0.1"\n')
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def page(browser: Browser, node: NodeProcess) -> Iterator[Page]:
    """Somebody who may do everything, there."""
    yield from page_of_admin(browser, node)


def test_a_webhook_is_made_tested_looked_at_and_removed(page: Page, node: NodeProcess, receiver: Receiver) -> None:
    page.goto("/webhooks")
    expect(page.get_by_text("No webhooks yet")).to_be_visible()
    page.get_by_role("button", name="Add a webhook").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Billing")
    dialog.get_by_label("Address").fill("http://192.168.7.7/hook")
    dialog.get_by_label("Events").fill("site.")
    page.keyboard.press("Tab")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not a public one")
    dialog.get_by_label("Address").fill(receiver.url)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.locator("pre")).to_contain_text("whsec_")
    expect(dialog).to_contain_text("shown only now")
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("heading", name="Billing")).to_be_visible()
    expect(page.get_by_text("whsec_")).to_have_count(0)

    receiver.status = 418
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("[data-outcome=failed]")).to_contain_text("answered 418")
    receiver.status = 204
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("[data-outcome=delivered]")).to_contain_text("answered 204")

    with rest(node) as api:
        assert api.post("/sites", json={"id": "UI-TOLD", "name": "UI-TOLD"}).status_code == 201
    row = page.get_by_role("row").filter(has_text="site.changed").filter(has_text="Delivered")
    row.click()
    expect(dialog.locator("pre")).to_contain_text("UI-TOLD")
    dialog.get_by_role("button", name="Deliver again").click()
    expect(dialog.locator("[data-outcome=delivered]")).to_be_visible()
    assert receiver.told[-1] == receiver.told[-2]
    assert "UI-TOLD" in json.dumps(receiver.told[-1])
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Switch off").click()
    expect(page.locator("[data-state=disabled]")).to_be_visible()
    page.get_by_role("button", name="Switch on", exact=True).click()
    expect(page.locator("[data-state=active]")).to_be_visible()
    page.get_by_role("button", name="New secret").click()
    page.get_by_role("dialog").get_by_role("button", name="New secret").click()
    secret = page.get_by_role("dialog").filter(has_text="whsec_")  # the question may still be fading
    secret.get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No webhooks yet")).to_be_visible()
