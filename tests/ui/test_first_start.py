"""The very first minutes: the printed secret, the first station, who was turned away."""

from playwright.sync_api import Browser, Page, expect

from tests.ui.conftest import finish, new_context, register, rest, sign_in, watched
from tests.ui.stations import LiveStation, knock
from tests.walks.running import NodeProcess


def test_one_signs_in_with_the_secret_that_was_printed(browser: Browser, ui_node: NodeProcess) -> None:
    context = new_context(browser, ui_node)
    page = watched(context)
    page.goto("/stations")
    page.get_by_label("User name").fill("admin")
    page.locator("input[type=password]").fill("not the secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    sign_in(page, "admin", ui_node.key)
    expect(page.get_by_role("heading", name="Stations", level=1)).to_be_visible()
    finish(context)


def test_a_station_is_added_and_comes_in_with_the_password_that_was_shown_once(
    page: Page, ui_node: NodeProcess
) -> None:
    page.goto("/stations")
    page.get_by_role("button", name="Add a station").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Identity").fill("UI-ADDED")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_contain_text("shown only now")
    url, password = dialog.locator("pre").nth(0).inner_text(), dialog.locator("pre").nth(1).inner_text()
    assert url.endswith(f":{ui_node.ocpp_port}/ocpp/UI-ADDED")
    expect(dialog.locator("svg[role=img]")).to_have_count(2)
    dialog.get_by_role("link", name="Open the station").click()
    expect(page.get_by_role("heading", name="UI-ADDED", level=1)).to_be_visible()
    expect(page.locator("[data-state=offline]").first).to_be_visible()
    with LiveStation(ui_node.url, "UI-ADDED", password):
        expect(page.locator("[data-state=online]").first).to_be_visible()
        expect(page.get_by_text("Vendor · Model")).to_be_visible()
    expect(page.locator("[data-state=offline]").first).to_be_visible()
    page.reload()
    expect(page.get_by_text(password)).to_have_count(0)


def test_what_is_wrong_with_a_new_station_is_said_at_the_field(page: Page, ui_node: NodeProcess) -> None:
    register(ui_node, "UI-TWICE")
    page.goto("/stations")
    page.get_by_role("button", name="Add a station").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Identity").fill("UI-TWICE")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_role("alert")).to_contain_text("UI-TWICE")
    dialog.get_by_label("Identity").fill("no/slash")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.locator(".mantine-TextInput-error").first).to_be_visible()


def test_who_is_turned_away_waits_at_the_door_and_is_accepted_with_one_click(page: Page, ui_node: NodeProcess) -> None:
    page.goto("/door")
    knock(ui_node.url, "UI-STRANGER")
    card = page.locator("[data-refusal='UI-STRANGER']")
    expect(card).to_contain_text("not registered")
    expect(card.locator("[data-advice=unknown_station]")).to_contain_text("accept it if it is yours")
    card.get_by_role("button", name="Accept").click()
    shown = page.get_by_role("alert").filter(has_text="UI-STRANGER")
    expect(shown).to_contain_text("Its password, shown once")
    with LiveStation(ui_node.url, "UI-STRANGER", shown.locator("pre").inner_text()), rest(ui_node) as api:
        assert api.get("/stations/UI-STRANGER").json()["connected"]


def test_a_known_station_with_a_wrong_password_is_told_what_to_do(page: Page, ui_node: NodeProcess) -> None:
    register(ui_node, "UI-FORGETFUL")
    knock(ui_node.url, "UI-FORGETFUL")
    page.goto("/door?known=true")
    card = page.locator("[data-refusal='UI-FORGETFUL']")
    expect(card.locator("[data-advice=password_wrong]")).to_contain_text("make a new password")
    expect(card.get_by_role("button", name="Accept")).to_have_count(0)
    card.get_by_role("link", name="Open the station").click()
    page.get_by_role("button", name="Make a new password").click()
    code = page.locator("code.wrap-anywhere")
    expect(code).to_be_visible()
    with LiveStation(ui_node.url, "UI-FORGETFUL", code.inner_text()):
        expect(page.locator("[data-state=online]").first).to_be_visible()
