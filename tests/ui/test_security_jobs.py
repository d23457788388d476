"""The jobs that change how a station proves who it is: begun, followed and called off on its page."""

from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import rest
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess

PASSWORD = "a password of sixteen bytes"


def begin(page: Page, what: str) -> Locator:
    """Press a button and confirm it; the window is gone then."""
    page.get_by_role("button", name=f"{what} …").click()
    window = page.get_by_role("dialog")
    window.get_by_role("button", name=what, exact=True).click()
    expect(window).to_be_hidden()
    return page.locator("[data-security-job]")


def call_off(page: Page) -> None:
    page.locator("[data-security-job]").get_by_role("button", name="Call it off").click()
    page.get_by_role("dialog").get_by_role("button", name="Call it off").click()
    expect(page.locator("[data-security-job] [data-job-state=cancelled]")).to_be_visible()


def test_a_password_is_rotated_and_nobody_sees_it(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        api.post("/stations", json={"id": "UI-ROTATED", "password": PASSWORD})
    with LiveStation(ui_node.url, "UI-ROTATED", PASSWORD, {"ChangeConfiguration": {"status": "Accepted"}}) as station:
        page.goto("/stations/UI-ROTATED/certificates")
        job = begin(page, "Rotate the password")
        expect(job).to_contain_text("Rotating the password")
        expect(job.locator("[data-job-state=done]")).to_be_visible()
        (asked,) = [payload for action, payload in station.asked if action == "ChangeConfiguration"]
        assert asked["key"] == "AuthorizationKey"
        expect(page.locator("body")).not_to_contain_text(asked["value"])


def test_a_profile_is_raised_for_a_station_that_is_away(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        api.post("/stations", json={"id": "UI-RAISED", "password": PASSWORD})
    page.goto("/stations/UI-RAISED/certificates")
    page.get_by_role("button", name="Raise the profile …").click()
    window = page.get_by_role("dialog")
    window.get_by_text("Profile 2", exact=True).click()
    window.get_by_label("Reset the station once it has agreed").check()
    window.get_by_role("button", name="Raise the profile", exact=True).click()
    expect(window).to_be_hidden()
    expect(page.locator("[data-security-job=RaiseSecurityProfile]")).to_contain_text("Raising the security profile")
    rotate = page.get_by_role("button", name="Rotate the password …")
    expect(rotate).to_be_disabled()  # one such job at a time
    call_off(page)
    expect(rotate).to_be_enabled()
