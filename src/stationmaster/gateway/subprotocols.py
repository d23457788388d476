"""Which version of OCPP is spoken: the first one the client wants that we have (handbook §1.3)."""

from collections.abc import Collection, Sequence

__all__ = ["choose_subprotocol"]


def choose_subprotocol(offered: Sequence[str], supported: Collection[str]) -> str | None:
    """The first offered token that is supported, compared exactly; None if there is none."""
    return next((token for token in offered if token in supported), None)
