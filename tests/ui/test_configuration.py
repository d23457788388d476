"""Templates, drift and a station's desired configuration in a real browser."""

from playwright.sync_api import Page, expect

from tests.ui.conftest import rest
from tests.walks.running import NodeProcess


def test_a_recipe_becomes_a_template_and_a_station_is_followed_by_it(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        assert api.post("/stations", json={"id": "UI-DESIRED"}).status_code == 201
    page.goto("/configuration?tab=templates")
    page.get_by_role("button", name="Add a template").first.click()
    page.get_by_role("menuitem", name="Connection and retries").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Key 1", exact=True)).to_have_value("WebSocketPingInterval")
    dialog.get_by_label("Name").fill("Retries of the yard")
    dialog.get_by_role("button", name="Add a key").click()
    dialog.get_by_label("Key 5", exact=True).fill("VendorPin")
    dialog.get_by_label("Value 5", exact=True).fill("1234 is secret")
    dialog.get_by_label("secret").last.check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Retries of the yard")).to_be_visible()

    page.goto("/stations/UI-DESIRED/configuration")
    page.get_by_role("combobox", name="Templates assigned by hand").click(force=True)
    page.get_by_role("option", name="Retries of the yard").click()
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="How far").click()
    page.get_by_role("option", name="Show drift only").click()
    row = page.locator("tr[data-key=WebSocketPingInterval]")
    expect(row).to_contain_text("Not known")
    expect(row).to_contain_text("Retries of the yard")
    expect(page.locator("tr[data-key=VendorPin]")).to_contain_text("secret")
    expect(page.get_by_text("1234 is secret")).to_have_count(0)

    page.goto("/configuration?station_id=UI-DESIRED")
    expect(page.get_by_text("1 station is followed")).to_be_visible()
    expect(page.get_by_role("link", name="UI-DESIRED").first).to_be_visible()
