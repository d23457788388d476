"""Secrets inside one text, which may be prose, an address, or JSON that somebody wrote into a string.

The rule that shapes this file: it takes time in proportion to the text, since a hostile station can send any. So
no expression here can fail after a long walk: what opens and never closes is hidden to the end.
"""

import json
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

__all__ = ["MASK", "TextMask"]

MASK: Final = "***"

_USER_INFO: Final = re.compile(r'(:\\{0,32}/\\{0,32}/[^/\s"@:]*:)([^\s"/]+)@')
_FILE_PASS: Final = re.compile(r"(/files\\{0,32}/(?:get|put)\\{0,32}/)([A-Za-z0-9_-]{24,})")
"""The secret in an address of our own file service: who has it can fetch or bring the file (§3.9.3)."""
_ESCAPED: Final = re.compile(r"\\{1,32}u00([2-7][0-9A-Fa-f])")
"""A letter that JSON inside a text may write like this without need."""
_LONG_HEX: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{16,}(?![0-9A-Za-z])")
"""Where AuthorizationKey is named, this is its value (§4.5), in whatever words it stands."""
_SHORTEST: Final = 4
"""What is shorter stands in every text, and is no secret."""


class TextMask:
    """Hides secrets in texts and keeps what it hid in `found`.

    `hidden` are configuration keys in small letters: where one is named, no value is shown. `told` are
    secrets by themselves.
    """

    def __init__(self, hidden: frozenset[str], told: Collection[str]) -> None:
        self._hidden = hidden
        self._writings = _writings_of(told) if told else []
        self.found: list[str] = []

    def may_mask(self, text: str) -> bool:
        """False if nothing in this text is secret; quick."""
        return (
            "//" in text
            or "/files/" in text
            or any(writing in text for writing in self._writings)
            or self._names_hidden(text)
        )

    def mask(self, text: str) -> str:
        """The text itself if nothing in it is secret."""
        clear = _ESCAPED.sub(_character, text) if "\\u00" in text else text
        masked = clear
        for writing in self._writings:
            if writing in masked:
                masked = masked.replace(writing, MASK)
        if "/" in masked:
            masked = _FILE_PASS.sub(self._hide_second, masked)
            masked = _USER_INFO.sub(lambda match: f"{self._hide_second(match)}@", masked)
        if self._names_hidden(masked):
            masked = _value_beside(self._hidden).sub(self._hide_value, masked)
            masked = _LONG_HEX.sub(self._hide_all, masked)
        return text if masked == clear else masked

    def _names_hidden(self, text: str) -> bool:
        small = text.lower()
        return any(key in small for key in self._hidden)

    def _hide_second(self, match: re.Match[str]) -> str:
        self.found.append(match[2])
        return match[1] + MASK

    def _hide_all(self, match: re.Match[str]) -> str:
        self.found.append(match[0])
        return MASK

    def _hide_value(self, match: re.Match[str]) -> str:
        before, quote, quoted, closing, bare = match.groups(default="")
        value = quoted or bare
        if not value:
            return match[0]
        self.found.append(value)
        return f"{before}{quote}{MASK}{closing}"


def _character(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character.isalnum() or character in ":/@ " else match[0]


@lru_cache(maxsize=64)
def _value_beside(hidden: frozenset[str]) -> re.Pattern[str]:
    """What follows `value` or the name of a hidden key, quoted in whatever depth of JSON inside JSON, or bare."""
    names = "|".join(re.escape(key) for key in sorted(hidden))
    return re.compile(
        rf"((?:value|(?<![a-z0-9])(?:{names}))\\{{0,32}}[\"']?\s*[:=]\s*)"
        r"(?:(\\{0,32}[\"'])(.*?)((?<!\\)\2|\Z)|([^\s,;&}\])\"']+))",
        re.DOTALL | re.IGNORECASE,
    )


def _writings_of(told: Collection[str]) -> list[str]:
    """How a secret may be written when it comes back; long ones first, since one may be part of another."""
    writings: set[str] = set()
    for secret in told:
        if len(secret) >= _SHORTEST:
            for text in (secret, unquote(secret)):
                for writing in (text, text.lower(), text.upper()):
                    quoted = json.dumps(writing)[1:-1]
                    writings |= {writing, quoted, json.dumps(quoted)[1:-1]}
                    writings.add(json.dumps(writing, ensure_ascii=False)[1:-1])
    return sorted(writings - {""}, key=len, reverse=True)
