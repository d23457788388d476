"""Limits as whole tenths: exact, fast, and at most one digit after the point by construction.

The rule that shapes this file: a limit with more digits is refused, never rounded in silence;
what we compute ourselves is rounded down (handbook §2.1, §3.6.6).
"""

from decimal import Decimal, InvalidOperation
from typing import Final

__all__ = ["MAX_TENTHS", "NotTenths", "decimal_of_tenths", "tenths_of", "words_of_tenths"]

MAX_TENTHS: Final = 2**31 - 1
"""The largest limit that is kept: 214 748 364.7 A or W."""


class NotTenths(ValueError):
    """A number that cannot be a limit. `rule` names the rule of §3.6 that it breaks."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def tenths_of(value: Decimal | int | str) -> int:
    """The tenths in a decimal number; 7.5 is 75.

    Raises NotTenths with rule `limit_one_decimal` for more than one digit after the point, and
    `limit_in_range` for a negative, endless or huge number and for text that is no number.
    """
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise NotTenths("limit_in_range", f"{str(value)[:40]!r} is not a number") from None
    # Bounds first: a number of a million digits must not be multiplied.
    if not number.is_finite() or not 0 <= number <= MAX_TENTHS // 10:
        raise NotTenths("limit_in_range", f"{str(value)[:40]} is not between 0 and {MAX_TENTHS // 10}")
    # Digits are looked at, not computed with: decimal arithmetic rounds after 28 of them.
    _, digits, exponent = number.as_tuple()
    if isinstance(exponent, int) and exponent < -1 and any(digits[exponent + 1 :]):
        raise NotTenths("limit_one_decimal", f"{str(value)[:40]} has more than one digit after the point")
    return int(number.scaleb(1))


def decimal_of_tenths(tenths: int) -> Decimal:
    """The decimal number of so many tenths, always with one digit: 60 is Decimal("6.0")."""
    return Decimal(tenths).scaleb(-1)


def words_of_tenths(tenths: int, unit: str) -> str:
    """A limit for people: `16 A`, `7.5 A`."""
    whole, rest = divmod(tenths, 10)
    return f"{whole}.{rest} {unit}" if rest else f"{whole} {unit}"
