"""The firmware library: images with their version, what they are for, and their signature (handbook §4.10)."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec

from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.files import FileKind, StoredFile, display_name
from stationmaster.domain.firmware import Firmware
from stationmaster.domain.identities import check_text
from stationmaster.services.context import ServiceContext
from stationmaster.services.file_store import IncomingFile
from stationmaster.services.files import FileService
from stationmaster.services.firmware_signing import check_certificate, check_signature, signature_state
from stationmaster.storage import errors as storage_errors

__all__ = ["FirmwareLibrary", "NewFirmware"]

LONGEST_TEXT: Final = 200
LONGEST_VERSION: Final = 50
"""As a station can tell its version (§3.2.2)."""
LONGEST_NOTE: Final = 2000
CHANGEABLE: Final = frozenset({"name", "version", "vendor", "model", "note", "signing_certificate", "signature"})


class NewFirmware(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of an image that is entered."""

    version: str
    file_name: str = ""
    name: str | None = None
    vendor: str | None = None
    model: str | None = None
    signing_certificate: str | None = None
    signature: str | None = None
    note: str | None = None


class FirmwareLibrary:
    """Keeps images."""

    def __init__(self, context: ServiceContext, files: FileService) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._files = files

    async def begin(self) -> IncomingFile:
        """An image begins to come; give it to `add`, or abandon it. Raises Unavailable."""
        return await self._files.store.begin(self._files.settings.firmware_limit_bytes)

    async def add(self, organisation_id: str, new: NewFirmware, incoming: IncomingFile, actor: str) -> Firmware:
        """Enter an image that has come whole. Raises Invalid, Conflict (`firmware_exists`), Unavailable.

        Nothing is left of the image unless it was entered.
        """
        try:
            said = _checked(msgspec.structs.asdict(new))
            if not incoming.size_bytes:
                raise _invalid("file", "missing", "The image is empty.")
        except BaseException:
            await incoming.abandon()
            raise
        written = await incoming.finish()
        now = self._clock()
        made = Firmware(
            id=str(uuid4()),
            organisation_id=organisation_id,
            file_id=written.id,
            name=said["name"] or display_name(new.file_name, "firmware"),
            version=said["version"],
            vendor=said["vendor"],
            model=said["model"],
            size_bytes=written.size_bytes,
            sha256=written.sha256,
            signing_certificate=said["signing_certificate"],
            signature=said["signature"],
            signature_state=signature_state(written.sha256, said["signing_certificate"], said["signature"]).value,
            note=said["note"],
            created_by=actor,
            created_at=now,
            updated_at=now,
        )
        stored = StoredFile(
            id=written.id,
            organisation_id=organisation_id,
            site_id=None,
            station_id=None,
            job_id=None,
            kind=FileKind.FIRMWARE.value,
            name=display_name(new.file_name, made.name),
            size_bytes=written.size_bytes,
            sha256=written.sha256,
            created_at=now,
        )
        try:
            await self._storage.firmware.create(made, stored)
        except BaseException:
            await self._files.store.remove(written.id)
            raise
        return made

    async def get(self, organisation_id: str, firmware_id: str) -> Firmware:
        """An image of the organisation. Raises NotFound."""
        found: Firmware | None = await self._storage.firmware.get(firmware_id)
        if found is None or found.organisation_id != organisation_id:
            raise NotFound("firmware_unknown", "There is no such firmware.")
        return found

    async def file_of(self, firmware: Firmware) -> StoredFile:
        """Its file. Raises NotFound."""
        stored: StoredFile | None = await self._storage.files.get(firmware.file_id)
        if stored is None:
            raise NotFound("file_unknown", "The file of this firmware is gone.")
        return stored

    async def update(self, organisation_id: str, firmware_id: str, changes: Mapping[str, Any]) -> Firmware:
        """Change what is said of an image; its signature is checked anew. Raises NotFound, Invalid."""
        found = await self.get(organisation_id, firmware_id)
        checked = _checked(changes)
        certificate = checked.get("signing_certificate", found.signing_certificate)
        signature = checked.get("signature", found.signature)
        checked["signature_state"] = signature_state(found.sha256, certificate, signature).value
        try:
            await self._storage.firmware.update(firmware_id, checked)
        except storage_errors.NotFound as error:
            raise NotFound("firmware_unknown", "There is no such firmware.") from error
        return await self.get(organisation_id, firmware_id)

    async def delete(self, organisation_id: str, firmware_id: str) -> None:
        """Remove an image and its file. Raises NotFound, or Conflict while a campaign spreads it."""
        found = await self.get(organisation_id, firmware_id)
        try:
            await self._storage.firmware.delete(found)
        except storage_errors.Conflict as error:
            raise Conflict("firmware_in_use", "A campaign spreads this firmware; cancel the campaign first.") from error
        await self._files.store.remove(found.file_id)


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name in CHANGEABLE & given.keys():
        value = given[name]
        match name:
            case "signing_certificate":
                checked[name] = check_certificate(value)
            case "signature":
                checked[name] = check_signature(value)
            case "version":
                checked[name] = check_text(name, value, LONGEST_VERSION, required=True)
            case "note":
                checked[name] = check_text(name, value, LONGEST_NOTE, lines=True)
            case "name":
                checked[name] = check_text(name, value, LONGEST_TEXT)
                if checked[name] is None and "file_name" not in given:
                    raise _invalid("name", "missing", "`name` is required.")
            case _:
                checked[name] = check_text(name, value, LONGEST_TEXT)
    return checked


def _invalid(field: str, code: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, code, words),))
