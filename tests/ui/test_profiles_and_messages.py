"""A station's page: charging profiles, messages as a conversation, configuration, and many stations at once."""

import json
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.ui.conftest import register, rest
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess


def test_a_profile_is_drawn_while_it_is_typed_and_a_broken_rule_is_named(page: Page) -> None:
    page.goto("/charging-profiles")
    page.get_by_role("button", name="Make a profile").first.click()
    dialog = page.get_by_role("dialog")
    line = dialog.locator("svg[role=img] path").first
    before = line.get_attribute("d") or ""
    dialog.locator("[data-period='1'] input").nth(1).fill("10")
    expect(line).not_to_have_attribute("d", before)
    before = line.get_attribute("d") or ""
    dialog.locator("[data-period='1'] input").nth(0).fill("9:30")
    expect(line).not_to_have_attribute("d", before)
    dialog.locator("[data-period='0'] input").nth(0).fill("1:00")
    expect(dialog.locator("[data-rule]").first).to_be_visible()
    dialog.locator("[data-period='0'] input").nth(0).fill("0:00")
    expect(dialog.locator("[data-rule]")).to_have_count(0)
    dialog.locator("[data-period='1'] input").nth(0).fill("tomorrow")
    expect(dialog.get_by_text("Hours and minutes, such as 8:00")).to_be_visible()


def test_a_profile_is_made_installed_and_compared_with_what_the_station_says(page: Page, ui_node: NodeProcess) -> None:
    page.goto("/charging-profiles")
    page.get_by_role("button", name="Make a profile").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("UI always six")
    dialog.get_by_role("button", name="Always 6 A").click()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="UI always six")).to_be_visible()

    theirs = {"duration": 86400, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7}]}
    answers: dict[str, dict[str, Any]] = {
        "SetChargingProfile": {"status": "Accepted"},
        "ClearChargingProfile": {"status": "Accepted"},
        "GetCompositeSchedule": {"status": "Accepted", "connectorId": 1, "chargingSchedule": theirs},
    }
    with LiveStation(ui_node.url, "UI-PROFILES", register(ui_node, "UI-PROFILES"), answers) as station:
        page.goto("/stations/UI-PROFILES/charging")
        expect(page.get_by_text("No limit", exact=True)).to_be_visible()
        page.get_by_role("combobox", name="From the library").click()
        page.get_by_role("option", name="UI always six").click()
        page.get_by_role("button", name="Send", exact=True).click()
        # A profile without an end is warned of before it goes out; it has got its start.
        expect(page.get_by_role("alert")).to_contain_text("from when to when it is valid")
        assert station.asked == []
        page.get_by_role("button", name="Send anyway").click()
        expect(page.locator("[data-job]")).to_contain_text("Accepted")
        installed = page.locator("[data-profile]")
        expect(installed).to_contain_text("6 A")
        chart = page.locator("svg[role=img]").first
        # One profile of the stack and what comes of it; then also what the station says comes of it.
        expect(chart.locator("path")).to_have_count(2)
        page.get_by_role("button", name="Ask the station").click()
        expect(page.locator("[data-compared]")).to_contain_text("otherwise")
        expect(chart.locator("path")).to_have_count(3)
        page.get_by_label("Show the stack").click()
        expect(chart.locator("path")).to_have_count(2)
        installed.get_by_role("button", name="Clear").click()
        page.get_by_role("dialog").get_by_role("button", name="Clear").click()
        expect(installed).to_have_count(0)
        assert [action for action, _ in station.asked] == [
            "SetChargingProfile",
            "GetCompositeSchedule",
            "ClearChargingProfile",
        ]


def test_a_profile_goes_out_with_a_start_and_a_refusal_is_told_in_words(page: Page, ui_node: NodeProcess) -> None:
    schedule = {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}]}
    with rest(ui_node) as api:
        for name, purpose in (("UI for one", "tx"), ("UI for all", "tx_default")):
            profile = {"purpose": purpose, "kind": "relative", "schedule": schedule}
            assert api.post("/charging-profiles", json={"name": name, "profile": profile}).status_code == 201
    answers = {"RemoteStartTransaction": {"status": "Accepted"}, "SetChargingProfile": {"status": "NotSupported"}}
    with LiveStation(ui_node.url, "UI-STARTS", register(ui_node, "UI-STARTS"), answers) as station:
        page.goto("/stations/UI-STARTS/charging")
        page.get_by_role("combobox", name="From the library").click()
        page.get_by_role("option", name="UI for one").click()
        page.get_by_label("Start with token").fill("CARD1")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.locator("[data-job]")).to_contain_text("Accepted")
        ((action, payload),) = station.asked
        assert (action, payload["idTag"]) == ("RemoteStartTransaction", "CARD1")
        assert payload["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
        page.get_by_role("combobox", name="From the library").click()
        page.get_by_role("option", name="UI for all").click()
        page.get_by_label("Start with token").fill("")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_text("The station does not support charging profiles.")).to_be_visible()
        assert [action for action, _ in station.asked] == ["RemoteStartTransaction", "SetChargingProfile"]


def test_a_profile_that_follows_the_clocks_says_so_and_that_the_station_did_not_take_a_change(
    page: Page, ui_node: NodeProcess
) -> None:
    schedule = {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}], "duration_s": 86_400}
    profile = {"purpose": "tx_default", "kind": "recurring", "recurrency": "daily", "schedule": schedule}
    with rest(ui_node) as api:
        site = {"id": "ui-clocks", "name": "UI clocks", "time_zone": "Asia/Kolkata"}
        assert api.post("/sites", json=site).status_code == 201
        kept = api.post("/charging-profiles", json={"name": "UI each day", "profile": profile}).json()["id"]
        password = register(ui_node, "UI-CLOCKS", site_id="ui-clocks")
        with LiveStation(ui_node.url, "UI-CLOCKS", password, {"SetChargingProfile": {"status": "Accepted"}}):
            page.goto("/stations/UI-CLOCKS/charging")
            wish = {"connector_id": 1, "library_id": kept, "send_anyway": True}
            assert api.post("/stations/UI-CLOCKS/charging-profiles", json=wish).status_code == 200
            installed = page.locator("[data-profile]")
            expect(installed).to_contain_text("Follows the clock of Asia/Kolkata")
            expect(installed.locator("[data-out-of-step]")).to_have_count(0)

            def half_a_year_later(route: Route) -> None:
                """The answer of the API after a change of the clocks that the station has refused."""
                answer = route.fetch()
                told = answer.json()
                for each in told["items"]:
                    each["out_of_step"] = True
                route.fulfill(response=answer, json=told)

            page.route("**/api/v1/stations/UI-CLOCKS/charging-profiles", half_a_year_later)
            page.reload()
            expect(installed.locator("[data-out-of-step]")).to_contain_text("has not taken it anew")
    page.goto("/charging-profiles")
    page.get_by_role("button", name="Make a profile").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Kind").click()
    page.get_by_role("option", name="Again and again").click()
    expect(dialog.get_by_text("is sent anew when that changes")).to_be_visible()


def test_only_what_is_a_doubt_can_be_sent_anyway(page: Page, ui_node: NodeProcess) -> None:
    schedule = {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}]}
    with rest(ui_node) as api:
        profile = {"purpose": "station_max", "kind": "absolute", "schedule": schedule}
        made = api.post("/charging-profiles", json={"name": "UI for the whole", "profile": profile})
        assert made.status_code == 201, made.text
    with LiveStation(ui_node.url, "UI-BLOCKED", register(ui_node, "UI-BLOCKED")) as station:
        page.goto("/stations/UI-BLOCKED/charging")
        page.get_by_role("combobox", name="From the library").click()
        page.get_by_role("option", name="UI for the whole").click()
        # The most of a station is not a matter of one connector: no insisting helps.
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="breaks rules")).to_be_visible()
        expect(page.get_by_role("button", name="Send anyway")).to_have_count(0)
        assert station.asked == []


def test_messages_are_a_conversation_that_is_filtered_followed_and_exported(page: Page, ui_node: NodeProcess) -> None:
    answers = {"Reset": {"status": "Rejected"}}
    with LiveStation(ui_node.url, "UI-TALKING", register(ui_node, "UI-TALKING"), answers) as station:
        station.call("Heartbeat")
        station.mutter("[2, nonsense")
        page.goto("/stations/UI-TALKING/messages")
        page.get_by_label("Follow").check()
        log = page.get_by_role("log")
        booted = log.locator("[data-message=BootNotification]")
        expect(booted).to_have_attribute("data-direction", "in")
        expect(booted.locator("[data-side=station]")).to_contain_text('{"chargePointVendor":"Vendor"')
        expect(booted.locator("[data-side=us]")).to_contain_text('"status":"Accepted"')
        expect(booted.get_by_title("Time to the answer")).to_be_visible()
        expect(log.locator("[data-bad]")).to_contain_text("[2, nonsense")
        booted.locator("button[aria-expanded]").click()
        expect(booted.locator("pre").first).to_contain_text('"BootNotification"')

        page.request.post(
            "/api/v1/stations/UI-TALKING/commands/Reset",
            data={"type": "Soft"},
            headers={"X-CSRF-Token": page.request.get("/api/v1/session").json()["csrf_token"]},
        )
        reset = log.locator("[data-message=Reset]")
        expect(reset).to_have_attribute("data-direction", "out")
        expect(reset.locator("[data-side=station]")).to_contain_text("Rejected")

        page.get_by_role("textbox", name="Action").fill("Heartbeat")
        expect(log.locator("[data-message]")).to_have_count(1)
        with page.expect_download() as download:
            page.get_by_role("link", name="Export CSV").click()
        lines = download.value.path().read_text().splitlines()
        assert len(lines) == 2
        assert "Heartbeat" in lines[1]


def test_configuration_is_read_searched_and_changed(page: Page, ui_node: NodeProcess) -> None:
    keys = [{"key": name, "readonly": name == "Fixed", "value": "5"} for name in ("Fixed", "HeartbeatInterval")]
    answers: dict[str, dict[str, Any]] = {
        "GetConfiguration": {"configurationKey": keys},
        "ChangeConfiguration": {"status": "Accepted"},
    }
    with LiveStation(ui_node.url, "UI-KEYS", register(ui_node, "UI-KEYS"), answers) as station:
        page.goto("/stations/UI-KEYS/configuration")
        page.get_by_role("button", name="Read all keys").click()
        expect(page.locator("[data-key]")).to_have_count(2)
        expect(page.locator("[data-key=Fixed]").get_by_role("button")).to_have_count(0)
        page.get_by_role("textbox", name="Search").fill("heart")
        expect(page.locator("[data-key]")).to_have_count(1)
        page.get_by_role("button", name="Change HeartbeatInterval").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Value").fill("60")
        dialog.get_by_role("button", name="Send").click()
        expect(dialog.locator("[data-job]")).to_contain_text("Accepted")
        assert json.dumps({"key": "HeartbeatInterval", "value": "60"}) in [
            json.dumps(payload) for action, payload in station.asked if action == "ChangeConfiguration"
        ]


def test_a_value_for_the_next_boot_is_shown_beside_the_one_in_force(page: Page, ui_node: NodeProcess) -> None:
    answers: dict[str, dict[str, Any]] = {
        "GetConfiguration": {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "5"}]},
        "ChangeConfiguration": {"status": "RebootRequired"},
    }
    with LiveStation(ui_node.url, "UI-PENDING", register(ui_node, "UI-PENDING"), answers):
        page.goto("/stations/UI-PENDING/configuration")
        page.get_by_role("button", name="Read all keys").click()
        page.get_by_role("button", name="Change HeartbeatInterval").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Value").fill("60")
        dialog.get_by_role("button", name="Send").click()
        value = page.locator("[data-key=HeartbeatInterval] [data-line]").first
        expect(value).to_have_text("5 after the next boot: 60")


def test_many_stations_are_asked_in_stages_after_a_preview(page: Page, ui_node: NodeProcess) -> None:
    accepted = {"Reset": {"status": "Accepted"}}
    first, second, away = "UI-BULK-1", "UI-BULK-2", "UI-BULK-3"
    register(ui_node, away)
    with (
        LiveStation(ui_node.url, first, register(ui_node, first), accepted) as one,
        LiveStation(ui_node.url, second, register(ui_node, second), {"Reset": {"status": "Rejected"}}) as two,
    ):
        page.goto("/stations?search=UI-BULK")
        page.get_by_label("Select all").click()
        page.get_by_role("button", name="Act on them").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("combobox", name="What to ask").click()
        page.get_by_role("option", name="Restart the software").click()
        dialog.get_by_label("Stop above failures of").fill("100 %")
        expect(dialog.locator("[data-preview]")).to_have_text('Reset {"type":"Soft"}')
        expect(dialog).to_contain_text("2 stations are asked, 1 are left out")
        assert one.asked == two.asked == []
        dialog.get_by_role("button", name="Send to 2").click()
        expect(dialog.locator(f"[data-bulk={first}]")).to_contain_text("Accepted")
        expect(dialog.locator(f"[data-bulk={second}]")).to_contain_text("Rejected")
        expect(dialog.locator(f"[data-bulk={away}]")).to_contain_text("Skipped")
        dialog.get_by_role("button", name="Close").last.click()
    assert one.asked == two.asked == [("Reset", {"type": "Soft"})]
