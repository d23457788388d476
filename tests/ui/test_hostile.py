"""Every string that a station or another person may supply is hostile, and stays text on every page (S-10)."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect

from tests.ui.conftest import FAULTS, finish, new_context, register, rest, watched
from tests.ui.hostile import BOOT, CONFIGURATION, HOSTILE, LONG, TAG, frames
from tests.ui.places import PLACES, TABS
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess

TELL_OF_BREACHES = """addEventListener("securitypolicyviolation", (breach) =>
    console.error("Content Security Policy: " + breach.violatedDirective + " " + breach.blockedURI))"""


@pytest.fixture(scope="module")
def hostile_station(ui_node: NodeProcess) -> Iterator[LiveStation]:
    """A station that attacks with everything it says, beside people who do the same."""
    password = register(ui_node, "UI-HOSTILE", name=HOSTILE, note=LONG)
    with rest(ui_node) as api:
        for path, body in (
            ("/tokens", {"id_tag": TAG, "name": HOSTILE, "parent_id_tag": TAG[:10]}),
            ("/users", {"username": "evil", "role": "viewer", "name": HOSTILE}),
            ("/api-keys", {"name": HOSTILE, "role": "viewer"}),
            (
                "/firmware/upload?version=%3Cb%3E&file_name=%3Cimg%20src%3Dx%20onerror%3Dx%3E.bin&name=%3Cscript%3E",
                None,
            ),
            (
                "/charging-profiles",
                {
                    "name": HOSTILE,
                    "profile": {
                        "purpose": "tx_default",
                        "kind": "relative",
                        "stack_level": 0,
                        "schedule": {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}]},
                    },
                },
            ),
        ):
            made = api.post(path, content=b"firmware") if body is None else api.post(path, json=body)
            assert made.status_code < 300 or "name" in made.text, f"{path}: {made.text}"
    with LiveStation(ui_node.url, "UI-HOSTILE", password, {"GetConfiguration": CONFIGURATION}, boot=None) as station:
        station.say(json.dumps([2, "boot", "BootNotification", BOOT]))
        for number, (action, payload) in enumerate(frames()):
            station.mutter(json.dumps([2, f"{number}<b>", action, payload]))
        station.mutter('[2,"<script>window.__xss=1</script>')
        # Handled in order: when this is answered, all before it was.
        station.call("Heartbeat")
        with rest(ui_node) as api:
            asked = api.post("/stations/UI-HOSTILE/commands/GetConfiguration", json={})
            assert asked.json()["state"] == "done", asked.text
            wish = {"station_id": "UI-HOSTILE", "connector_id": 1, "id_tag": TAG, "expires_at": "2036-01-01T00:00:00Z"}
            assert api.post("/reservations", json=wish).status_code < 500
        yield station


@pytest.fixture(scope="module")
def wary(
    browser: Browser, ui_node: NodeProcess, signed_in: StorageState, hostile_station: LiveStation
) -> Iterator[BrowserContext]:
    """A browser that looks at all of it; that anything ran or was refused by the policy fails."""
    context = new_context(browser, ui_node, storage_state=signed_in)
    context.add_init_script(TELL_OF_BREACHES)
    yield context
    finish(context)


@pytest.fixture(scope="module")
def wary_page(wary: BrowserContext) -> Page:
    """One page for all: what runs later than it was put there is seen too."""
    page = watched(wary)
    page.on("dialog", lambda dialog: FAULTS[wary].append(f"a dialog: {dialog.message}"))
    page.goto("/")
    return page


@pytest.mark.parametrize("place", PLACES)
def test_what_others_write_stays_text_on_every_page(wary_page: Page, place: str) -> None:
    visit(wary_page, place)


@pytest.mark.parametrize("tab", TABS)
def test_what_a_station_says_stays_text_on_every_tab(wary_page: Page, tab: str) -> None:
    visit(wary_page, f"/stations/UI-HOSTILE/{tab}")
    expect(wary_page.get_by_role("heading", level=1)).to_have_text(HOSTILE)


def test_what_a_station_says_stays_text_in_its_frames_and_its_transaction(wary_page: Page) -> None:
    visit(wary_page, "/stations/UI-HOSTILE/messages")
    for exchange in wary_page.get_by_role("log").locator("button[aria-expanded]").all():
        exchange.click()
    harmless(wary_page)
    visit(wary_page, "/stations/UI-HOSTILE/events")
    for event in wary_page.locator("[data-event] button").all():
        event.click()
    harmless(wary_page)
    visit(wary_page, "/transactions?station_id=UI-HOSTILE")
    wary_page.locator("[data-row] a").first.click()
    expect(wary_page.locator("[data-chart=power] canvas")).to_be_visible()
    expect(wary_page.get_by_text(TAG).first).to_be_visible()
    harmless(wary_page)


def test_the_attack_is_seen_as_it_was_written(wary_page: Page) -> None:
    visit(wary_page, "/stations?search=UI-HOSTILE")
    expect(wary_page.locator("[data-row=UI-HOSTILE]")).to_contain_text(HOSTILE)


def visit(page: Page, path: str) -> None:
    """Open a page, wait until everything on it is there, and see that nothing ran."""
    page.goto(path)
    page.get_by_role("heading", level=1).first.wait_for()
    expect(page.locator(".mantine-Loader-root")).to_have_count(0)
    harmless(page)


def harmless(page: Page) -> None:
    """No script of theirs ran, none of their elements is there."""
    assert page.evaluate("window.__xss") is None
    expect(page.locator("img[src=x], svg[onload], b[onload], i[onload], #root script")).to_have_count(0)
    assert page.evaluate("document.querySelectorAll('a[href^=\"javascript:\"]').length") == 0
    assert FAULTS.get(page.context, []) == []
