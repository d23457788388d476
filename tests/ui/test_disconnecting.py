"""A person sends a connected station away, and is told what that does and what it does not."""

from playwright.sync_api import Browser, Locator, Page, expect

from tests.ui.conftest import finish, new_context, register, rest, sign_in_as, watched
from tests.ui.stations import LiveStation
from tests.ui.test_pages import assert_no_barrier
from tests.walks.running import NodeProcess


def button(page: Page) -> Locator:
    return page.get_by_role("button", name="Disconnect now", exact=True)


def test_a_station_that_is_to_be_rejected_is_disconnected_and_the_page_promises_no_more(
    page: Page, ui_node: NodeProcess
) -> None:
    password = register(ui_node, "UI-SENT-AWAY")
    page.goto("/stations/UI-SENT-AWAY/settings")
    expect(page.get_by_role("button", name="Clean up")).to_be_visible()
    expect(button(page)).to_have_count(0)
    with LiveStation(ui_node.url, "UI-SENT-AWAY", password) as station:
        expect(button(page)).to_be_visible()
        expect(page.locator("[data-not-told]")).to_have_count(0)
        page.get_by_role("combobox", name="May charge").click()
        page.get_by_role("option", name="Rejected").click()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("[data-not-told]")).to_contain_text("It was told Accepted when it last booted")
        assert_no_barrier(page)
        button(page).click()
        window = page.get_by_role("dialog")
        expect(window).to_contain_text("Disconnect UI-SENT-AWAY?")
        expect(window).to_contain_text("Until it boots again, it is treated as at its last boot")
        window.get_by_role("button", name="Cancel").click()
        expect(window).to_have_count(0)
        assert "currentTime" in station.call("Heartbeat"), "who thinks again has done nothing"
        button(page).click()
        window.get_by_role("button", name="Disconnect now").click()
        expect(page.locator("[data-state=offline]")).to_be_visible()
        expect(button(page)).to_have_count(0)
        expect(page.locator("[data-not-told]")).to_have_count(0)
        station.come()
        expect(page.locator("[data-state=online]")).to_be_visible()
        expect(page.locator("[data-state=Rejected]")).to_be_visible()
        expect(button(page)).to_be_visible()
        expect(page.locator("[data-not-told]")).to_have_count(0)


def test_a_station_that_has_gone_meanwhile_is_told(page: Page, ui_node: NodeProcess) -> None:
    password = register(ui_node, "UI-GONE")
    with LiveStation(ui_node.url, "UI-GONE", password):
        page.goto("/stations/UI-GONE/settings")
        button(page).click()
        window = page.get_by_role("dialog")
        expect(window).to_be_visible()
        with rest(ui_node) as api:
            assert api.post("/stations/UI-GONE/disconnect").status_code == 204
        expect(page.locator("[data-state=offline]")).to_have_count(1)
        window.get_by_role("button", name="Disconnect now").click()
        expect(page.get_by_role("alert").filter(has_text="is not connected")).to_be_visible()


def test_who_may_send_commands_may_disconnect_and_who_may_only_look_may_not(browser: Browser, ui_node: NodeProcess) -> None:
    password = register(ui_node, "UI-STAYS")
    cookies = sign_in_as(browser, ui_node, "passer-by", "viewer")
    sender = sign_in_as(browser, ui_node, "guard", "security_admin")
    with LiveStation(ui_node.url, "UI-STAYS", password):
        for state, seen in ((cookies, 0), (sender, 1)):
            context = new_context(browser, ui_node, storage_state=state, locale="de-DE")
            page = watched(context)
            page.goto("/stations/UI-STAYS/settings")
            expect(page.locator("[data-state=online]")).to_be_visible()
            expect(page.get_by_role("button", name="Jetzt trennen")).to_have_count(seen)
            expect(page.get_by_role("button", name="Löschen")).to_have_count(0)
            finish(context)
