"""A central system on the PyPI library `ocpp`, without any database: what a Python user would otherwise write.

As its documentation shows it: a `ChargePoint` with a handler for each action, on `websockets` and
asyncio's own event loop, messages validated. Nothing is stored.
"""

import argparse
import asyncio
import itertools
import resource
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus
from websockets.asyncio.server import ServerConnection, serve

F = TypeVar("F", bound=Callable[..., Any])

_transaction_ids = itertools.count(1)


def answers(action: str) -> Callable[[F], F]:
    """The library's `on`, with the types that it lacks."""
    return cast("Callable[[F], F]", on(action))


def _accepted() -> dict[str, str]:
    return {"status": AuthorizationStatus.accepted}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class CentralSystem(ChargePoint):  # type: ignore[misc]  # the package has no types
    """The central system's end of one station's connection."""

    @answers(Action.authorize)
    def authorize(self, **request: Any) -> call_result.Authorize:
        """Authorize."""
        return call_result.Authorize(id_tag_info=_accepted())

    @answers(Action.boot_notification)
    def boot_notification(self, **request: Any) -> call_result.BootNotification:
        """BootNotification."""
        return call_result.BootNotification(current_time=_now(), interval=300, status=RegistrationStatus.accepted)

    @answers(Action.heartbeat)
    def heartbeat(self) -> call_result.Heartbeat:
        """Heartbeat."""
        return call_result.Heartbeat(current_time=_now())

    @answers(Action.status_notification)
    def status_notification(self, **request: Any) -> call_result.StatusNotification:
        """StatusNotification."""
        return call_result.StatusNotification()

    @answers(Action.start_transaction)
    def start_transaction(self, **request: Any) -> call_result.StartTransaction:
        """StartTransaction."""
        return call_result.StartTransaction(transaction_id=next(_transaction_ids), id_tag_info=_accepted())

    @answers(Action.meter_values)
    def meter_values(self, **request: Any) -> call_result.MeterValues:
        """MeterValues."""
        return call_result.MeterValues()

    @answers(Action.stop_transaction)
    def stop_transaction(self, **request: Any) -> call_result.StopTransaction:
        """StopTransaction."""
        return call_result.StopTransaction(id_tag_info=_accepted())


async def talk(socket: ServerConnection) -> None:
    """Serve one station until it goes."""
    if socket.request is not None:
        await CentralSystem(socket.request.path.rsplit("/", 1)[1], socket).start()


async def run(port: int) -> None:
    """Serve until killed."""
    async with serve(talk, "127.0.0.1", port, subprotocols=["ocpp1.6"], backlog=4096):  # type: ignore[list-item]  # a plain str is a Subprotocol
        print("ready", flush=True)
        await asyncio.get_running_loop().create_future()


def main() -> None:
    """`python -m bench.library --port N`."""
    parser = argparse.ArgumentParser(prog="bench.library", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(run(parser.parse_args().port))


if __name__ == "__main__":
    main()
