"""Patterns for vendor, model and firmware: a text, or its beginning with `*` at the end; case does not matter."""

__all__ = ["fits", "weight"]

_EXACT = 1_000


def fits(pattern: str | None, text: str | None) -> bool:
    """Whether a text fits; None fits everything."""
    if pattern is None:
        return True
    told, wanted = (text or "").strip().lower(), pattern.strip().lower()
    return told.startswith(wanted[:-1]) if wanted.endswith("*") else told == wanted


def weight(pattern: str | None) -> int:
    """How much a pattern says; an exact one says more than any beginning."""
    if pattern is None:
        return 0
    return len(pattern) if pattern.endswith("*") else _EXACT
