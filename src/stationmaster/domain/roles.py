"""What people and programs may be: the roles, from the least to the most.

The permissions of a role are a matter of the API, which is where they are asked for.
"""

from typing import Final

__all__ = ["ADMIN", "ROLES", "highest"]

ADMIN: Final = "admin"
ROLES: Final = ("viewer", "operator", "security_admin", ADMIN)


def highest(roles: set[str]) -> str | None:
    """The role among these that may do the most; None if none of them is one."""
    known = [role for role in ROLES if role in roles]
    return known[-1] if known else None
