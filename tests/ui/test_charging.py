"""A whole charging session watched live, and the transaction's own page afterwards."""

import re
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Page, expect

from tests.ui.conftest import register, rest
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess


def test_a_charging_session_is_watched_live_from_the_card_to_the_last_reading(page: Page, ui_node: NodeProcess) -> None:
    password = register(ui_node, "UI-CHARGING")
    with rest(ui_node) as api:
        assert api.post("/tokens", json={"id_tag": "UI-DRIVER"}).status_code == 201
    answers = {"RemoteStartTransaction": {"status": "Accepted"}, "RemoteStopTransaction": {"status": "Accepted"}}
    with LiveStation(ui_node.url, "UI-CHARGING", password, answers) as station:
        status(station, "Available")
        page.goto("/stations/UI-CHARGING")
        card = page.locator("[data-connector='1']")
        expect(card.locator("[data-state=Available]")).to_be_visible()
        card.get_by_role("button", name="Start charging").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("combobox", name="Token").fill("UI-DRIVER")
        page.get_by_role("option", name="UI-DRIVER").click()
        dialog.get_by_role("button", name="Send").click()
        expect(card.locator("[data-job]")).to_contain_text("Accepted")
        assert ("RemoteStartTransaction", {"connectorId": 1, "idTag": "UI-DRIVER"}) in station.asked

        transaction = start(station)
        expect(card.locator("[data-state=Charging]")).to_be_visible()
        expect(card).to_contain_text("UI-DRIVER")
        measure(station, transaction, energy_wh=1500, power_w=11_040)
        expect(card.locator("[data-power]")).to_have_text("11.04 kW")
        expect(card.locator("[data-energy]")).to_have_text("500 Wh")
        expect(card).to_contain_text("L1 16 A · L2 15 A · L3 14 A")
        expect(card).to_contain_text("42 %")
        measure(station, transaction, energy_wh=2500, power_w=7_000)
        expect(card.locator("[data-power]")).to_have_text("7 kW")
        expect(card.locator("[data-energy]")).to_have_text("1.5 kWh")

        page.reload()
        expect(card.locator("[data-power]")).to_have_text("7 kW")
        card.get_by_role("button", name="Stop charging").click()
        page.get_by_role("dialog").get_by_role("button", name="Stop charging").click()
        expect(card.locator("[data-job]")).to_contain_text("Accepted")
        assert ("RemoteStopTransaction", {"transactionId": transaction}) in station.asked
        stop(station, transaction, meter_wh=3000)
        expect(card.locator("[data-power]")).to_have_count(0)
        expect(card.locator("[data-state=Available]")).to_be_visible()


def test_a_transaction_has_its_curves_its_events_and_its_messages(page: Page, ui_node: NodeProcess) -> None:
    password = register(ui_node, "UI-CURVES")
    with LiveStation(ui_node.url, "UI-CURVES", password) as station:
        status(station, "Available")
        transaction = start(station)
        measure(station, transaction, energy_wh=1500, power_w=11_000)
        page.goto("/transactions?station_id=UI-CURVES&state=open")
        row = page.locator("[data-row]").filter(has_text="UI-CURVES")
        expect(row.locator("[data-state=open]")).to_be_visible()
        row.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=f"Transaction {transaction}", level=1)).to_be_visible()
        for chart in ("power", "current", "energy", "soc", "voltage"):
            expect(page.locator(f"[data-chart={chart}] canvas")).to_be_visible()
        expect(page.locator("[data-chart=current]")).to_contain_text("Current.Import L3")
        drawn = page.locator("[data-chart=power] [data-drawn]")
        expect(drawn).to_have_attribute("data-drawn", "1")
        measure(station, transaction, energy_wh=1600, power_w=9_000)
        expect(drawn).to_have_attribute("data-drawn", "2")
        stop(station, transaction, meter_wh=-5)
        expect(page.locator("[data-state=closed]").first).to_be_visible()
    expect(page.locator("[data-flag=meter_stop_negative]")).to_contain_text("The meter was below zero at the end.")
    expect(page.locator("[data-event='transaction.started']")).to_contain_text("UI-DRIVER")
    page.locator("[data-event='transaction.ended']").get_by_role("button").click()
    expect(page.locator("[data-event='transaction.ended']")).to_contain_text('"reason": "Local"')
    page.get_by_role("tab", name="Messages").click()
    log = page.get_by_role("log")
    expect(log.locator("[data-message=StartTransaction]")).to_have_count(1)
    expect(log.locator("[data-message=MeterValues]")).to_have_count(2)
    expect(log.locator("[data-message=StopTransaction]")).to_have_count(1)


def test_transactions_are_filtered_in_the_address_and_exported_as_they_are_filtered(
    page: Page, ui_node: NodeProcess
) -> None:
    password = register(ui_node, "UI-PAST")
    with LiveStation(ui_node.url, "UI-PAST", password) as station:
        stop(station, start(station), meter_wh=2000)
        start(station)
    page.goto("/transactions")
    page.get_by_label("Station").fill("UI-PAST")
    expect(page.locator("[data-row]")).to_have_count(2)
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="Closed").click()
    expect(page).to_have_url(re.compile(r"station_id=UI-PAST.*state=closed|state=closed.*station_id=UI-PAST"))
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator("[data-row]")).to_contain_text("1 kWh")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 2
    assert "UI-PAST" in lines[1]
    page.get_by_label("Station").fill("UI-NOBODY")
    expect(page.get_by_text("Nothing matches the filter")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.get_by_label("Station")).to_have_value("")
    expect(page.locator("[data-row]").first).to_be_visible()


def test_a_transaction_that_its_station_forgot_is_closed_after_one_is_asked(page: Page, ui_node: NodeProcess) -> None:
    password = register(ui_node, "UI-FORGOTTEN")
    with LiveStation(ui_node.url, "UI-FORGOTTEN", password) as station:
        start(station)
    page.goto("/transactions?station_id=UI-FORGOTTEN")
    page.locator("[data-row] a").first.click()
    page.get_by_role("button", name="Close it").click()
    page.get_by_role("dialog").get_by_role("button", name="Close it").click()
    expect(page.locator("[data-state=closed]").first).to_be_visible()
    expect(page.locator("[data-flag=closed_by_policy]")).to_contain_text("never told of its end")


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def status(station: LiveStation, word: str) -> None:
    station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": word, "timestamp": now()})


def start(station: LiveStation) -> int:
    status(station, "Charging")
    begun: dict[str, Any] = {"connectorId": 1, "idTag": "UI-DRIVER", "meterStart": 1000, "timestamp": now()}
    return int(station.call("StartTransaction", begun)["transactionId"])


def measure(station: LiveStation, transaction: int, *, energy_wh: int, power_w: int) -> None:
    samples = [
        {"value": str(energy_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        {"value": str(power_w), "measurand": "Power.Active.Import", "unit": "W"},
        {"value": "42", "measurand": "SoC", "unit": "Percent"},
    ]
    for phase, ampere in (("L1", "16"), ("L2", "15"), ("L3", "14")):
        samples.append({"value": ampere, "measurand": "Current.Import", "unit": "A", "phase": phase})
        samples.append({"value": "230", "measurand": "Voltage", "unit": "V", "phase": f"{phase}-N"})
    value = {"timestamp": now(), "sampledValue": samples}
    station.call("MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": [value]})


def stop(station: LiveStation, transaction: int, *, meter_wh: int) -> None:
    ended = {"transactionId": transaction, "meterStop": meter_wh, "timestamp": now(), "reason": "Local"}
    station.call("StopTransaction", ended)
    status(station, "Available")
