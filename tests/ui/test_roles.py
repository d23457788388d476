"""What a viewer must neither see nor do."""

import pytest
from playwright.sync_api import Browser, expect

from tests.ui.conftest import finish, new_context, register, sign_in_as, watched
from tests.walks.running import NodeProcess

HIDDEN = {
    "/stations": ["Add a station"],
    "/tokens": ["Add a token"],
    "/reservations": ["Reserve"],
    "/charging-profiles": ["Make a profile"],
    "/firmware": ["Upload firmware"],
    "/stations/UI-LOOKED-AT": ["Start charging …", "Unlock"],
    "/stations/UI-LOOKED-AT/configuration": ["Read all keys"],
    "/stations/UI-LOOKED-AT/charging": ["Ask the station", "Send"],
    "/stations/UI-LOOKED-AT/localList": ["Bring up to date", "Save"],
    "/stations/UI-LOOKED-AT/firmware": ["Send"],
    "/stations/UI-LOOKED-AT/settings": ["Save", "Make a new password", "Delete", "Clean up"],
}
FORBIDDEN = ["/users", "/api-keys", "/audit", "/settings"]


@pytest.fixture(scope="module")
def viewer(browser: Browser, ui_node: NodeProcess) -> object:
    """The cookies of somebody who may only look."""
    register(ui_node, "UI-LOOKED-AT")
    return sign_in_as(browser, ui_node, "viewer", "viewer")


def test_a_viewer_is_offered_nothing_that_changes_anything(
    browser: Browser, ui_node: NodeProcess, viewer: object
) -> None:
    context = new_context(browser, ui_node, storage_state=viewer)
    page = watched(context)
    for path, buttons in HIDDEN.items():
        page.goto(path)
        page.get_by_role("heading", level=1).wait_for()
        expect(page.locator(".mantine-Loader-root")).to_have_count(0)
        for name in buttons:
            expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    page.goto("/stations")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.goto("/stations/UI-LOOKED-AT/commands")
    expect(page.get_by_role("tab", name="Commands")).to_have_count(0)
    expect(page.get_by_role("tab", name="Connectors")).to_have_attribute("aria-selected", "true")
    finish(context)


def test_a_viewer_is_told_of_pages_that_are_for_others(browser: Browser, ui_node: NodeProcess, viewer: object) -> None:
    context = new_context(browser, ui_node, storage_state=viewer)
    page = watched(context)
    page.goto("/")
    menu = page.get_by_role("navigation", name="Menu")
    expect(menu.get_by_role("link", name="Stations", exact=True)).to_be_visible()
    for path in FORBIDDEN:
        expect(menu.locator(f"a[href='{path}']")).to_have_count(0)
        page.goto(path)
        expect(page.get_by_role("heading", name="Not yours to see")).to_be_visible()
    finish(context)


def test_what_the_page_does_not_offer_the_api_does_not_do(
    browser: Browser, ui_node: NodeProcess, viewer: object
) -> None:
    context = new_context(browser, ui_node, storage_state=viewer)
    page = watched(context)
    page.goto("/stations")
    token = page.request.get("/api/v1/session").json()["csrf_token"]
    answer = page.request.post("/api/v1/stations", data={"id": "UI-SMUGGLED"}, headers={"X-CSRF-Token": token})
    assert answer.status == 403
    finish(context)


def test_an_operator_is_not_offered_what_is_dangerous(browser: Browser, ui_node: NodeProcess, viewer: object) -> None:
    context = new_context(browser, ui_node, storage_state=sign_in_as(browser, ui_node, "worker", "operator"))
    page = watched(context)
    page.goto("/stations/UI-LOOKED-AT/commands")
    commands = page.get_by_role("navigation", name="Commands")
    expect(commands.get_by_role("button", name="Reset")).to_be_visible()
    expect(commands.get_by_role("button", name="UpdateFirmware")).to_have_count(0)
    expect(commands.get_by_role("button", name="ClearCache")).to_have_count(0)
    finish(context)
