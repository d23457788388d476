"""Sites in the browser: made, limited by time of day, wired, and watched."""

import re

from playwright.sync_api import Page, expect

from tests.ui.conftest import rest
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess

KEY = "a password of sixteen bytes"


def test_a_site_is_made_with_a_limit_for_the_evening(page: Page) -> None:
    page.goto("/sites")
    page.get_by_role("button", name="Add a site").first.click()
    window = page.get_by_role("dialog")
    window.get_by_label("Name").first.fill("Harbour")
    window.get_by_label("Short name").fill("ui-harbour")
    for _ in range(2):
        window.get_by_role("button", name="Add a limit").click()
    always, evening = window.locator("[data-limit='0']"), window.locator("[data-limit='1']")
    for phase in ("L1", "L2", "L3"):
        always.get_by_label(f"{phase} (A)").fill("63")
    evening.get_by_label("Name").fill("evening")
    evening.get_by_text("kW in all").click()
    evening.get_by_label("kW", exact=True).fill("22")
    evening.get_by_label("From").fill("17:00")
    evening.get_by_label("To", exact=True).fill("20:00")
    window.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Harbour", level=1)).to_be_visible()
    expect(page.get_by_text(re.compile(r"3 \S 63 A; 22 kW \(17:00\S20:00\)"))).to_be_visible()
    expect(page.locator("[data-lane=l1_a]")).to_contain_text("of 63 A")
    expect(page.get_by_text("Nobody charges here now")).to_be_visible()


def test_a_station_joins_a_site_and_is_wired(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        api.post("/sites", json={"id": "ui-yard", "name": "Yard", "limits": [{"name": "fuse", "l1_a": 32}]})
        api.post("/stations", json={"id": "SITE-WIRED", "password": KEY})
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    with LiveStation(ui_node.url, "SITE-WIRED", KEY) as station:
        station.call("StatusNotification", status)
        page.goto("/sites/ui-yard?tab=connectors")
        page.get_by_label("Add a station to this site").first.fill("SITE-WIR")
        page.get_by_role("option", name="SITE-WIRED").click()
        page.get_by_role("button", name="Add", exact=True).click()
        row = page.locator("[data-wiring='SITE-WIRED|1']")
        expect(row).to_contain_text("not known")
        row.get_by_role("button", name="Edit").click()
        window = page.get_by_role("dialog")
        for phase in ("L2", "L3", "L1"):
            window.get_by_text(phase, exact=True).click()
        window.get_by_role("button", name="Save").click()
        expect(row).to_contain_text("L2 L3 L1")


def test_a_limit_that_cannot_be_is_refused_in_words(page: Page) -> None:
    page.goto("/sites?new=1")
    window = page.get_by_role("dialog")
    window.get_by_label("Name").first.fill("Nowhere")
    window.get_by_label("Time zone").fill("Moon/Sea_of_Tranquility")
    window.get_by_role("button", name="Save").click()
    expect(window.get_by_role("alert")).to_contain_text("time zone", ignore_case=True)


def test_the_planner_is_tuned_and_what_is_emptied_has_its_default(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        made = api.post("/sites", json={"id": "ui-tuned", "name": "Tuned", "limits": [{"name": "fuse", "l1_a": 32}]})
        default = made.json()["settings"]
        page.goto("/sites/ui-tuned")
        window = page.get_by_role("dialog")
        for typed, stored in (("900", 900), ("", default["turn_s"])):
            page.get_by_role("button", name="Limits and settings").click()
            window.get_by_role("button", name="Times and thresholds").click()
            window.get_by_label("One's turn").fill(typed)
            window.get_by_role("button", name="Save").click()
            expect(window).to_be_hidden()
            assert api.get("/sites/ui-tuned").json()["settings"] == default | {"turn_s": stored}
        page.get_by_role("button", name="Limits and settings").click()
        window.get_by_role("button", name="Times and thresholds").click()
        window.get_by_label("Wrong clocks").fill("600")
        window.get_by_role("button", name="Save").click()
        expect(window.get_by_role("alert")).to_contain_text("the margin for clocks")


def test_the_limits_of_a_price_are_given_changed_and_taken_away(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        api.post("/sites", json={"id": "ui-priced", "name": "Priced", "limits": [{"name": "fuse", "l1_a": 32}]})
        page.goto("/sites/ui-priced?tab=schedules")
        page.get_by_role("button", name="Add a source").click()
        window = page.get_by_role("dialog")
        window.get_by_label("Source").fill("price")
        entry = window.locator("[data-entry='0']")
        entry.get_by_label("From").fill("2030-01-01T17:00")
        entry.get_by_label("Until").fill("2030-01-01T20:00")
        entry.get_by_text("kW in all").click()
        entry.get_by_label("kW", exact=True).fill("9.5")
        window.get_by_role("button", name="Save").click()
        card = page.locator("[data-schedule=price]")
        expect(card.get_by_role("row")).to_have_count(2)
        expect(card).to_contain_text("9.5 kW")

        card.get_by_role("button", name="Edit").click()
        window.get_by_role("button", name="Add a time").click()
        entry = window.locator("[data-entry='1']")
        expect(entry.get_by_label("From")).to_have_value("2030-01-01T20:00")
        entry.get_by_label("Until").fill("2030-01-01T19:00")
        entry.get_by_label("L1 (A)").fill("16")
        window.get_by_role("button", name="Save").click()
        expect(window.get_by_role("alert")).to_be_visible()
        entry.get_by_label("Until").fill("2030-01-01T22:00")
        window.get_by_role("button", name="Save").click()
        expect(card.get_by_role("row")).to_have_count(3)
        expect(card).to_contain_text("L1 16 A")

        card.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("No limits of other sources")).to_be_visible()
        assert api.get("/sites/ui-priced/limit-schedules").json()["items"] == []
