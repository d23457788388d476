"""What happens when the login has expired, the connection is lost, or a call fails or takes its time."""

from playwright.sync_api import Browser, Page, Route, expect

from tests.ui.conftest import FAULTS, finish, new_context, new_user, register, sign_in, watched
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess


def test_who_signs_in_again_after_the_login_expired_is_where_they_were(browser: Browser, ui_node: NodeProcess) -> None:
    password = new_user(ui_node, "forgetful", "admin")
    context = new_context(browser, ui_node)
    page = watched(context)
    page.goto("/transactions?state=open")
    sign_in(page, "forgetful", password)
    expect(page).to_have_url(f"{ui_node.http_url}/transactions?state=open")
    expect(page.get_by_role("combobox", name="State")).to_have_value("Charging")
    context.clear_cookies()
    page.get_by_label("Token").fill("anything")
    expect(page.get_by_role("status").filter(has_text="expired")).to_be_visible()
    sign_in(page, "forgetful", password)
    expect(page).to_have_url(f"{ui_node.http_url}/transactions?state=open&id_tag=anything")
    expect(page.get_by_role("heading", name="Transactions", level=1)).to_be_visible()
    finish(context)


def test_a_lost_connection_is_shown_and_healed_and_what_was_missed_is_caught_up(
    page: Page, ui_node: NodeProcess
) -> None:
    password = register(ui_node, "UI-MISSED")
    page.goto("/stations?search=UI-MISSED")
    row = page.locator("[data-row=UI-MISSED]")
    expect(row.locator("[data-state=offline]")).to_be_visible()
    expect(page.locator("[data-stream=live]")).to_be_visible()
    assert ui_node.stop() == 0
    expect(page.locator("[data-stream=lost]")).to_contain_text("Connection lost")
    ui_node.start()
    with LiveStation(ui_node.url, "UI-MISSED", password):
        expect(page.locator("[data-stream=live]")).to_be_visible(timeout=20_000)
        expect(row.locator("[data-state=online]")).to_be_visible()
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    expect(page.locator("[data-stream=lost]")).to_be_visible()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("[data-stream=live]")).to_be_visible()


def test_a_call_that_fails_is_told_and_can_be_tried_again(page: Page, ui_node: NodeProcess) -> None:
    broken = True

    def answer(route: Route) -> None:
        if broken:
            route.fulfill(
                status=503,
                content_type="application/problem+json",
                body='{"title":"Away","status":503,"detail":"The database is away."}',
            )
        else:
            route.continue_()

    page.route("**/api/v1/tokens?*", answer)
    page.goto("/tokens")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The database is away.", timeout=20_000)
    broken = False
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(page.get_by_role("region", name="Tokens").or_(page.get_by_text("No tokens"))).to_be_visible()


def test_an_unreachable_system_is_told_in_words(page: Page) -> None:
    page.route("**/api/v1/reservations?*", lambda route: route.abort())
    page.goto("/reservations")
    expect(page.get_by_role("alert")).to_contain_text("does not answer", timeout=20_000)


def test_a_slow_call_shows_that_something_is_on_its_way(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/refused-handshakes?*", hold)
    page.goto("/door")
    expect(page.get_by_role("progressbar", name="Loading")).to_be_visible()
    page.unroute("**/api/v1/refused-handshakes?*", hold)
    for route in held:
        route.continue_()
    expect(page.get_by_role("progressbar", name="Loading")).to_have_count(0)


def test_a_page_whose_file_is_gone_says_so_and_the_rest_goes_on(page: Page) -> None:
    page.goto("/stations")
    page.route("**/assets/FirmwarePage*", lambda route: route.abort())
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Firmware").click()
    expect(page.get_by_role("alert")).to_contain_text("could not be shown")
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("heading", name="Tokens", level=1)).to_be_visible()
    with_page_errors_forgotten(page)


def with_page_errors_forgotten(page: Page) -> None:
    """The missing file was meant: what the page said about it does not fail the test."""
    FAULTS[page.context].clear()
