"""Firmware in a real browser: uploaded, sent to one station with a doubt, and to many by a campaign."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.ui.conftest import register
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess


def test_firmware_is_uploaded_and_a_campaign_watched_to_its_end(
    page: Page, ui_node: NodeProcess, tmp_path: Path
) -> None:
    image = tmp_path / "wall-7.bin"
    image.write_bytes(b"an image")
    upload(page, image, "UI Wall", "7.0", vendor="Vendor")
    with LiveStation(ui_node.url, "UI-UPDATED", register(ui_node, "UI-UPDATED"), {"UpdateFirmware": {}}) as station:
        page.get_by_role("tab", name="Campaigns").click()
        page.get_by_role("button", name="Plan a campaign").click()
        window = page.get_by_role("dialog")
        window.get_by_label("Name").fill("UI spring")
        window.get_by_role("combobox", name="Firmware").click()
        page.get_by_role("option", name="UI Wall · 7.0").click()
        window.get_by_label("Stations").fill("UI-UPDATED")
        page.keyboard.press("Enter")
        window.get_by_role("button", name="Save").click()
        card = page.get_by_role("article").filter(has_text="UI spring")
        expect(card).to_contain_text("Updating: 1")
        for status in ("Downloading", "Downloaded", "Installing", "Installed"):
            station.call("FirmwareStatusNotification", {"status": status})
        expect(card).to_contain_text("Done: 1")
        expect(card.locator("[data-state=completed]")).to_be_visible()
        card.get_by_role("button", name="Stations").click()
        page.get_by_role("dialog").get_by_role("link", name="UI-UPDATED").click()
        expect(page.locator("[data-transfer=firmware] [data-state=Installed]")).to_be_visible()


def test_firmware_for_other_stations_is_sent_only_if_one_insists(
    page: Page, ui_node: NodeProcess, tmp_path: Path
) -> None:
    image = tmp_path / "others.bin"
    image.write_bytes(b"an image for others")
    upload(page, image, "UI Others", "1.0", vendor="Somebody Else")
    with LiveStation(ui_node.url, "UI-OTHER", register(ui_node, "UI-OTHER"), {"UpdateFirmware": {}}) as station:
        page.goto("/stations/UI-OTHER/firmware")
        send = page.get_by_role("button", name="Send", exact=True).first
        page.get_by_label("Or an address of your own").fill("nowhere")
        send.click()
        expect(page.get_by_role("alert")).to_be_visible()
        # An address that cannot be is no doubt: there is nothing to insist on.
        expect(page.get_by_role("button", name="Send anyway")).to_have_count(0)
        page.get_by_role("combobox", name="Library").click()
        page.get_by_role("option", name="UI Others · 1.0").click()
        send.click()
        expect(page.get_by_role("alert")).to_contain_text("Somebody Else")
        assert station.asked == []
        page.get_by_role("button", name="Send anyway").click()
        expect(page.locator("[data-job]")).to_be_visible()
        assert [action for action, _ in station.asked] == ["UpdateFirmware"]


def upload(page: Page, image: Path, name: str, version: str, vendor: str) -> None:
    """Put an image into the library."""
    page.goto("/firmware")
    page.get_by_role("button", name="Upload firmware").first.click()
    window = page.get_by_role("dialog")
    window.locator("input[type=file]").set_input_files(image)
    window.get_by_label("Version").fill(version)
    window.get_by_label("Name").fill(name)
    window.get_by_label("Vendor").fill(vendor)
    window.get_by_role("button", name="Upload firmware").click()
    expect(page.get_by_role("row").filter(has_text=name)).to_contain_text(version)
