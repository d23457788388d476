"""What a station may be called (handbook §1.1, §8 A-12), and other texts that people give us.

The rule that shapes this file: the recommended characters are a recommendation. An operator may
register an identity with others, as long as it can stand in a URL path and in Basic authentication.
"""

from typing import Final

from stationmaster.domain.errors import FieldError, Invalid

__all__ = ["LONGEST_IDENTITY", "check_identity", "check_text", "has_control_characters", "is_recommended_identity"]

LONGEST_IDENTITY: Final = 255
RECOMMENDED_LENGTH: Final = 48
_RECOMMENDED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-_=+|@.")
_IMPOSSIBLE: Final = {
    ":": "a colon ends the user name in Basic authentication",
    "/": "a slash ends the part of the URL that holds the identity",
    "\\": "some clients turn a backslash into a slash",
}


def has_control_characters(text: str) -> bool:
    """Whether the text holds control characters, or halves of characters that no database can keep."""
    return any(
        character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff" for character in text
    )


def is_recommended_identity(identity: str) -> bool:
    """Whether the identity is one that every station and every version of OCPP can use."""
    return 1 <= len(identity) <= RECOMMENDED_LENGTH and _RECOMMENDED.issuperset(identity)


def check_identity(identity: str) -> str:
    """The identity itself if it can be one; raises Invalid with words that say what is wrong."""
    if not identity:
        raise _refused("missing", "A station needs an identity: the last part of the URL it connects to.")
    if len(identity) > LONGEST_IDENTITY:
        raise _refused("too_long", f"An identity has at most {LONGEST_IDENTITY} characters.")
    if has_control_characters(identity) or identity != identity.strip():
        raise _refused("characters", "An identity has no control characters and no blanks at its ends.")
    if identity in {".", ".."}:
        raise _refused("characters", "`.` and `..` mean folders in a URL.")
    for character, reason in _IMPOSSIBLE.items():
        if character in identity:
            raise _refused("characters", f"An identity cannot hold `{character}`: {reason}.")
    return identity


def check_text(
    field: str,
    text: str | None,
    longest: int,
    *,
    required: bool = False,
    lines: bool = False,
) -> str | None:
    """Text that a person typed, without blanks at its ends; None when it is empty.

    Raises Invalid when it is required and empty, too long, or holds control characters; with
    `lines` it may have several lines.
    """
    text = text.strip() if text is not None else None
    if not text:
        if required:
            raise _invalid(field, "missing", f"`{field}` is required.")
        return None
    if len(text) > longest:
        raise _invalid(field, "too_long", f"`{field}` has at most {longest} characters.")
    if has_control_characters(text.replace("\n", "").replace("\r", "").replace("\t", "") if lines else text):
        raise _invalid(field, "characters", f"`{field}` has no control characters.")
    return text


def _refused(code: str, words: str) -> Invalid:
    return Invalid("identity_invalid", words, fields=(FieldError("id", code, words),))


def _invalid(field: str, code: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, code, words),))
