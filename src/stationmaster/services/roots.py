"""Roots in stations: installed, listed, deleted (handbook §4.7 M03-M05).

The rule that shapes this file: a root is deleted by the hash data that the station itself reported, in the
algorithm that it chose, never by data that we have computed.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from stationmaster.domain.certificates import RootUse
from stationmaster.domain.errors import DomainError, FieldError, Invalid, NotFound
from stationmaster.domain.jobs import Job
from stationmaster.domain.orders import Order
from stationmaster.domain.security_orders import DeleteRootOrder, InstallRootOrder, ListRootsOrder
from stationmaster.domain.stations import Station
from stationmaster.services.authorities import Authorities
from stationmaster.services.commands import Commands
from stationmaster.services.context import ServiceContext

__all__ = ["Roots"]

REQUESTED_BY: Final = "system"


class Roots:
    """Asks stations to install, list and delete roots."""

    def __init__(self, context: ServiceContext, commands: Commands, authorities: Authorities) -> None:
        self._storage = context.storage
        self._call_timeout_s = context.settings.call_timeout_s
        self._commands = commands
        self._authorities = authorities

    async def install(
        self,
        organisation_id: str,
        station_id: str,
        use: str,
        *,
        actor: str,
        certificate: str | None = None,
        authority_id: str | None = None,
        crossed: bool = False,
        refresh: bool = False,
    ) -> Job:
        """Install a certificate, or that of an authority that we keep.

        `crossed` takes the one in which the root before vouches for it, which stations with
        AdditionalRootCertificateCheck ask for. What is installed is listed afterwards where the station is not
        in quiet mode, or `refresh` says so. Raises NotFound, Invalid, and what `Commands.send` raises.
        """
        if (certificate is None) == (authority_id is None):
            raise _invalid("certificate", "Name either a certificate or an authority.")
        if authority_id is not None:
            authority = await self._authorities.get(organisation_id, authority_id)
            certificate = authority.cross_certificate if crossed else authority.certificate
            if certificate is None:
                raise _invalid("crossed", "No root before this one vouches for it.")
        text = (certificate or "").replace("\r\n", "\n").strip() + "\n"
        station = await self._station(organisation_id, station_id)
        job = await self._send(station, InstallRootOrder(RootUse(use), text), actor)
        if job.result == "Accepted" and (refresh or station.automation):
            await self._send(station, ListRootsOrder(RootUse(use)), actor)
        return job

    async def refresh(self, organisation_id: str, station_id: str, use: str, *, actor: str) -> Job:
        """Ask a station which roots of one use it holds. Raises what `Commands.send` raises."""
        return await self._send(await self._station(organisation_id, station_id), ListRootsOrder(RootUse(use)), actor)

    async def read_again(self, station_id: str, uses: Sequence[RootUse]) -> None:
        """What a station holds is in doubt: ask, unless the station is in quiet mode. Nobody waits for the answers."""
        station: Station | None = await self._storage.stations.get(station_id)
        if station is None or not station.automation:
            return
        for use in uses:
            action, payload = self._commands.phrase(station, ListRootsOrder(use))
            with suppress(DomainError):  # it has left; the list tells when it was read
                await self._commands.send(
                    station.organisation_id, station_id, action, payload, requested_by=REQUESTED_BY, wait_s=0
                )

    async def delete(self, organisation_id: str, station_id: str, order: DeleteRootOrder, *, actor: str) -> Job:
        """Have a root deleted. Raises what `Commands.send` raises."""
        return await self._send(await self._station(organisation_id, station_id), order, actor)

    async def _station(self, organisation_id: str, station_id: str) -> Station:
        station: Station | None = await self._storage.stations.get(station_id)
        if station is None or station.organisation_id != organisation_id:
            raise NotFound("station_unknown", f"There is no station `{station_id}`.")
        return station

    async def _send(self, station: Station, order: Order, actor: str) -> Job:
        action, payload = self._commands.phrase(station, order)
        wait_s = (station.call_timeout_s or self._call_timeout_s) + 1
        return await self._commands.send(
            station.organisation_id, station.id, action, payload, requested_by=actor, wait_s=wait_s
        )


def _invalid(field: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, "invalid", words),))
