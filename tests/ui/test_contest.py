"""Two devices claim one identity: the station's page says so, and a person there ends it."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Self

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from stationmaster.domain.identity_contests import MOST_MOVES
from tests.gateway.conftest import basic
from tests.gateway.raw import CLOSE, frame, upgrade
from tests.ui.conftest import finish, new_context, register, rest, sign_in_as, watched
from tests.ui.test_pages import assert_no_barrier
from tests.walks.running import NodeProcess

HOME, ELSEWHERE = "127.0.2.1", "127.0.2.2"
PATIENCE_S = 20.0


class Device:
    """A device that comes from an address of its own and lives: it answers when it is replaced."""

    def __init__(self, node: NodeProcess, identity: str, password: str, address: str) -> None:
        where = ("127.0.0.1", node.ocpp_port)
        self._socket = socket.create_connection(where, PATIENCE_S, source_address=(address, 0))
        authorization = basic(identity, bytes.fromhex(password))
        self._socket.sendall(upgrade(f"/ocpp/{identity}", Authorization=authorization))
        self._heard = b""
        self.status = int(self._until(b"\r\n\r\n").split(b" ")[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def speak(self) -> None:
        """Say something and hear the answer: from then on it is known to be there."""
        self._socket.sendall(frame(b'[2,"1","Heartbeat",{}]'))
        self._until(b"currentTime")

    def part(self, reason: bytes) -> None:
        """Hear that it is over, and answer."""
        self._until(reason)
        self._socket.sendall(frame(b"\x03\xf0", CLOSE))

    def _until(self, words: bytes) -> bytes:
        while words not in self._heard:
            came = self._socket.recv(4096)
            assert came, f"the connection ended before {words!r}"
            self._heard += came
        before, _, self._heard = self._heard.partition(words)
        return before


@pytest.fixture
def devices() -> Iterator[ExitStack]:
    """What is to be closed at the end."""
    with ExitStack() as stack:
        yield stack


def contest(node: NodeProcess, devices: ExitStack, identity: str, password: str) -> Device:
    """Two devices replace each other until the one from home stays in."""
    holder = devices.enter_context(Device(node, identity, password, HOME))
    holder.speak()
    for number in range(1, MOST_MOVES + 2):
        newest = devices.enter_context(Device(node, identity, password, (HOME, ELSEWHERE)[number % 2]))
        newest.speak()
        holder.part(b"replaced")
        told(node, identity, number)
        holder = newest
    return holder


def told(node: NodeProcess, identity: str, times: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with rest(node) as api:
        while len(api.get("/security-events", params={"station_id": identity}).json()["items"]) < times:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def banner(page: Page) -> Locator:
    return page.locator("[data-contest]")


def test_the_page_tells_who_is_in_and_who_is_kept_out_and_a_person_settles_it(
    page: Page, ui_node: NodeProcess, devices: ExitStack
) -> None:
    password = register(ui_node, "UI-CONTEST")
    page.goto("/stations/UI-CONTEST")
    expect(page.get_by_role("heading", name="UI-CONTEST", level=1)).to_be_visible()
    expect(page.locator("[data-stream=live]")).to_be_visible()
    expect(banner(page)).to_have_count(0)
    holder = contest(ui_node, devices, "UI-CONTEST", password)
    expect(banner(page)).to_contain_text("Two devices claim this identity")
    expect(banner(page).locator("[data-contest-in]")).to_contain_text(HOME)
    expect(banner(page).locator("[data-contest-out]")).to_have_count(0)
    assert devices.enter_context(Device(ui_node, "UI-CONTEST", password, ELSEWHERE)).status == 429
    expect(banner(page).locator("[data-contest-out]")).to_contain_text(ELSEWHERE)
    assert_no_barrier(page)
    banner(page).get_by_role("button", name="It is settled").click()
    expect(banner(page)).to_have_count(0)
    assert devices.enter_context(Device(ui_node, "UI-CONTEST", password, ELSEWHERE)).status == 101
    holder.part(b"replaced")


def test_the_other_one_is_let_in(page: Page, ui_node: NodeProcess, devices: ExitStack) -> None:
    password = register(ui_node, "UI-LET-IN")
    holder = contest(ui_node, devices, "UI-LET-IN", password)
    page.goto("/stations/UI-LET-IN")
    banner(page).get_by_role("button", name="Let the other one in …").click()
    window = page.get_by_role("dialog")
    expect(window).to_contain_text(HOME)
    window.get_by_role("button", name="Let the other one in").click()
    expect(banner(page)).to_have_count(0)
    holder.part(b"disconnected by an operator")
    expect(page.locator("[data-state=offline]")).to_be_visible()
    assert devices.enter_context(Device(ui_node, "UI-LET-IN", password, ELSEWHERE)).status == 101


def test_who_may_only_look_sees_it_in_their_language_and_settles_nothing(
    browser: Browser, ui_node: NodeProcess, devices: ExitStack
) -> None:
    contest(ui_node, devices, "UI-LOOK", register(ui_node, "UI-LOOK"))
    cookies = sign_in_as(browser, ui_node, "onlooker", "viewer")
    context = new_context(browser, ui_node, storage_state=cookies, locale="de-DE")
    page = watched(context)
    page.goto("/stations/UI-LOOK")
    expect(banner(page)).to_contain_text("Zwei Geräte beanspruchen diese Kennung")
    expect(banner(page)).to_contain_text(HOME)
    expect(banner(page).get_by_role("button")).to_have_count(0)
    finish(context)
