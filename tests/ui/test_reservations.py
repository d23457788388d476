"""Reservations and local lists in a real browser, with a station that takes them or does not."""

from playwright.sync_api import Page, expect

from tests.ui.conftest import register, rest
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess


def test_a_connector_is_reserved_and_the_reservation_cancelled(page: Page, ui_node: NodeProcess) -> None:
    answers = {"ReserveNow": {"status": "Accepted"}, "CancelReservation": {"status": "Accepted"}}
    with LiveStation(ui_node.url, "UI-KEPT", register(ui_node, "UI-KEPT"), answers) as station:
        page.goto("/reservations?station_id=UI-KEPT")
        page.get_by_role("button", name="Reserve").click()
        window = page.get_by_role("dialog")
        window.get_by_label("Identity").fill("UI-KEPT")
        window.get_by_label("Connector").fill("1")
        window.get_by_label("Token").fill("UI-GUEST")
        window.get_by_role("button", name="Send").click()
        expect(window.locator("[data-job]")).to_contain_text("Accepted")
        window.get_by_role("button", name="Close").last.click()
        row = page.get_by_role("row").filter(has_text="UI-GUEST")
        expect(row.locator("[data-state=active]")).to_be_visible()

        row.get_by_role("button", name="Cancel it").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel it").click()
        expect(row.locator("[data-state=cancelled]")).to_be_visible()
        (_, reserved), (action, cancelled) = station.asked
        assert (reserved["connectorId"], reserved["idTag"]) == (1, "UI-GUEST")
        assert (action, cancelled["reservationId"]) == ("CancelReservation", reserved["reservationId"])


def test_a_station_that_keeps_nothing_free_is_told_so(page: Page, ui_node: NodeProcess) -> None:
    answers = {"ReserveNow": {"status": "Occupied"}}
    with LiveStation(ui_node.url, "UI-TAKEN", register(ui_node, "UI-TAKEN"), answers):
        page.goto("/stations/UI-TAKEN/reservations")
        page.get_by_role("button", name="Reserve").click()
        window = page.get_by_role("dialog")
        window.get_by_label("Token").fill("UI-GUEST")
        window.get_by_role("button", name="Send").click()
        expect(window.locator("[data-job]")).to_contain_text("Occupied")


def test_a_local_list_is_chosen_and_brought_to_the_station(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        assert api.post("/tokens", json={"id_tag": "UI-LISTED"}).status_code == 201
    answers: dict[str, dict[str, object]] = {
        "GetLocalListVersion": {"listVersion": 0},
        "SendLocalList": {"status": "Accepted"},
    }
    with LiveStation(ui_node.url, "UI-LISTS", register(ui_node, "UI-LISTS"), answers) as station:
        page.goto("/stations/UI-LISTS/localList")
        page.locator("label").filter(has_text="Some").click()
        page.get_by_role("combobox", name="Tokens").fill("UI-LISTED")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
        page.get_by_role("button", name="Bring up to date").click()
        expect(page.locator("[data-state=in_sync]")).to_be_visible()
        held = page.get_by_role("row").filter(has_text="UI-LISTED")
        expect(held.locator("[data-state=Accepted]")).to_be_visible()
        sent = [payload for action, payload in station.asked if action == "SendLocalList"]
        assert [entry["idTag"] for entry in sent[-1]["localAuthorizationList"]] == ["UI-LISTED"]
