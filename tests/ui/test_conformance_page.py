"""The conformance kit in the browser: chosen, run against a node made for it, watched, its report opened."""

from playwright.sync_api import Page, expect

MINUTE_MS = 60_000


def test_a_case_is_run_watched_and_reported(page: Page) -> None:
    page.goto("/conformance")
    page.get_by_role("button", name="Run the kit").first.click()
    window = page.get_by_role("dialog")
    window.get_by_label("Cases").first.fill("TC_001")
    page.get_by_role("option", name="TC_001").click()
    page.keyboard.press("Escape")
    window.get_by_role("button", name="Begin").click()
    expect(page.locator("[data-case=TC_001][data-verdict=pass]")).to_be_visible(timeout=2 * MINUTE_MS)
    expect(page.locator("[data-state=passed]")).to_be_visible(timeout=MINUTE_MS)
    with page.context.expect_page() as report:
        page.get_by_role("link", name="Open the report").click()
    expect(report.value.get_by_role("heading").first).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Conformance", level=1)).to_be_visible()
