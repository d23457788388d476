"""Vendors' own messages, and the plug-ins that understand them (handbook §3.2.3).

A plug-in is an object with `vendor_id`, `message_ids` and `handle`, found through the entry points
of the group `stationmaster.data_transfer` or registered by the program. The rule that shapes this
file: nobody is asked about a vendor that no plug-in names, and a plug-in that breaks or
dawdles is answered for with Rejected.
"""

import asyncio
from collections.abc import Collection, Iterable
from importlib.metadata import entry_points
from typing import Any, Protocol

import msgspec
import structlog

from stationmaster.domain.facts import DataTransferReceived
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import PresentStation

__all__ = ["ENTRY_POINTS", "DataTransfers", "VendorAnswer", "VendorMessage", "VendorPlugin", "installed_plugins"]

ENTRY_POINTS = "stationmaster.data_transfer"

log = structlog.get_logger(__name__)


class VendorMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What a station sends. `data` is free text, often JSON inside."""

    organisation_id: str
    station_id: str
    vendor_id: str
    message_id: str | None
    data: str | None
    received_at: Instant


class VendorAnswer(msgspec.Struct, frozen=True):
    """`status` is Accepted, Rejected, UnknownMessageId or UnknownVendorId."""

    status: str
    data: str | None = None


class VendorPlugin(Protocol):
    """One who understands the messages of a vendor."""

    @property
    def vendor_id(self) -> str:
        """The vendor, usually in reverse-DNS form; compared without case."""

    @property
    def message_ids(self) -> Collection[str] | None:
        """The messages it understands; None for all of them."""

    async def handle(self, message: VendorMessage) -> VendorAnswer:
        """Answer within the time limit of the settings. It may be asked the same again: stations repeat."""


_STATUSES = frozenset({"Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"})
_REJECTED = VendorAnswer("Rejected")


def installed_plugins() -> list[VendorPlugin]:
    """The plug-ins of installed packages. One that cannot be made is logged and left out."""
    plugins: list[VendorPlugin] = []
    for entry_point in entry_points(group=ENTRY_POINTS):
        try:
            plugins.append(entry_point.load()())
        except Exception:
            log.exception("data_transfer.plugin_broken", plugin=entry_point.value)
    return plugins


class DataTransfers:
    """Answers vendors' messages."""

    def __init__(self, context: ServiceContext, plugins: Iterable[VendorPlugin] = ()) -> None:
        self._storage = context.storage
        self._timeout_s = context.settings.data_transfer_timeout_s
        self._plugins: dict[str, list[VendorPlugin]] = {}
        for plugin in plugins:
            self.register(plugin)

    def register(self, plugin: VendorPlugin) -> None:
        """Ask this plug-in too. Several may share a vendor; the first that knows the message answers."""
        self._plugins.setdefault(plugin.vendor_id.lower(), []).append(plugin)

    async def receive(
        self,
        station: PresentStation,
        vendor_id: str,
        message_id: str | None,
        data: str | None,
        now: Instant,
        *,
        kept: str | None,
    ) -> VendorAnswer:
        """Answer a message, and record it with its answer. Returns when it is durable.

        `data` is for the plug-in, `kept` the same without secrets.
        """
        message = VendorMessage(
            organisation_id=station.organisation_id,
            station_id=station.station_id,
            vendor_id=vendor_id,
            message_id=message_id,
            data=data,
            received_at=now,
        )
        answer = await self._ask(message)
        await self._storage.record(
            [
                DataTransferReceived(
                    organisation_id=station.organisation_id,
                    station_id=station.station_id,
                    received_at=now,
                    vendor_id=vendor_id,
                    message_id=message_id,
                    data=kept,
                    status=answer.status,
                )
            ]
        )
        return answer

    async def _ask(self, message: VendorMessage) -> VendorAnswer:
        plugins = self._plugins.get(message.vendor_id.lower())
        if plugins is None:
            return VendorAnswer("UnknownVendorId")
        for plugin in plugins:
            known = plugin.message_ids
            if known is None or (message.message_id or "").lower() in {each.lower() for each in known}:
                return await self._ask_one(plugin, message)
        return VendorAnswer("UnknownMessageId")

    async def _ask_one(self, plugin: VendorPlugin, message: VendorMessage) -> VendorAnswer:
        try:
            async with asyncio.timeout(self._timeout_s):
                return _checked(await plugin.handle(message))
        except Exception:
            log.exception(
                "data_transfer.plugin_failed",
                vendor_id=message.vendor_id,
                message_id=message.message_id,
                station_id=message.station_id,
            )
            return _REJECTED


def _checked(answer: Any) -> VendorAnswer:
    """A plug-in is nobody's typed code: what it gives back may be anything. Raises TypeError or ValueError."""
    if not isinstance(answer, VendorAnswer):
        raise TypeError(f"the plug-in answered with {type(answer).__name__} instead of a VendorAnswer")
    if answer.status not in _STATUSES:  # a TypeError by itself if it is a list or the like
        raise ValueError(f"the plug-in answered with the status {str(answer.status)[:50]!r}, which does not exist")
    if answer.data is not None and not isinstance(answer.data, str):
        raise TypeError(f"the plug-in answered with data that is {type(answer.data).__name__} and no text")
    return answer
