"""Bytes that are no message, as the message log shows them: it has every frame (§1.9), but not all of each."""

import codecs
from typing import Final

__all__ = ["SHOWN_BYTES", "readable"]

SHOWN_BYTES: Final = 4096

_decoder = codecs.getincrementaldecoder("utf-8")


def readable(data: bytes) -> str:
    r"""The text in the bytes: a stray byte as `\xff`, and `…` for what is beyond the limit."""
    whole = len(data) <= SHOWN_BYTES
    text = _decoder("backslashreplace").decode(data[:SHOWN_BYTES], whole)
    return text if whole else f"{text}…"
