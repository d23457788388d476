"""No secret reaches the message log (handbook §4.5)."""

import json

import pytest

from stationmaster.session.masking import mask_secrets


@pytest.mark.parametrize(
    ("action", "text", "hidden"),
    [
        ("ChangeConfiguration", '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"C0FFEE"}]', "C0FFEE"),
        ("ChangeConfiguration", '[2,"1","ChangeConfiguration",{"value":"C0FFEE","key":"authorizationKEY "}]', "C0FFEE"),
        ("ChangeConfiguration", '{"key":"Authorization\\u004bey","value":"C0FFEE"}', "C0FFEE"),
        (
            "GetConfiguration",
            '[3,"1",{"configurationKey":[{"key":"AuthorizationKey","readonly":false,"value":"C0FFEE"}]}]',
            "C0FFEE",
        ),
        ("GetDiagnostics", '[2,"1","GetDiagnostics",{"location":"ftp://me:hunter2@example.com/x"}]', "hunter2"),
        ("GetLog", '[2,"1","GetLog",{"log":{"remoteLocation":"sftp://me:hunter2@example.com/x"}}]', "hunter2"),
        (None, '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"C0FFEE"', "C0FFEE"),
        (None, '[2,"1","ChangeConfiguration",{"value":"C0\\"FFEE","key":"AuthorizationKey"', "FFEE"),
        (None, '[2,"1","UpdateFirmware",{"location":"http://u:hunter2@h/x', "hunter2"),
        ("DataTransfer", f'[{"[" * 500}{{"key":"AuthorizationKey","value":"C0FFEE"}}{"]" * 500}]', "C0FFEE"),
    ],
)
def test_secrets_are_hidden(action: str | None, text: str, hidden: str) -> None:
    masked = mask_secrets(action, text)
    assert hidden not in masked
    assert "***" in masked


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("Heartbeat", '[2,"1","Heartbeat",{}]'),
        ("ChangeConfiguration", '[2, "1", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "300"}]'),
        ("GetConfiguration", '[3,"1",{"configurationKey":[{"key":"AuthorizationKey","readonly":false}]}]'),
        ("GetDiagnostics", '[2,"1","GetDiagnostics",{"location":"ftp://example.com/@x"}]'),
        (None, "rubbish"),
        (None, "[" * 100_000),
        ("DataTransfer", "[" * 500 + "]" * 500),
    ],
)
def test_other_text_stays_as_it_is(action: str | None, text: str) -> None:
    assert mask_secrets(action, text) is text


def test_what_is_beside_a_secret_stays() -> None:
    text = '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"C0FFEE"}]'
    assert json.loads(mask_secrets("ChangeConfiguration", text))[3] == {"key": "AuthorizationKey", "value": "***"}


@pytest.mark.parametrize(
    "text",
    [
        'authorizationkey"' * 60_000,
        'authorizationkey"value"' * 40_000,
        "authorizationkey" + '"value":' * 120_000,
        'authorizationkey"value":"' + "\\" * 1_000_000,
        "://a:" + "b:" * 500_000,
        "://:" * 250_000,
        "/files/get/" * 90_000,
    ],
    ids=lambda text: text[:24],
)
def test_a_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    """Were it more, this would run for minutes: nothing here needs a clock."""
    assert mask_secrets(None, text) is not None
