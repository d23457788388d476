"""What can go wrong when something is to be remembered; the one tree of storage errors.

The writer maps the drivers' exceptions to these once, so nobody above knows a driver.
"""

__all__ = ["Conflict", "NotFound", "Refused", "SchemaMismatch", "StorageError", "Unavailable"]


class StorageError(Exception):
    """Base of all storage errors; the text is fit for a log, not for a station."""


class Unavailable(StorageError):
    """The database cannot be reached or cannot write (down, locked, disk full); nothing is stored.

    After a lost connection in the middle of a commit the outcome is unknown; the caller may
    repeat the call, since facts from stations are recognised when they come again (handbook §1.14).
    """


class Refused(StorageError):
    """The database refuses this very fact or write; repeating it will not help."""


class Conflict(Refused):
    """Something with the same key exists already."""


class NotFound(Refused):
    """What was to be changed does not exist."""


class SchemaMismatch(StorageError):
    """The schema in the database is not the one this program was written for."""
