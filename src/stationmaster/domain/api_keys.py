"""Keys by which programs use the API: what they may be."""

from typing import Final

__all__ = ["ROLES"]

ROLES: Final = ("viewer", "operator", "security_admin", "admin")
"""What a key may do, from the least to the most."""
