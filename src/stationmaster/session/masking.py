"""Secrets must not be stored or shown in clear (handbook §4.5): hide them in the text of a frame or payload.

Two kinds travel in OCPP 1.6: the value of the configuration key `AuthorizationKey`, or of another one that an operator
called secret, and the password, or the pass of our file service, inside an upload or download address. A text that
holds no secret is returned as it is.
"""

import re
from typing import Any, Final

import msgspec

__all__ = ["MASK", "SECRETIVE_ACTIONS", "mask_secrets"]

MASK: Final = "***"

SECRETIVE_ACTIONS: Final = frozenset(
    {
        None,
        "ChangeConfiguration",
        "DataTransfer",
        "GetConfiguration",
        "GetDiagnostics",
        "GetLog",
        "SignedUpdateFirmware",
        "UpdateFirmware",
    }
)
"""Only these messages have a place for a secret; None stands for a frame whose action could not be read."""

_USER_INFO: Final = re.compile(r'(://[^/\s"@:]*:)[^\s"/]+@')
_FILE_PASS: Final = re.compile(r"(/files/(?:get|put)/)[A-Za-z0-9_-]{24,}")
"""The secret in an address of our own file service: who has it can fetch or bring the file (§3.9.3)."""
_ALWAYS: Final = frozenset({"authorizationkey"})
_ANY_VALUE: Final = re.compile(r'("value"\s*:\s*")[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)


def mask_secrets(action: str | None, text: str, hidden: frozenset[str] = frozenset()) -> str:
    """The text with its secrets replaced by `***`. `text` is JSON, or what should have been JSON.

    `hidden` are further configuration keys, in small letters, whose values are secret.
    """
    if action not in SECRETIVE_ACTIONS:
        return text
    try:
        masked, changed = _mask(msgspec.json.decode(text), hidden | _ALWAYS)
        return msgspec.json.encode(masked).decode() if changed else text
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return _mask_unreadable(text, hidden | _ALWAYS)


def _mask_unreadable(text: str, hidden: frozenset[str]) -> str:
    """The same for what is no JSON or nested too deeply: where the key is named, no value is shown.

    It takes time in proportion to the text, since a hostile station can send any.
    """
    text = _mask_address(text)
    small = text.lower()
    return _ANY_VALUE.sub(rf"\g<1>{MASK}", text) if any(key in small for key in hidden) else text


def _mask_address(text: str) -> str:
    return _FILE_PASS.sub(rf"\g<1>{MASK}", _USER_INFO.sub(rf"\g<1>{MASK}@", text))


def _mask(value: Any, hidden: frozenset[str]) -> tuple[Any, bool]:
    if isinstance(value, str):
        masked = _mask_address(value) if "://" in value else value
        return masked, masked != value
    if isinstance(value, list):
        items = [_mask(item, hidden) for item in value]
        return [item for item, _ in items], any(changed for _, changed in items)
    if isinstance(value, dict):
        members = {name: _mask(member, hidden) for name, member in value.items()}
        changed = any(changed for _, changed in members.values())
        masked_members = {name: member for name, (member, _) in members.items()}
        if str(value.get("key", "")).strip().lower() in hidden and value.get("value"):
            return {**masked_members, "value": MASK}, True
        return masked_members, changed
    return value, False
