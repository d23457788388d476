"""Secrets must not be stored or shown in clear (handbook §4.5): hide them in the text of a frame or payload.

Two kinds travel in OCPP 1.6: the value of the configuration key `AuthorizationKey`, or of another one that an operator
called secret, and the password, or the pass of our file service, inside an upload or download address. What a station
was told comes back in odd places, as in the description of a CALLERROR: `secrets_in` tells what was secret
in a CALL of ours, and what is `told` is hidden wherever it stands. A text that holds no secret is returned as it is.

The rule that shapes this file: a text in which nothing can be secret is not read, only searched.
"""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from stationmaster.session.masking_text import MASK, TextMask

__all__ = ["MASK", "SECRETIVE_ACTIONS", "mask_secrets", "secrets_in"]

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

_ALWAYS: Final = frozenset({"authorizationkey"})
_SHORTEST_NUMBER: Final = 8
"""A number with fewer digits is more often one of its own than a secret that came back without its quotes."""


def mask_secrets(
    action: str | None, text: str, hidden: frozenset[str] = frozenset(), told: Collection[str] = ()
) -> str:
    """The text with its secrets replaced by `***`. `text` is JSON, or what should have been JSON.

    `hidden` are further configuration keys, in small letters, whose values are secret; `told` is what
    `secrets_in` found in what the station was sent, and is looked for in messages of every action.
    """
    if action not in SECRETIVE_ACTIONS and not told:
        return text
    return _Masking(_ALWAYS | hidden, told).text(text)


def secrets_in(action: str | None, text: str, hidden: frozenset[str] = frozenset()) -> frozenset[str]:
    """What is secret in a CALL of ours, in clear."""
    if action not in SECRETIVE_ACTIONS:
        return frozenset()
    masking = _Masking(_ALWAYS | hidden, ())
    masking.text(text)
    return frozenset(masking.strings.found)


class _Masking:
    """One pass over a text."""

    def __init__(self, hidden: frozenset[str], told: Collection[str]) -> None:
        self._hidden = hidden
        self._told = told
        self.strings = TextMask(hidden, told)

    def text(self, text: str) -> str:
        if "\\" not in text and not self.strings.may_mask(text):
            return text
        try:
            value = msgspec.json.decode(text)
            masked = self._value(value)
            return text if masked is value else msgspec.json.encode(masked).decode()
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return self.strings.mask(text)

    def _value(self, value: Any) -> Any:
        """The value itself if nothing in it is secret."""
        if isinstance(value, str):
            return self.strings.mask(value)
        if isinstance(value, list):
            items = [self._value(item) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        if isinstance(value, dict):
            return self._members(value)
        return MASK if self._is_told(value) else value

    def _members(self, members: dict[str, Any]) -> dict[str, Any]:
        is_of_hidden = any(isinstance(member, str) and self._is_hidden(member) for member in members.values())
        masked: dict[str, Any] = {}
        changed = False
        for name, member in members.items():
            is_secret = (is_of_hidden and name.lower() == "value") or self._is_hidden(name)
            new_name = self.strings.mask(name)
            new = self._hide(member) if is_secret else self._value(member)
            changed = changed or new is not member or new_name is not name
            masked[new_name] = new
        return masked if changed else members

    def _hide(self, value: Any) -> Any:
        """What belongs to a hidden key, whatever it is; the absence of it is no secret."""
        if value is None or value == "":
            return value
        if not isinstance(value, list | dict):
            self.strings.found.append(str(value))
        return MASK

    def _is_hidden(self, name: str) -> bool:
        return name.strip().lower() in self._hidden

    def _is_told(self, value: Any) -> bool:
        if not self._told or isinstance(value, bool) or not isinstance(value, int):
            return False
        digits = str(value)
        return len(digits) >= _SHORTEST_NUMBER and digits in self._told
