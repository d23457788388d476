"""People in the browser: roles, a second factor with its recovery codes, keys, and the proof of the audit log."""

import base64
import time

from playwright.sync_api import Browser, Page, expect

from stationmaster.domain.totp import code_at
from tests.ui.conftest import finish, new_context, new_user, sign_in, watched
from tests.walks.running import NodeProcess

CODE_STEP_S = 30


def opened(browser: Browser, node: NodeProcess) -> Page:
    """A browser of somebody else, at the door."""
    page = watched(new_context(browser, node))
    page.goto("/")
    return page


def test_a_viewer_sees_no_way_to_change_anything(page: Page, browser: Browser, ui_node: NodeProcess) -> None:
    page.goto("/users?new=1")
    window = page.get_by_role("dialog")
    window.get_by_label("User name").fill("looks-on")
    window.get_by_role("button", name="Save").click()
    password = window.locator("pre").inner_text()
    viewer = opened(browser, ui_node)
    sign_in(viewer, "looks-on", password)
    menu = viewer.get_by_role("navigation", name="Menu")
    expect(menu.get_by_role("link", name="Stations")).to_be_visible()
    for hidden in ("Users", "API keys", "Audit log", "Settings", "Conformance"):
        expect(menu.get_by_role("link", name=hidden, exact=True)).to_have_count(0)
    viewer.goto("/users")
    expect(viewer.get_by_text("Not yours to see")).to_be_visible()
    viewer.goto("/certificates?tab=authorities")
    expect(viewer.get_by_role("heading", name="Ours, signing now")).to_be_visible(timeout=30_000)
    expect(viewer.get_by_role("button", name="Trust another authority")).to_have_count(0)
    viewer.goto("/sites")
    expect(viewer.get_by_role("heading", name="Sites", level=1)).to_be_visible()
    expect(viewer.get_by_role("button", name="Add a site")).to_have_count(0)
    finish(viewer.context)


def test_what_each_role_may_do_is_a_table(page: Page) -> None:
    page.goto("/users?tab=roles")
    row = page.get_by_role("row").filter(has_text="commands:dangerous")
    expect(row.get_by_role("img", name="may", exact=True)).to_have_count(2)


def test_a_recovery_code_lets_in_whoever_has_lost_the_app(browser: Browser, ui_node: NodeProcess) -> None:
    password = new_user(ui_node, "careful", "viewer")
    careful = opened(browser, ui_node)
    sign_in(careful, "careful", password)
    careful.goto("/account")
    careful.get_by_label("Present password").last.fill(password)
    careful.get_by_role("button", name="Turn on").click()
    secret = careful.locator("pre").inner_text()
    step = int(time.time()) // CODE_STEP_S
    careful.get_by_label("Code of your authenticator app").fill(code_at(base64.b32decode(secret), step))
    careful.get_by_role("button", name="Confirm").click()
    codes = careful.locator("pre").filter(has_not_text=secret)
    recovery = codes.inner_text().split()[0]
    careful.get_by_role("button", name="Account").click()
    careful.get_by_role("menuitem", name="Sign out").click()
    careful.get_by_label("User name").fill("careful")
    expect(careful.get_by_text("Your login has expired")).to_have_count(0)
    careful.locator("input[type=password]").fill(password)
    careful.get_by_role("button", name="Sign in").click()
    careful.get_by_role("button", name="Use a recovery code instead").click()
    careful.get_by_label("Recovery code").fill("not-a-code")
    careful.get_by_role("button", name="Sign in").click()
    expect(careful.get_by_role("alert")).to_be_visible()
    careful.get_by_label("Recovery code").fill(recovery)
    careful.get_by_role("button", name="Sign in").click()
    expect(careful.get_by_role("button", name="Account")).to_be_visible()
    finish(careful.context)


def test_a_key_is_made_narrow_shown_once_and_revoked(page: Page) -> None:
    page.goto("/api-keys?new=1")
    window = page.get_by_role("dialog")
    window.get_by_label("Name").fill("reporting")
    window.get_by_label("Permissions").first.click()
    page.get_by_role("option", name="transactions:read").click()
    page.keyboard.press("Escape")
    window.get_by_role("button", name="Save").click()
    expect(window.locator("pre")).to_contain_text("sm_")
    window.get_by_role("button", name="Close", exact=True).last.click()
    page.get_by_role("row").filter(has_text="reporting").click()
    expect(page.get_by_role("dialog")).to_contain_text("transactions:read")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").filter(has_text="Revoke reporting?").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row").filter(has_text="reporting").locator("[data-state=revoked]")).to_be_visible()


def test_the_audit_log_is_proved(page: Page) -> None:
    page.goto("/audit")
    page.get_by_role("button", name="Prove the chain").click()
    expect(page.locator("[data-whole=true]")).to_contain_text("Nobody has changed the log")


def test_settings_are_found_with_their_source(page: Page) -> None:
    page.goto("/settings")
    page.locator("main").get_by_label("Search").fill("tile_url")
    expect(page.locator("[data-setting]")).to_have_count(1)
    expect(page.locator("[data-setting='map.tile_url']")).to_contain_text("default")
