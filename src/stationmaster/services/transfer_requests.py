"""Asking one station to update itself, or to bring diagnostics or a log (handbook §3.9, §4.9, §4.10).

The rule that shapes this file: a file of ours travels under a pass that is made for the very job and taken
back when the job is not sent. An address of somebody else's is handed on as it is; we never open it.
"""

from typing import Any, Final
from uuid import uuid4

import msgspec

from stationmaster.domain.errors import Conflict, DomainError, FieldError, Invalid, NotFound
from stationmaster.domain.files import FileKind, check_location
from stationmaster.domain.firmware import SIGNED_ACTION, Firmware, SignatureState, UpdateKind, fits
from stationmaster.domain.jobs import Job, JobState
from stationmaster.domain.stations import Station
from stationmaster.domain.transfers import DiagnosticsOrder, LogOrder, Order, Retrying, SignedUpdateOrder, UpdateOrder
from stationmaster.instants import Instant
from stationmaster.services.commands import Commands
from stationmaster.services.context import ServiceContext
from stationmaster.services.files import FileService, Grant
from stationmaster.services.firmware_library import FirmwareLibrary
from stationmaster.services.firmware_signing import check_certificate, check_signature
from stationmaster.storage.counters import advance

__all__ = ["PLAIN_ACTION", "Asker", "BringWish", "TransferRequests", "UpdateWish", "answered_missing"]

OWN_RETRIES: Final = 2
"""How often a station may fetch a file anew that was not told how often to try."""
PLAIN_ACTION: Final = "UpdateFirmware"
_MISSING: Final = frozenset({"NotImplemented", "NotSupported"})
_SECURITY_KEY: Final = "securityprofile"
"""The key that a station with the security extension has (§4.8)."""


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, from where, and how long they wait for the answer."""

    organisation_id: str
    actor: str
    origin: str
    """How they reached us over HTTP: stations are told the same, for want of a setting."""
    wait_s: float = 0.0


class UpdateWish(msgspec.Struct, frozen=True, kw_only=True):
    """An update: an image of the library or a `location`, plain or signed, now or later."""

    firmware_id: str | None = None
    location: str | None = None
    kind: str = UpdateKind.AUTO
    transfer: str = "auto"
    retrieve_at: Instant | None = None
    install_at: Instant | None = None
    retries: int | None = None
    retry_interval_s: int | None = None
    signing_certificate: str | None = None
    signature: str | None = None
    send_anyway: bool = False


class BringWish(msgspec.Struct, frozen=True, kw_only=True):
    """Diagnostics or a log of a time, to us or to a `location`."""

    location: str | None = None
    transfer: str = "auto"
    since: Instant | None = None
    until: Instant | None = None
    retries: int | None = None
    retry_interval_s: int | None = None


class TransferRequests:
    """Sends orders to fetch or bring files."""

    def __init__(
        self, context: ServiceContext, commands: Commands, files: FileService, library: FirmwareLibrary
    ) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._commands = commands
        self._files = files
        self._library = library

    async def update(self, asker: Asker, station_id: str, wish: UpdateWish, *, job_id: str | None = None) -> Job:
        """Have a station update itself; the job follows it to the end. Raises what `Commands.send` raises, and these.

        NotFound: no such firmware. Invalid: neither firmware nor location, or a location of an unknown kind.
        Conflict: the image is not for this station, or its signature is missing or wrong; `send_anyway` lifts
        all of these but a missing signature.
        """
        station = await self._station(asker, station_id)
        firmware = (
            None if wish.firmware_id is None else await self._library.get(asker.organisation_id, wish.firmware_id)
        )
        wish = _checked(wish, firmware)
        if firmware is not None and not wish.send_anyway:
            _check_fit(firmware, station)
        kind = await self._kind_for(station, wish)
        job = await self._send_update(asker, station, firmware, wish, kind, job_id)
        if wish.kind == UpdateKind.AUTO and kind is UpdateKind.PLAIN and _is_signed(wish) and answered_missing(job):
            # The station updates itself only with signed images, and says so in this way [W L01.FR.20].
            return await self._send_update(asker, station, firmware, wish, UpdateKind.SIGNED, None)
        return job

    async def diagnostics(self, asker: Asker, station_id: str, wish: BringWish) -> Job:
        """Have a station bring its diagnostics. Raises what `Commands.send` raises, and Invalid for the location."""
        station = await self._station(asker, station_id)

        async def order(location: str) -> Order:
            return DiagnosticsOrder(location=location, since=wish.since, until=wish.until, retrying=_retrying(wish))

        return await self._bring(asker, station, wish, FileKind.DIAGNOSTICS, order)

    async def log(self, asker: Asker, station_id: str, log_type: str, wish: BringWish) -> Job:
        """Have a station bring its "diagnostics" or "security" log. Raises the same."""
        station = await self._station(asker, station_id)

        async def order(location: str) -> Order:
            return LogOrder(
                request_id=await self.next_request_id(station.id),
                log_type=log_type,
                location=location,
                since=wish.since,
                until=wish.until,
                retrying=_retrying(wish),
            )

        return await self._bring(asker, station, wish, FileKind.LOG, order)

    async def next_request_id(self, station_id: str) -> int:
        """A number that no request to this station has had: durable before it is used (§4.9)."""
        return await self._storage.write(advance, f"request:{station_id}", 1)

    # Inside.

    async def _send_update(
        self,
        asker: Asker,
        station: Station,
        firmware: Firmware | None,
        wish: UpdateWish,
        kind: UpdateKind,
        job_id: str | None,
    ) -> Job:
        now = self._clock()
        retrieve_at = wish.retrieve_at or now
        job_id = job_id or str(uuid4())
        grant: Grant | None = None
        location = wish.location or ""
        if kind is UpdateKind.SIGNED:
            _check_signed(firmware, wish)
        if wish.location is None and firmware is not None:
            transfer = await self._files.transfer_for(station, wish.transfer)
            stored = await self._library.file_of(firmware)
            until = max(now, retrieve_at) + self._files.settings.pass_lifetime_s * 1_000_000
            uses = 1 + (OWN_RETRIES if wish.retries is None else wish.retries)
            grant = await self._files.grant_download(station, job_id, stored, uses=uses, until=until)
            location = self._files.address(grant, transfer, asker.origin, stored.name)
        order: Order = UpdateOrder(location=location, retrieve_at=retrieve_at, retrying=_retrying(wish))
        if kind is UpdateKind.SIGNED:
            order = SignedUpdateOrder(
                request_id=await self.next_request_id(station.id),
                location=location,
                retrieve_at=retrieve_at,
                install_at=wish.install_at,
                signing_certificate=wish.signing_certificate or "",
                signature=wish.signature or "",
                retrying=_retrying(wish),
            )
        return await self._send(asker, station, order, job_id, grant)

    async def _bring(self, asker: Asker, station: Station, wish: BringWish, kind: FileKind, order: Any) -> Job:
        job_id = str(uuid4())
        if wish.location is not None:
            location = check_location("location", wish.location)
            return await self._send(asker, station, await order(location), job_id, None)
        transfer = await self._files.transfer_for(station, wish.transfer)
        until = self._clock() + self._files.settings.pass_lifetime_s * 1_000_000
        grant = await self._files.grant_upload(station, job_id, kind, until=until)
        location = self._files.address(grant, transfer, asker.origin)
        return await self._send(asker, station, await order(location), job_id, grant)

    async def _send(self, asker: Asker, station: Station, order: Order, job_id: str, grant: Grant | None) -> Job:
        action, payload = self._commands.phrase(station, order)
        try:
            return await self._commands.send(
                asker.organisation_id,
                station.id,
                action,
                payload,
                requested_by=asker.actor,
                wait_s=asker.wait_s,
                job_id=job_id,
            )
        except DomainError:
            if grant is not None and await self._storage.jobs.get(job_id) is None:
                await self._files.revoke(grant)
            raise

    async def _kind_for(self, station: Station, wish: UpdateWish) -> UpdateKind:
        """Plain or signed, by what is known of the station (§4.10): what it last answered, then what keys it has."""
        if wish.kind != UpdateKind.AUTO:
            return UpdateKind(wish.kind)
        plain: Job | None = await self._storage.jobs.latest(station.id, PLAIN_ACTION)
        signed: Job | None = await self._storage.jobs.latest(station.id, SIGNED_ACTION)
        if signed is not None and answered_missing(signed):
            return UpdateKind.PLAIN
        if plain is not None and answered_missing(plain):
            return UpdateKind.SIGNED
        if not _is_signed(wish):
            return UpdateKind.PLAIN
        for each in await self._storage.configuration.of(station.id):
            if each.variable.lower() == _SECURITY_KEY and each.supported:
                return UpdateKind.SIGNED
        return UpdateKind.PLAIN

    async def _station(self, asker: Asker, station_id: str) -> Station:
        station: Station | None = await self._storage.stations.get(station_id)
        if station is None or station.organisation_id != asker.organisation_id:
            raise NotFound("station_unknown", f"There is no station `{station_id}`.")
        return station


def _checked(wish: UpdateWish, firmware: Firmware | None) -> UpdateWish:
    """The wish with what the library knows filled in."""
    if firmware is None and wish.location is None:
        words = "Say what to install: `firmware_id`, or `location`."
        raise Invalid("field_invalid", words, fields=(FieldError("firmware_id", "missing", words),))
    if wish.location is not None:
        check_location("location", wish.location)
    certificate, signature = check_certificate(wish.signing_certificate), check_signature(wish.signature)
    if firmware is not None:
        certificate = certificate or firmware.signing_certificate
        signature = signature or firmware.signature
    return msgspec.structs.replace(wish, signing_certificate=certificate, signature=signature)


def _check_fit(firmware: Firmware, station: Station) -> None:
    if not fits(firmware, station.vendor, station.model):
        meant = " ".join(word for word in (firmware.vendor, firmware.model) if word)
        told = " ".join(word for word in (station.vendor, station.model) if word) or "of an unknown make"
        words = f"The firmware is for {meant}; station `{station.id}` is {told}. `send_anyway` sends it all the same."
        raise Conflict("firmware_for_others", words)


def _check_signed(firmware: Firmware | None, wish: UpdateWish) -> None:
    if not _is_signed(wish):
        words = "The station takes signed firmware only, and signature or signing certificate is missing."
        raise Conflict("firmware_unsigned", words)
    own = firmware is not None and (wish.signature, wish.signing_certificate) == (
        firmware.signature,
        firmware.signing_certificate,
    )
    if own and firmware is not None and firmware.signature_state == SignatureState.INVALID and not wish.send_anyway:
        words = "The signature does not fit the file. `send_anyway` sends it all the same."
        raise Conflict("signature_invalid", words)


def _is_signed(wish: UpdateWish) -> bool:
    return wish.signing_certificate is not None and wish.signature is not None


def answered_missing(job: Job) -> bool:
    """Whether a station said that it does not know the action of a job."""
    return job.state == JobState.ERROR and job.result in _MISSING


def _retrying(wish: UpdateWish | BringWish) -> Retrying:
    return Retrying(retries=wish.retries, retry_interval_s=wish.retry_interval_s)
