"""What an operator does on the first day, in a real browser."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import rest
from tests.ui.knocking import answering, knock
from tests.walks.running import NodeProcess

AXE = Path(__file__).parents[2] / "ui/node_modules/axe-core/axe.min.js"
PAGES = [
    "/",
    "/stations",
    "/door",
    "/transactions",
    "/tokens",
    "/reservations",
    "/charging-profiles",
    "/configuration",
    "/configuration?tab=templates",
    "/firmware",
    "/certificates",
    "/users",
    "/api-keys",
    "/audit",
    "/account",
    "/settings",
    "/messages",
]
HOSTILE = "<img src=x onerror=alert(1)>"


def test_a_station_is_added_and_its_password_shown_once(page: Page, ui_node: NodeProcess) -> None:
    add_station(page, "UI-ADDED")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{ui_node.url.rsplit(':', 1)[1]}/UI-ADDED")
    expect(dialog).to_contain_text("shown only now")
    dialog.get_by_role("link", name="Open the station").click()
    expect(page.get_by_role("heading", name="UI-ADDED", level=1)).to_be_visible()


def test_who_is_turned_away_waits_at_the_door_and_can_be_accepted(page: Page, ui_node: NodeProcess) -> None:
    knock(ui_node.url, "UI-STRANGER")
    page.goto("/door")
    card = page.locator("[data-refusal='UI-STRANGER']")
    expect(card).to_contain_text("not registered")
    card.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("alert").filter(has_text="UI-STRANGER")).to_contain_text("Its password, shown once")


def test_a_command_is_sent_and_its_answer_seen_and_both_are_in_the_message_log(
    page: Page, ui_node: NodeProcess
) -> None:
    password = add_station(page, "UI-COMMANDED")
    with answering(ui_node.url, "UI-COMMANDED", password, {"Reset": {"status": "Rejected"}}):
        page.goto("/stations/UI-COMMANDED/commands")
        expect(page.locator("[data-state=online]").first).to_be_visible()
        page.get_by_role("button", name="Reset").click()
        form = page.locator("[data-command=Reset]")
        form.get_by_role("button", name="Software").click()
        form.get_by_role("button", name="Send", exact=True).click()
        confirm = page.get_by_role("dialog").get_by_role("button", name="Send")
        expect(confirm.or_(form.locator("[data-job]"))).to_be_visible()
        if confirm.is_visible():
            confirm.click()
        expect(form.locator("[data-job]")).to_contain_text("Rejected")
        page.goto("/stations/UI-COMMANDED/messages")
        log = page.get_by_role("log")
        expect(log).to_contain_text('"type":"Soft"')
        expect(log).to_contain_text('"status":"Rejected"')


def test_every_command_with_fields_shows_them(page: Page) -> None:
    add_station(page, "UI-FORMS")
    page.goto("/stations/UI-FORMS/commands")
    page.get_by_role("button", name="SetChargingProfile").click()
    expect(
        page.locator("[data-command=SetChargingProfile] [data-field='csChargingProfiles.stackLevel']")
    ).to_be_visible()


def test_a_charging_profile_is_drawn_while_it_is_typed(page: Page) -> None:
    page.goto("/charging-profiles")
    page.get_by_role("button", name="Make a profile").first.click()
    line = page.get_by_role("dialog").locator("svg[role=img] path").first
    before = line.get_attribute("d")
    page.locator("[data-period='1'] input").nth(1).fill("10")
    expect(line).not_to_have_attribute("d", before or "")


def test_what_others_write_stays_text(page: Page, ui_node: NodeProcess) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    with rest(ui_node) as api:
        assert api.post("/stations", json={"id": "UI-HOSTILE", "name": HOSTILE}).status_code == 201
    page.goto("/stations/UI-HOSTILE")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    page.goto("/stations?search=UI-HOSTILE")
    expect(page.locator("[data-row=UI-HOSTILE]")).to_contain_text(HOSTILE)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone_and_has_no_serious_barrier(page: Page, path: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.goto(path)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("domcontentloaded")
        assert barriers(page) == [], scheme
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(path)
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def barriers(page: Page) -> list[Any]:
    """What axe finds that is serious or worse: rule and the first element."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    # Through the debugger, since the content security policy of the page rightly forbids it.
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    expression = (
        "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations"
        ".filter(v => ['serious', 'critical'].includes(v.impact)).map(v => [v.id, v.nodes[0].html])))"
    )
    found = session.send("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True})
    session.detach()
    return list(json.loads(found["result"]["value"]))


def add_station(page: Page, identity: str) -> str:
    """Add a station with the wizard; the password that was shown."""
    page.goto("/stations")
    page.get_by_role("button", name="Add a station").first.click()
    page.get_by_role("dialog").get_by_label("Identity").fill(identity)
    page.get_by_role("button", name="Create").click()
    page.get_by_role("link", name="Open the station").wait_for()
    return page.get_by_role("dialog").locator("pre").nth(1).inner_text()
