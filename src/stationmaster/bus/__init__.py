"""How nodes talk: publish, request, serve, subscribe.

Serving the subject of a station *is* the directory of who holds its socket: no responder means
offline. Nothing that a station was told "yes" to travels only on the bus; it is at-most-once
by design, and everything durable is in storage first. `app` chooses the implementation:
`bus.memory` for one node, `bus.nats` for many. Both pass the same tests.
"""

from stationmaster.bus.contract import (
    Bus,
    BusError,
    BusTimeout,
    HandlerFailed,
    Listener,
    MessageTooLarge,
    NoResponder,
    Overloaded,
    RequestHandler,
    Unreachable,
)

__all__ = [
    "Bus",
    "BusError",
    "BusTimeout",
    "HandlerFailed",
    "Listener",
    "MessageTooLarge",
    "NoResponder",
    "Overloaded",
    "RequestHandler",
    "Unreachable",
]
