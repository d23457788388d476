"""The overview, the map, and what is around every page: the palette, the keys, a lost connection."""

from playwright.sync_api import Page, expect

from tests.ui.conftest import new_user, rest, sign_in
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess

KEY = "a password of sixteen bytes"


def arrive(page: Page) -> None:
    """Open the overview and wait until it is live."""
    page.goto("/")
    expect(page.locator("[data-stream=live]")).to_be_visible()


def test_stations_are_counted_by_state_and_stand_on_the_map(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        place = {"password": KEY, "latitude": 57.7, "longitude": 11.97}
        api.post("/stations", json={"id": "OV-MAPPED", **place})
        with LiveStation(ui_node.url, "OV-MAPPED", KEY):
            page.goto("/")
            expect(page.locator("[data-station-state=unavailable]")).to_be_visible()
            page.get_by_role("heading", name="Map").evaluate("(heading) => heading.scrollIntoView()")
            shown = page.get_by_role("region", name="Map")
            expect(shown.locator("canvas").first).to_be_visible()
            expect(shown).to_have_attribute("data-places", "1")
        # It has gone, and the page hears of it by itself.
        expect(page.locator("[data-station-state=offline]")).to_be_visible(timeout=20_000)


def test_the_palette_finds_a_page_a_station_and_something_to_do(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        api.post("/stations", json={"id": "OV-FOUND", "password": KEY})
    arrive(page)
    page.keyboard.press("Control+k")
    search = page.get_by_placeholder("A page, or a part")
    search.fill("ov-fou")
    page.get_by_role("button", name="OV-FOUND").click()
    expect(page.get_by_role("heading", name="OV-FOUND", level=1)).to_be_visible()
    page.keyboard.press("Control+k")
    search.fill("Add a user")
    page.get_by_role("button", name="Add a user").click()
    expect(page.get_by_role("dialog").get_by_label("User name")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    search.fill("Add a station")
    page.get_by_role("button", name="Add a station").last.click()
    expect(page.get_by_role("dialog").get_by_label("Identity")).to_be_visible()


def test_the_palette_gives_the_focus_back_and_comes_again_while_it_fades(page: Page) -> None:
    arrive(page)
    opener = page.get_by_role("button", name="Search")
    opener.click()
    search = page.get_by_placeholder("A page, or a part")
    expect(search).to_be_focused()
    page.keyboard.press("Escape")
    expect(search).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Control+k")
    expect(search).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    search.fill("Audit")
    page.get_by_role("button", name="Audit log").click()
    expect(page.get_by_role("heading", name="Audit log", level=1)).to_be_visible()


def test_keys_lead_to_pages_and_a_question_mark_tells_them(page: Page) -> None:
    arrive(page)
    page.keyboard.press("?")
    help_window = page.get_by_role("dialog")
    expect(help_window).to_contain_text("Keyboard shortcuts")
    page.keyboard.press("Escape")
    expect(help_window).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Certificates", level=1)).to_be_visible()


def test_an_expired_login_returns_to_where_one_was(page: Page, ui_node: NodeProcess) -> None:
    password = new_user(ui_node, "comes-back", "admin")
    page.goto("/settings?search=ocpp.port")
    expect(page.locator("[data-setting='ocpp.port']")).to_be_visible()
    page.context.clear_cookies()
    page.reload()
    sign_in(page, "comes-back", password)
    expect(page.locator("[data-setting='ocpp.port']")).to_be_visible()
    assert page.url.endswith("/settings?search=ocpp.port")


def test_german_is_whole_and_kept(page: Page) -> None:
    arrive(page)
    page.get_by_role("button", name="Language").click()
    page.get_by_role("menuitem", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Übersicht", level=1)).to_be_visible()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_text("Stationen nach Zustand").or_(page.get_by_text("erste Station"))).not_to_have_count(0)


def test_words_come_up_beside_a_button_and_its_menu_gives_the_focus_back(page: Page) -> None:
    arrive(page)
    page.get_by_role("button", name="Dark colours").hover()
    expect(page.get_by_role("tooltip")).to_have_text("Dark colours")
    page.get_by_role("status").filter(has_text="Live").hover()
    expect(page.get_by_role("tooltip").filter(has_text="What you see is live")).to_be_visible()
    language = page.get_by_role("button", name="Language")
    language.click()
    expect(page.get_by_role("menuitem", name="Deutsch")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_be_hidden()
    expect(language).to_be_focused()
    language.press("Enter")
    expect(page.locator("[role=menu] [data-autofocus]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="English")).to_be_focused()
