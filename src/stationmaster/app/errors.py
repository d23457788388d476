"""Why a node cannot start: one line for the person who started it."""

__all__ = ["StartError"]


class StartError(Exception):
    """The node cannot start; the text is one line that says why and, where it can, what to do."""
