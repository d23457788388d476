"""Every page and every tab: no serious barrier in either theme, and it fits a phone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.ui.conftest import PHONE, finish, new_context, register, rest, watched
from tests.ui.places import ALERT_TABS, PLACES, TABS
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess

AXE = Path(__file__).parents[2] / "ui/node_modules/axe-core/axe.min.js"
SETTLED = """new Promise((done) => {
  const look = () => (document.getAnimations().some((each) => each instanceof CSSTransition) ? next() : done());
  const next = () => requestAnimationFrame(look);
  requestAnimationFrame(next);
})"""
EVERYWHERE = [
    *PLACES,
    *(f"/stations/UI-PAGES/{tab}" for tab in TABS),
    "/stations/UI-PAGES/commands?action=ReserveNow",
    *(f"/alerts?tab={tab}" for tab in ALERT_TABS),
    *(f"/sites/ui-pages?tab={tab}" for tab in ("now", "connectors", "schedules", "decisions")),
    "/webhooks/{webhook}",
    *(f"/{place}?new=1" for place in ("stations", "sites", "users", "api-keys", "webhooks", "conformance")),
]
FORMS = [
    ("/tokens", "Add a token"),
    ("/reservations", "Reserve"),
    ("/firmware", "Upload firmware"),
    ("/configuration?tab=templates", "Add a template > From nothing"),
    ("/charging-profiles", "Make a profile"),
    ("/alerts?tab=recipients", "Add recipients"),
    ("/alerts?tab=rules", "Add a rule > Station offline"),
    ("/sites/ui-pages", "Limits and settings"),
    ("/sites/ui-pages?tab=schedules", "Add a source"),
    ("/stations/UI-PAGES/connectors", "Start charging"),
]
"""Windows that an address does not open: where, and the button that does, or the item of its menu."""


@pytest.fixture(scope="module")
def populated(ui_node: NodeProcess) -> Iterator[dict[str, str]]:
    """A station that has said something, so that the pages are not empty; what is made up of ids, by name."""
    with rest(ui_node) as api:
        limits = [{"name": "fuse", "l1_a": 32}]
        assert api.post("/sites", json={"id": "ui-pages", "name": "Pages", "limits": limits}).status_code == 201
        hook = {"name": "Pages", "url": "https://pages.example.org/", "enabled": False}
        ids = {"webhook": api.post("/webhooks", json=hook).json()["id"]}
    with LiveStation(ui_node.url, "UI-PAGES", register(ui_node, "UI-PAGES")) as station:
        for connector in (0, 1):
            station.call(
                "StatusNotification", {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
            )
        station.call("Authorize", {"idTag": "UI-NOBODY-KNOWS"})
        yield ids


@pytest.fixture(scope="module")
def wide_page(browser: Browser, ui_node: NodeProcess, signed_in: StorageState) -> Iterator[Page]:
    """One page for all."""
    yield from _page(browser, ui_node, storage_state=signed_in)


@pytest.fixture(scope="module")
def phone_page(browser: Browser, ui_node: NodeProcess, signed_in: StorageState) -> Iterator[Page]:
    """One page on a phone."""
    yield from _page(browser, ui_node, storage_state=signed_in, viewport=PHONE, has_touch=True, is_mobile=True)


def _page(browser: Browser, node: NodeProcess, **more: Any) -> Iterator[Page]:
    context = new_context(browser, node, **more)
    yield watched(context)
    finish(context)


@pytest.mark.parametrize("path", EVERYWHERE)
def test_a_page_has_no_serious_barrier_in_either_theme(wide_page: Page, populated: dict[str, str], path: str) -> None:
    visit(wide_page, path.format(**populated))
    assert_no_barrier(wide_page)


@pytest.mark.usefixtures("populated")
@pytest.mark.parametrize(("path", "button"), FORMS)
def test_a_form_has_no_serious_barrier_in_either_theme(wide_page: Page, path: str, button: str) -> None:
    visit(wide_page, path)
    name, _, item = button.partition(" > ")
    wide_page.get_by_role("button", name=name).first.click()
    if item:
        wide_page.get_by_role("menuitem", name=item).click()
    expect(wide_page.get_by_role("dialog")).to_be_visible()
    assert_no_barrier(wide_page)


def assert_no_barrier(wide_page: Page) -> None:
    """Neither in light nor in dark."""
    for scheme in ("light", "dark"):
        wide_page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(wide_page.locator(f"html[data-mantine-color-scheme={scheme}]")).to_be_attached()
        # Colours change by transitions, which even without motion end only in a frame of their own.
        wide_page.evaluate(SETTLED)
        assert barriers(wide_page) == [], scheme


@pytest.mark.parametrize("path", EVERYWHERE)
def test_a_page_fits_a_phone(phone_page: Page, populated: dict[str, str], path: str) -> None:
    visit(phone_page, path.format(**populated))
    assert phone_page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    inside = phone_page.locator(".stacked .mantine-ScrollArea-viewport")
    assert inside.evaluate_all("(tables) => tables.filter((each) => each.scrollWidth > each.clientWidth).length") == 0


def test_what_is_on_its_way_is_told_to_everybody(wide_page: Page) -> None:
    wide_page.route("**/api/v1/tokens?*", lambda _route: None)
    wide_page.goto("/tokens")
    expect(wide_page.get_by_role("progressbar", name="Loading")).to_be_visible()
    assert barriers(wide_page) == []
    wide_page.unroute_all()


@pytest.mark.usefixtures("populated")
def test_a_phone_chooses_a_command_from_a_list(phone_page: Page) -> None:
    visit(phone_page, "/stations/UI-PAGES/commands")
    phone_page.get_by_role("combobox", name="Action").click()
    phone_page.get_by_role("option", name="ClearCache").click()
    expect(phone_page.locator("[data-command=ClearCache]")).to_be_visible()


@pytest.mark.usefixtures("populated")
def test_a_phone_that_is_turned_has_the_rows_of_a_table_again(phone_page: Page) -> None:
    visit(phone_page, "/stations?search=UI-PAGES")
    row = phone_page.locator("[data-row=UI-PAGES]")
    expect(row).to_be_visible()
    card = row.bounding_box()
    phone_page.set_viewport_size({"width": 900, "height": 390})
    expect(phone_page.get_by_role("columnheader", name="Model")).to_be_visible()
    turned = row.bounding_box()
    phone_page.set_viewport_size(PHONE)
    assert card is not None
    assert turned is not None
    assert turned["height"] < card["height"]


@pytest.mark.usefixtures("populated")
def test_the_palette_finds_a_station_without_a_mouse(wide_page: Page) -> None:
    visit(wide_page, "/transactions")
    wide_page.keyboard.press("Control+k")
    search = wide_page.get_by_role("dialog").get_by_role("textbox")
    expect(search).to_be_focused()
    search.fill("UI-PAG")
    expect(wide_page.get_by_role("button", name="UI-PAGES")).to_be_visible()
    wide_page.keyboard.press("Enter")
    expect(wide_page.get_by_role("heading", name="UI-PAGES", level=1)).to_be_visible()


def visit(page: Page, path: str) -> None:
    """Open a page and wait until everything on it is there."""
    page.goto(path)
    page.get_by_role("heading", level=1).first.wait_for()
    expect(page.locator(".mantine-Loader-root")).to_have_count(0)


def barriers(page: Page) -> list[Any]:
    """What axe finds that is serious or worse: rule and the first element."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    # Through the debugger, since the content security policy of the page rightly forbids it.
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    expression = (
        "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations"
        ".filter(v => ['serious', 'critical'].includes(v.impact)).map(v => [v.id, v.nodes[0].html])))"
    )
    found = session.send("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True})
    session.detach()
    return list(json.loads(found["result"]["value"]))
