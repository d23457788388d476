"""Every action that a station can be asked: its form is filled in and sent, and the station's answer is seen there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, StorageState, expect

from tests.ui.conftest import finish, new_context, register, rest, watched
from tests.ui.stations import LiveStation
from tests.walks.running import NodeProcess

LATER = "2036-01-31T12:00:00Z"
HASH = {
    "certificateHashData.hashAlgorithm": "SHA256",
    "certificateHashData.issuerNameHash": "ab12",
    "certificateHashData.issuerKeyHash": "cd34",
    "certificateHashData.serialNumber": "77",
}


class Form(NamedTuple):
    """What is typed, by the path of the field; what the station answers, and a word of it that is seen."""

    typed: Mapping[str, str]
    answer: Mapping[str, Any]
    seen: str = "Accepted"


PERIOD = "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.0"
FORMS = {
    "CancelReservation": Form({"reservationId": "7"}, {"status": "Rejected"}, "Rejected"),
    "CertificateSigned": Form({"certificateChain": "no certificate"}, {"status": "Rejected"}, "Rejected"),
    "ChangeAvailability": Form({"connectorId": "1", "type": "Inoperative"}, {"status": "Scheduled"}, "Scheduled"),
    "ChangeConfiguration": Form(
        {"key": "HeartbeatInterval", "value": "300"}, {"status": "RebootRequired"}, "RebootRequired"
    ),
    "ClearCache": Form({}, {"status": "Accepted"}),
    "ClearChargingProfile": Form({"id": "4", "stackLevel": "2"}, {"status": "Unknown"}, "Unknown"),
    "DataTransfer": Form({"vendorId": "org.example", "data": "hello"}, {"status": "Accepted", "data": "back"}, "back"),
    "DeleteCertificate": Form(HASH, {"status": "NotFound"}, "NotFound"),
    "ExtendedTriggerMessage": Form({"requestedMessage": "Heartbeat"}, {"status": "NotImplemented"}, "NotImplemented"),
    "GetCompositeSchedule": Form({"connectorId": "1", "duration": "3600"}, {"status": "Rejected"}, "Rejected"),
    "GetConfiguration": Form({}, {"configurationKey": [{"key": "Seen", "readonly": True, "value": "v"}]}, '"Seen"'),
    "GetDiagnostics": Form({"location": "http://127.0.0.1:9/up"}, {"fileName": "log.zip"}, "log.zip"),
    "GetInstalledCertificateIds": Form(
        {"certificateType": "CentralSystemRootCertificate"}, {"status": "NotFound"}, "NotFound"
    ),
    "GetLocalListVersion": Form({}, {"listVersion": 41}, "41"),
    "GetLog": Form(
        {"logType": "SecurityLog", "requestId": "5", "log.remoteLocation": "http://127.0.0.1:9/up"},
        {"status": "Rejected"},
        "Rejected",
    ),
    "InstallCertificate": Form(
        {"certificateType": "ManufacturerRootCertificate", "certificate": "no certificate"},
        {"status": "Failed"},
        "Failed",
    ),
    "RemoteStartTransaction": Form({"idTag": "UI-TAG"}, {"status": "Rejected"}, "Rejected"),
    "RemoteStopTransaction": Form({"transactionId": "99"}, {"status": "Rejected"}, "Rejected"),
    "ReserveNow": Form(
        {"connectorId": "1", "expiryDate": LATER, "idTag": "UI-TAG", "reservationId": "8"},
        {"status": "Occupied"},
        "Occupied",
    ),
    "Reset": Form({"type": "Soft"}, {"status": "Rejected"}, "Rejected"),
    "SendLocalList": Form({"listVersion": "1", "updateType": "Full"}, {"status": "NotSupported"}, "NotSupported"),
    "SetChargingProfile": Form(
        {
            "connectorId": "1",
            "csChargingProfiles.chargingProfileId": "9",
            "csChargingProfiles.stackLevel": "0",
            "csChargingProfiles.chargingProfilePurpose": "TxDefaultProfile",
            "csChargingProfiles.chargingProfileKind": "Relative",
            "csChargingProfiles.chargingSchedule.chargingRateUnit": "A",
            f"{PERIOD}.startPeriod": "0",
            f"{PERIOD}.limit": "8.5",
        },
        {"status": "Accepted"},
    ),
    "SignedUpdateFirmware": Form(
        {
            "requestId": "3",
            "firmware.location": "http://127.0.0.1:9/fw",
            "firmware.retrieveDateTime": LATER,
            "firmware.signingCertificate": "no certificate",
            "firmware.signature": "bm9uZQ==",
        },
        {"status": "Rejected"},
        "Rejected",
    ),
    "TriggerMessage": Form({"requestedMessage": "Heartbeat"}, {"status": "Rejected"}, "Rejected"),
    "UnlockConnector": Form({"connectorId": "1"}, {"status": "UnlockFailed"}, "UnlockFailed"),
    "UpdateFirmware": Form({"location": "http://127.0.0.1:9/fw", "retrieveDate": LATER}, {}, "{}"),
}


@pytest.fixture(scope="module")
def obeying(ui_node: NodeProcess) -> Iterator[LiveStation]:
    """A station that has an answer to everything, and knows the secret by which it got in."""
    password = register(ui_node, "UI-OBEYING")
    answers = {action: form.answer for action, form in FORMS.items()}
    with LiveStation(ui_node.url, "UI-OBEYING", password, answers) as station:
        yield station


@pytest.fixture(scope="module")
def commands(browser: Browser, ui_node: NodeProcess, signed_in: StorageState, obeying: LiveStation) -> Iterator[Page]:
    """The station's commands; one page for all of them, since nothing but the form changes."""
    context = new_context(browser, ui_node, storage_state=signed_in)
    page = watched(context)
    page.goto(f"/stations/{obeying.identity}/commands")
    yield page
    finish(context)


def test_there_is_a_form_for_every_action(ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        assert {each["action"] for each in api.get("/actions").json()["items"]} == set(FORMS)


@pytest.mark.parametrize("action", sorted(FORMS))
def test_a_form_is_sent_and_its_answer_is_seen_where_the_button_was(
    commands: Page, obeying: LiveStation, action: str
) -> None:
    page, wanted = commands, FORMS[action]
    page.get_by_role("navigation", name="Commands").get_by_role(
        "button", name=re.compile(f"^{action}( Dangerous)?$")
    ).click()
    form = page.locator(f"[data-command={action}]")
    for path, value in wanted.typed.items():
        fill(page, form, path, value)
    before = len(obeying.asked)
    send(page, form)
    job = form.locator("[data-job]")
    expect(job).to_contain_text(wanted.seen)
    expect(job).to_contain_text("Asked:")
    expect(job).to_contain_text("Answered:")
    [(asked, payload)] = [each for each in obeying.asked[before:] if each[0] == action]
    assert asked == action
    assert sorted(paths_of(payload)) == sorted(wanted.typed), "what was left empty is left out, nothing is added"


def test_a_preset_fills_the_form_and_the_raw_payload_can_be_sent(page: Page, obeying: LiveStation) -> None:
    form = open_form(page, obeying.identity, "Reset")
    form.get_by_role("button", name="Hardware").click()
    form.get_by_text("JSON", exact=True).click()
    expect(form.get_by_label("JSON").last).to_have_value('{\n  "type": "Hard"\n}')
    form.get_by_role("textbox", name="JSON").fill("{not json")
    form.get_by_role("button", name="Send", exact=True).click()
    expect(form.locator(".mantine-Textarea-error")).to_be_visible()
    form.get_by_role("textbox", name="JSON").fill('{"type": "Soft"}')
    form.get_by_role("button", name="Send", exact=True).click()
    expect(form.locator("[data-job]")).to_contain_text("Rejected")


def test_what_is_dangerous_is_asked_again_and_sent_only_then(page: Page, obeying: LiveStation) -> None:
    form = open_form(page, obeying.identity, "Reset")
    fill(page, form, "type", "Hard")
    before = len(obeying.asked)
    form.get_by_role("button", name="Send", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("can interrupt charging")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert obeying.asked[before:] == []


def test_a_field_that_is_wrong_says_so_and_nothing_is_sent(page: Page, obeying: LiveStation) -> None:
    form = open_form(page, obeying.identity, "ReserveNow")
    fill(page, form, "connectorId", "1")
    fill(page, form, "expiryDate", LATER)
    fill(page, form, "reservationId", "8")
    fill(page, form, "idTag", "longer than twenty characters")
    before = len(obeying.asked)
    form.get_by_role("button", name="Send", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("idTag")
    expect(form.locator("[data-job]")).to_have_count(0)
    assert obeying.asked[before:] == []


def test_an_offline_station_is_said_to_be_so(page: Page, ui_node: NodeProcess) -> None:
    register(ui_node, "UI-AWAY")
    form = open_form(page, "UI-AWAY", "ClearCache")
    expect(form).to_contain_text("The station is offline")
    send(page, form)
    expect(form.get_by_role("alert")).to_contain_text("not connected")


def open_form(page: Page, identity: str, action: str) -> Locator:
    """The form of an action on a station's page."""
    page.goto(f"/stations/{identity}/commands?action={action}")
    form = page.locator(f"[data-command={action}]")
    expect(form).to_be_visible()
    return form


def fill(page: Page, form: Locator, path: str, value: str) -> None:
    """Type into a field, or choose from its list."""
    field = form.locator(f"input[data-field='{path}'], textarea[data-field='{path}']")
    if field.get_attribute("aria-haspopup") == "listbox":
        field.click()
        page.get_by_role("option", name=value, exact=True).click()
    else:
        field.fill(value)


def send(page: Page, form: Locator) -> None:
    """Press the button, and say yes if one is asked whether one is sure."""
    form.get_by_role("button", name="Send", exact=True).click()
    sure = page.get_by_role("dialog").get_by_role("button", name="Send")
    expect(sure.or_(form.locator("[data-job]")).or_(form.get_by_role("alert")).first).to_be_visible()
    if sure.is_visible():
        sure.click()
        expect(sure).to_have_count(0)


def paths_of(value: Any, path: str = "") -> list[str]:
    """The paths of all values in a payload, as the fields of the form are called."""
    if isinstance(value, dict):
        return [each for name, inner in value.items() for each in paths_of(inner, f"{path}.{name}" if path else name)]
    if isinstance(value, list):
        return [each for number, inner in enumerate(value) for each in paths_of(inner, f"{path}.{number}")]
    return [path]
