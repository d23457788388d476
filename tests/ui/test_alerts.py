"""Alerts in a real browser: what is wrong is seen at once, somebody says that they know, and rules are tuned."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from tests.ui.conftest import register, rest
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess

FAULT = {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted"}


def test_a_faulted_connector_raises_an_alert_that_somebody_acknowledges(page: Page, ui_node: NodeProcess) -> None:
    with at_once(ui_node), LiveStation(ui_node.url, "UI-FAULTY", register(ui_node, "UI-FAULTY")) as station:
        page.goto("/alerts?search=UI-FAULTY")
        expect(page.get_by_text("Nothing needs you")).to_be_visible()
        station.call("StatusNotification", FAULT)
        # Nobody reloads: it comes by the event stream.
        row = page.get_by_role("row").filter(has_text="UI-FAULTY")
        expect(row).to_contain_text("Warning")
        row.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("link", name="UI-FAULTY")).to_be_visible()
        dialog.get_by_label("Comment").fill("A technician is on the way")
        dialog.get_by_role("button", name="Acknowledge").click()
        expect(dialog).to_be_hidden()
        expect(row.locator("[data-state=alert_acknowledged]")).to_be_visible()

        page.goto("/")
        card = page.locator("[data-card=alerts]")
        expect(card).to_contain_text("UI-FAULTY")
        station.call("StatusNotification", FAULT | {"errorCode": "NoError", "status": "Available"})
        expect(card.get_by_text("UI-FAULTY")).to_have_count(0)
        page.goto("/alerts?tab=history&search=UI-FAULTY")
        page.get_by_role("row").filter(has_text="UI-FAULTY").click()
        expect(page.get_by_role("dialog")).to_contain_text("A technician is on the way")


def test_a_list_that_contradicts_leads_to_where_the_whole_list_is_sent(page: Page, ui_node: NodeProcess) -> None:
    conflict = {"connectorId": 0, "errorCode": "LocalListConflict", "status": "Available"}
    with LiveStation(ui_node.url, "UI-LIST", register(ui_node, "UI-LIST")) as station:
        page.goto("/alerts?search=UI-LIST")
        expect(page.get_by_text("Nothing needs you")).to_be_visible()
        station.call("StatusNotification", conflict)
        page.get_by_role("row").filter(has_text="Send it the full list.").click()
        page.get_by_role("dialog").get_by_role("link", name="Send everything anew").click()
        expect(page).to_have_url(re.compile(r"/stations/UI-LIST/localList$"))
        expect(page.get_by_role("button", name="Send everything anew")).to_be_visible()
        station.call("StatusNotification", conflict | {"errorCode": "NoError"})


def test_a_further_rule_is_made_tuned_and_deleted(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        recipients = {"name": "UI night shift", "addresses": ["night@example.org"], "site_ids": ["UI-YARD"]}
        made = api.post("/alert-recipients", json=recipients)
        assert made.status_code == 201, made.text
    page.goto("/alerts?tab=rules")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_role("menuitem", name="Station offline").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("UI yard is away")
    dialog.get_by_label("After minutes").fill("3")
    dialog.get_by_label("Sites").fill("UI-YARD")
    dialog.get_by_role("combobox", name="Who gets e-mails").click()
    page.get_by_role("option", name="Some lists only").click()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Choose at least one list.")).to_be_visible()
    dialog.get_by_role("combobox", name="Lists").click(force=True)
    page.get_by_role("option", name="UI night shift").click()
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="UI yard is away")
    expect(row).to_contain_text("After minutes: 3 · Sites: UI-YARD · Who gets e-mails: Some lists only")

    row.get_by_role("button", name="Edit").click()
    dialog.get_by_label("After minutes").fill("7")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("After minutes: 7 · Sites: UI-YARD")

    row.get_by_role("button", name="Edit").click()
    dialog.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete the rule UI yard is away?").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


@contextmanager
def at_once(node: NodeProcess) -> Iterator[None]:
    """Let the rule for faulted connectors not wait, as long as the block lasts."""
    with rest(node) as api:
        (rule,) = api.get("/alert-rules", params={"kind": "connector_faulted"}).json()["items"]

        def wait(parameters: dict[str, int]) -> None:
            changed = api.patch(f"/alert-rules/{rule['id']}", json={"parameters": parameters})
            assert changed.status_code == 200, changed.text

        wait({"after_minutes": 0})
        try:
            yield
        finally:
            wait(rule["parameters"])
