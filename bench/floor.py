"""The floor: the same conversation on `websockets` and uvloop with typed decode and answer, nothing stored.

No Python server on these libraries can be cheaper while it looks at what it is told, so this is
what a node's cost is compared with. It is not a central system: it checks types and forgets.
"""

import argparse
import asyncio
import itertools
import resource
import time
from collections.abc import Callable
from typing import Any

import msgspec
import uvloop
from websockets.asyncio.server import ServerConnection, serve


class _Message(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    pass


class Authorize(_Message):
    """Authorize.req."""

    id_tag: str


class Boot(_Message):
    """BootNotification.req."""

    charge_point_vendor: str
    charge_point_model: str
    charge_point_serial_number: str | None = None
    firmware_version: str | None = None


class Heartbeat(_Message):
    """Heartbeat.req."""


class Status(_Message):
    """StatusNotification.req."""

    connector_id: int
    error_code: str
    status: str
    timestamp: str | None = None


class Start(_Message):
    """StartTransaction.req."""

    connector_id: int
    id_tag: str
    meter_start: int
    timestamp: str


class Sample(_Message):
    """A value."""

    value: str
    context: str = "Sample.Periodic"
    format: str = "Raw"
    measurand: str = "Energy.Active.Import.Register"
    phase: str | None = None
    location: str = "Outlet"
    unit: str = "Wh"


class MeterValue(_Message):
    """Values of one moment."""

    timestamp: str
    sampled_value: list[Sample]


class MeterValues(_Message):
    """MeterValues.req."""

    connector_id: int
    meter_value: list[MeterValue]
    transaction_id: int | None = None


class Stop(_Message):
    """StopTransaction.req."""

    meter_stop: int
    timestamp: str
    transaction_id: int
    id_tag: str | None = None
    reason: str = "Local"


class IdTagInfo(_Message):
    """What becomes of a tag."""

    status: str


class Empty(_Message):
    """An answer without content."""


class Authorized(_Message):
    """Authorize.conf and StopTransaction.conf."""

    id_tag_info: IdTagInfo


class Started(_Message):
    """StartTransaction.conf."""

    id_tag_info: IdTagInfo
    transaction_id: int


class Booted(_Message):
    """BootNotification.conf."""

    status: str
    current_time: str
    interval: int


class Beaten(_Message):
    """Heartbeat.conf."""

    current_time: str


_ACCEPTED = IdTagInfo("Accepted")
_transaction_ids = itertools.count(1)


def _now() -> str:
    now_ms = time.time_ns() // 1_000_000
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ms // 1000)) + f".{now_ms % 1000:03d}Z"


_ANSWERS: dict[str, tuple[type[_Message], Callable[[Any], _Message]]] = {
    "Authorize": (Authorize, lambda _: Authorized(_ACCEPTED)),
    "BootNotification": (Boot, lambda _: Booted("Accepted", _now(), 300)),
    "Heartbeat": (Heartbeat, lambda _: Beaten(_now())),
    "StatusNotification": (Status, lambda _: Empty()),
    "StartTransaction": (Start, lambda _: Started(_ACCEPTED, next(_transaction_ids))),
    "MeterValues": (MeterValues, lambda _: Empty()),
    "StopTransaction": (Stop, lambda _: Authorized(_ACCEPTED)),
}
_TABLE = {action: (msgspec.json.Decoder(kind), answer) for action, (kind, answer) in _ANSWERS.items()}
_FRAME = msgspec.json.Decoder(tuple[int, str, str, msgspec.Raw])
_ENCODE = msgspec.json.Encoder().encode


async def talk(socket: ServerConnection) -> None:
    """Answer one station until it goes."""
    async for text in socket:
        _kind, message_id, action, payload = _FRAME.decode(text)
        decoder, answer = _TABLE[action]
        await socket.send(_ENCODE((3, message_id, answer(decoder.decode(payload)))), text=True)


async def run(port: int) -> None:
    """Serve until killed."""
    async with serve(talk, "127.0.0.1", port, subprotocols=["ocpp1.6"], compression=None, backlog=4096):  # type: ignore[list-item]  # a plain str is a Subprotocol
        print("ready", flush=True)
        await asyncio.get_running_loop().create_future()


def main() -> None:
    """`python -m bench.floor --port N`."""
    parser = argparse.ArgumentParser(prog="bench.floor", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(run(parser.parse_args().port))


if __name__ == "__main__":
    main()
