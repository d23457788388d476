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
        (None, '[2,"1","UpdateFirmware",{"location":"http://u:hunter2@h/x', "hunter2"),
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
    ],
)
def test_other_text_stays_as_it_is(action: str | None, text: str) -> None:
    assert mask_secrets(action, text) is text


def test_what_is_beside_a_secret_stays() -> None:
    text = '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"C0FFEE"}]'
    assert json.loads(mask_secrets("ChangeConfiguration", text))[3] == {"key": "AuthorizationKey", "value": "***"}
