"""No secret reaches the message log (handbook §4.5)."""

import json
from urllib.parse import unquote

import pytest

from stationmaster.session.masking import mask_secrets, secrets_in


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
        "authorizationkey" + "value:" * 200_000,
        "authorizationkey value" + " " * 1_000_000,
        "authorizationkey value:" + "\\" * 500_000 + '"' + "\\" * 500_000,
        "authorizationkey " + "value:'" + "\\'" * 400_000,
        "authorizationkey " + "a" * 1_000_000 + "g",
        '["' + 'authorizationkey:\\"' * 60_000 + '"]',
        "authorizationkey" + "\\u0041" * 150_000,
    ],
    ids=lambda text: text[:24],
)
def test_a_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    """Were it more, this would run for minutes: nothing here needs a clock."""
    assert mask_secrets(None, text) is not None


IN_WORDS = [
    "bad payload {'key': 'AuthorizationKey', 'value': 'C0FFEE'}",
    'bad payload {"key":"AuthorizationKey","value":"C0FFEE"}',
    r"bad payload {\"key\":\"AuthorizationKey\",\"value\":\"C0FFEE\"}",
    r"bad payload {\\\"key\\\":\\\"Authorization\u004bey\\\",\\\"value\\\":\\\"C0FFEE\\\"}",
    r'bad payload {"key":"Authorization\u004bey","value":"C0FFEE"}',
    r'bad payload {"key":"AuthorizationKey","value":"\"C0FFEE\""}',
    "AuthorizationKey=C0FFEE",
    "AuthorizationKey: 'C0FFEE' is too short",
    "cannot set AuthorizationKey, value = C0FFEE",
    "AuthorizationKey does not take C0FFEE0123456789AB",
    "pin: C0FFEE",
    "pin newValue:C0FFEE",
    "cannot reach ftp://me:C0FFEE@files.example/x",
    r"cannot reach ftp:\/\/me:C0FFEE@files.example\/x",
]


@pytest.mark.parametrize("words", IN_WORDS)
def test_a_secret_in_words_is_hidden_as_deep_as_it_stands(words: str) -> None:
    hidden = frozenset({"pin"})
    for text in (words, json.dumps([4, "1", "GenericError", words, {}]), json.dumps({"again": [json.dumps([words])]})):
        for whole in (text, text[:-1]):
            masked = mask_secrets("ChangeConfiguration", whole, hidden)
            assert "C0FFEE" not in masked
            assert "***" in masked
    assert json.loads(mask_secrets("ChangeConfiguration", json.dumps({"words": words, "n": 1}), hidden))["n"] == 1


@pytest.mark.parametrize(
    ("payload", "secrets"),
    [
        ('{"key":"AuthorizationKey","value":"C0FFEE"}', {"C0FFEE"}),
        ('{"key":"PIN ","value":"12345678"}', {"12345678"}),
        ('{"location":"ftp://me:hunter2@example.com/x"}', {"hunter2"}),
        ('{"vendorId":"V","data":"{\\"pin\\":\\"12345678\\"}"}', {"12345678"}),
        ('{"key":"HeartbeatInterval","value":"300"}', set()),
    ],
)
def test_what_is_secret_in_a_call_of_ours_is_known(payload: str, secrets: set[str]) -> None:
    assert secrets_in("ChangeConfiguration", payload, frozenset({"pin"})) == secrets
    assert secrets_in("Reset", payload, frozenset({"pin"})) == set()


@pytest.mark.parametrize("action", ["ChangeConfiguration", "StatusNotification", None])
@pytest.mark.parametrize(
    "text",
    [
        '{"info":"12345678"}',
        '{"12345678":1}',
        '{"info":12345678}',
        '{"info":"\\u0031\\u0032345678"}',
        '{"info":"{\\"a\\":\\"\\\\u0031\\\\u0032345678\\"}"}',
        "no JSON: 12345678",
    ],
)
def test_what_was_told_is_hidden_wherever_it_comes_back(action: str | None, text: str) -> None:
    masked = mask_secrets(action, text, told=["12345678"])
    assert "***" in masked
    assert "345678" not in masked
    assert mask_secrets("StatusNotification", text) is text


@pytest.mark.parametrize("told", ["pa ss%2Fword", 'with "quotes"', "zürich-über", "AbCdEf99"])
def test_what_was_told_is_known_in_other_writings(told: str) -> None:
    for writing in (told, unquote(told), told.upper(), told.lower(), json.dumps(told)[1:-1]):
        for text in (json.dumps({"info": writing}), json.dumps({"info": json.dumps(writing)}), f"no JSON {writing}"):
            masked = mask_secrets("StatusNotification", text, told=[told])
            assert "***" in masked, text
            assert writing not in masked


def test_what_is_too_short_to_be_a_secret_stays() -> None:
    text = '[3,"300",{"interval":300,"status":"300"}]'
    assert mask_secrets("Heartbeat", text, told=["300", "0"]) is text


def test_an_escaped_letter_alone_changes_nothing() -> None:
    text = '[3,"1",{"configurationKey":[{"key":"\\u0041","readonly":false,"value":"{\\"\\\\u0041\\":1}"}]}]'
    assert mask_secrets("GetConfiguration", text) is text


def test_a_name_that_is_masked_does_not_hide_that_something_was() -> None:
    assert mask_secrets("Reset", '{"12345678":"***"}', told=["12345678"]) == '{"***":"***"}'
