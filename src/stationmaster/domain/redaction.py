"""What is secret by its name or by its look, hidden: for the log, for the audit log, for whatever is shown.

The rule that shapes this file: hiding too much costs a look elsewhere, hiding too little costs a secret.
"""

import re
from collections.abc import Callable
from typing import Any, Final

__all__ = ["HIDDEN", "names_a_secret", "redacted", "without_secrets"]

HIDDEN: Final = "********"
_SECRET_NAMES: Final = re.compile(
    r"password|passwd|secret|pepper|authori[sz]ation$|authorization_?key|api_?key$|cookie|credential|private_?key"
    r"|totp|csrf|recovery|id_token|access_token|code_verifier",
    re.IGNORECASE,
)
_SECRETS_IN_TEXT: Final = (
    (re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=_.~-]{4,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\bsm_[A-Za-z0-9_-]{16,}"), HIDDEN),
    (re.compile(r"(?<=://)[^/\s@\"']+@"), f"{HIDDEN}@"),
    (re.compile(r"(?i)(\"?(?:password|authorizationkey|secret)\"?\s*[:=]\s*\"?)[^\"\s,}]+"), rf"\1{HIDDEN}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), HIDDEN),
)
_DEEPEST: Final = 6

Special = Callable[[str, Any], Any]
"""What to show instead of the value of this name; None where the value itself may be shown."""


def names_a_secret(name: str) -> bool:
    """Whether what has this name is a secret, by the look of it."""
    return _SECRET_NAMES.search(name) is not None


def redacted(name: str, value: Any, special: Special | None = None, depth: int = 0) -> Any:
    """The value, whatever it is made of, without what is secret in it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAMES.search(name):
        return HIDDEN
    if special is not None and (shown := special(name, value)) is not None:
        return shown
    if isinstance(value, str):
        return without_secrets(value)
    if depth >= _DEEPEST:
        return "..."
    if isinstance(value, dict):
        secret = value.get("secret") is True or _SECRET_NAMES.search(str(value.get("key", "")))
        if secret and "value" in value:
            # A configuration key with its value, as OCPP writes the two, or as a template does.
            value = {**value, "value": HIDDEN}
        return {str(key): redacted(str(key), each, special, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted("", each, special, depth + 1) for each in value]
    return without_secrets(str(value))


def without_secrets(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern, replacement in _SECRETS_IN_TEXT:
        text = pattern.sub(replacement, text)
    return text
