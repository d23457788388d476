"""The decorators of the PyPI package `ocpp`, with the types that it does not give them."""

from collections.abc import Callable
from typing import Any, TypeVar

from ocpp import routing

__all__ = ["after", "on"]

Handler = TypeVar("Handler", bound=Callable[..., Any])


def on(action: str) -> Callable[[Handler], Handler]:
    """What answers a CALL."""
    decorate: Callable[[Handler], Handler] = routing.on(action)
    return decorate


def after(action: str) -> Callable[[Handler], Handler]:
    """What happens once the CALL has been answered."""
    decorate: Callable[[Handler], Handler] = routing.after(action)
    return decorate
