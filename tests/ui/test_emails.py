"""E-mails about alerts in a real browser: one that its server refused is seen, and tried again by hand."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from playwright.sync_api import Browser, Page, expect

from tests.ui.conftest import Configured, page_of_admin, register, rest
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess


class MailServer:
    """Answers each mail with what `answer` says, in a thread of its own."""

    def __init__(self) -> None:
        self.answer = "550 nobody of that name"
        self.taken: list[Envelope] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: SMTP(self, hostname="mail.test"), "127.0.0.1", 0)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- the name that aiosmtpd calls
        if self.answer.startswith("2"):
            self.taken.append(envelope)
        return self.answer

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


@pytest.fixture
def node(tmp_path: Path, ui_node: NodeProcess, mail: MailServer) -> Iterator[NodeProcess]:
    """A node of its own, that has a mail server; left out where the shared one is."""
    del ui_node
    settings = f'[smtp]\nhost = "127.0.0.1"\nport = {mail.port}\ntls = "none"\ngather_s = 0\n'
    running = Configured(tmp_path, settings)
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def page(browser: Browser, node: NodeProcess) -> Iterator[Page]:
    """Somebody who may do everything, there."""
    yield from page_of_admin(browser, node)


def test_an_email_that_was_refused_is_tried_again(page: Page, node: NodeProcess, mail: MailServer) -> None:
    with rest(node) as api:
        made = api.post("/alert-recipients", json={"name": "Night shift", "addresses": ["night@example.org"]})
        assert made.status_code == 201, made.text
    with LiveStation(node.url, "UI-MAILED", register(node, "UI-MAILED")) as station:
        station.call(
            "SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": "2026-01-01T00:00:00Z"}
        )
        page.goto("/alerts?tab=emails")
        row = page.get_by_role("row").filter(has_text="UI-MAILED")
        expect(row.locator("[data-state=email_failed]")).to_be_visible()
        expect(row).to_contain_text("nobody of that name")
        mail.answer = "250 taken"
        row.get_by_role("button", name="Try again").click()
        expect(row.locator("[data-state=email_sent]")).to_be_visible()
        expect(row.get_by_role("button", name="Try again")).to_have_count(0)
    assert [envelope.rcpt_tos for envelope in mail.taken] == [["night@example.org"]]
