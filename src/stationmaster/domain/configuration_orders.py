"""What we may ask of a station about its configuration (handbook §3.3.3, §3.3.7, §3.3.13)."""

import msgspec

__all__ = ["ChangeKeyOrder", "ConfigurationOrder", "ReadKeysOrder", "SoftResetOrder"]


class ReadKeysOrder(msgspec.Struct, frozen=True):
    """Tell what these keys hold."""

    keys: tuple[str, ...]


class ChangeKeyOrder(msgspec.Struct, frozen=True):
    """Let a key hold this from now on."""

    key: str
    value: str


class SoftResetOrder(msgspec.Struct, frozen=True):
    """Start anew in good order."""


ConfigurationOrder = ReadKeysOrder | ChangeKeyOrder | SoftResetOrder
