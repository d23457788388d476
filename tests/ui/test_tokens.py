"""Tokens in a real browser: registered, changed, blocked and deleted, and what a station is then told of them."""

from playwright.sync_api import Page, expect

from tests.ui.conftest import register, rest
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess


def test_a_token_that_a_station_asked_about_is_registered_changed_blocked_and_deleted(
    page: Page, ui_node: NodeProcess
) -> None:
    with LiveStation(ui_node.url, "UI-CARDS", register(ui_node, "UI-CARDS")) as station:

        def told() -> str:
            answer = station.call("Authorize", {"idTag": "UI-CARD-1"})
            return str(answer["idTagInfo"]["status"])

        assert told() == "Invalid"
        page.goto("/tokens")
        page.get_by_role("tab", name="Unknown").click()
        page.get_by_role("row").filter(has_text="UI-CARD-1").get_by_role("button", name="Register").click()
        window = page.get_by_role("dialog")
        expect(window.get_by_label("Token")).to_have_value("UI-CARD-1")
        window.get_by_label("Name").fill("Ada")
        window.get_by_role("button", name="Save").click()
        expect(window).to_be_hidden()
        assert told() == "Accepted"

        page.goto("/tokens?search=UI-CARD-1")
        row = page.get_by_role("row").filter(has_text="UI-CARD-1")
        expect(row).to_contain_text("Ada")
        row.click()
        expect(window.get_by_label("Token")).to_be_disabled()
        window.get_by_label("Name").fill("Ada Lovelace")
        window.get_by_role("combobox", name="Status").click()
        page.get_by_role("option", name="Blocked").click()
        window.get_by_role("button", name="Save").click()
        expect(row).to_contain_text("Ada Lovelace")
        expect(row.locator("[data-state=Blocked]")).to_be_visible()
        assert told() == "Blocked"

        row.click()
        window.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog", name="Delete UI-CARD-1?").get_by_role("button", name="Delete").click()
        expect(row).to_have_count(0)
        assert told() == "Invalid"


def test_a_token_that_is_there_already_is_not_made_again(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        assert api.post("/tokens", json={"id_tag": "UI-TWICE"}).status_code == 201
    page.goto("/tokens")
    page.get_by_role("button", name="Add a token").click()
    window = page.get_by_role("dialog")
    # In another case it is the same to a station.
    window.get_by_label("Token").fill("ui-twice")
    window.get_by_role("button", name="Save").click()
    expect(window.get_by_role("alert")).to_contain_text("UI-TWICE", ignore_case=True)
