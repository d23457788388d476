"""The life of the process: it starts a node, says where it is, and ends it in good order when told to.

SIGTERM and SIGINT stop it; a second one does not wait any longer. It ends within `STOP_LIMIT_S`
whatever hangs, since what had to be durable is durable already.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Final

import structlog

from stationmaster.app.banner import banner
from stationmaster.app.config import Settings
from stationmaster.app.node import Node, running_node
from stationmaster.app.only_node import only_node

__all__ = ["STOP_LIMIT_S", "run", "serve"]

log = structlog.get_logger(__name__)

STOP_LIMIT_S: Final = 9.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_COLLECT_AFTER: Final = (20_000, 20, 20)

Beside = Callable[[Node], Awaitable[None]]
"""What is to go on beside the node, such as simulated stations; it is cancelled when the node stops."""


def run(settings: Settings, beside: Beside | None = None, sources: Mapping[str, str] | None = None) -> int:
    """Serve until told to stop; returns the exit code. Raises StartError."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(serve(settings, beside, sources))


async def serve(settings: Settings, beside: Beside | None = None, sources: Mapping[str, str] | None = None) -> int:
    """The same in a loop that runs."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _told_to_stop, stopped)
    try:
        async with AsyncExitStack() as stack:
            stack.enter_context(only_node(settings))
            node = await stack.enter_async_context(running_node(settings, sources))
            stack.enter_context(_fewer_collections())
            print(banner(node), flush=True)  # noqa: T201 - for the person who started it
            failed = await _until(stopped, node, beside)
            log.info("node.stopping")
            # A database or a client that hangs must not keep the process.
            closing = asyncio.create_task(stack.pop_all().aclose())
            _, late = await asyncio.wait({closing}, timeout=STOP_LIMIT_S)
            if late:
                log.error("node.not_stopped_in_time", seconds=STOP_LIMIT_S)
                closing.cancel()
            else:
                closing.result()
                log.info("node.stopped")
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    return 1 if failed else 0


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """What was made until now stays, and what messages make is nearly all freed without a search for cycles.

    Left to itself, that search takes a twentieth of a busy node's time and finds next to nothing.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _until(stopped: asyncio.Event, node: Node, beside: Beside | None) -> bool:
    """Wait for the end; tell whether a part of the node ended by itself."""
    waits = [asyncio.create_task(stopped.wait()), asyncio.create_task(node.wait_for_failure())]
    if beside is not None:
        waits.append(asyncio.create_task(_beside(beside, node)))
    try:
        while not stopped.is_set() and not waits[1].done():
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            waits = [wait for wait in waits if wait not in done or wait is waits[1]]
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    failed = not stopped.is_set()
    if failed:
        log.error("node.part_ended", part="http")
    return failed


async def _beside(beside: Beside, node: Node) -> None:
    try:
        await beside(node)
    except Exception:
        log.exception("node.companion_failed")


def _told_to_stop(stopped: asyncio.Event) -> None:
    if stopped.is_set():
        log.warning("node.told_twice")
        sys.exit(1)
    stopped.set()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - not made for every platform
    except ModuleNotFoundError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
