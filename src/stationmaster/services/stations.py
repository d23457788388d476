"""Stations as operators keep them: registered, changed, deleted (handbook §1.1, §1.13, §4.1, §4.5).

The rule that shapes this file: a station that proves itself by a password always has one, made here
unless the operator brings one, and it is shown once. Profile 0 is only ever chosen on purpose.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.certificates import CertificateCheck
from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_identity, check_text
from stationmaster.domain.passwords import password_bytes, wire_form
from stationmaster.domain.stations import Station
from stationmaster.services.context import ServiceContext
from stationmaster.services.quirks import QuirkProfiles
from stationmaster.storage import errors as storage_errors

__all__ = ["NewStation", "Registered", "Stations"]

OPERATOR_STATES = ("Accepted", "Pending", "Rejected")
BASIC_PROFILES = frozenset({1, 2})
LONGEST_NAME = 200
FINGERPRINT = re.compile("[0-9a-f]{64}")
LONGEST_NOTE = 2000


class NewStation(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says of a new station. Without a `password` one is made, if the profile needs one."""

    id: str
    operator_state: str = "Accepted"
    security_profile: int = 1
    password: str | None = None
    name: str | None = None
    site_id: str | None = None
    serial_number: str | None = None
    client_cert_check: str = "strict"
    pinned_fingerprint: str | None = None
    quirk_profile_id: str | None = None
    strict: bool = False
    automation: bool = False
    call_timeout_s: int | None = None
    ping_interval_s: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    note: str | None = None


class Registered(msgspec.Struct, frozen=True):
    """A station, and the password that was made for it: upper-case hexadecimal, not to be seen again."""

    station: Station
    password: str | None = None


CHANGEABLE = frozenset(NewStation.__struct_fields__) - {"id", "password"}
"""What can be changed as it is; a password is changed by its own rules."""

_RANGES: dict[str, tuple[float, float]] = {
    "security_profile": (0, 3),
    "call_timeout_s": (1, 600),
    "ping_interval_s": (0, 3600),
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
}


class Stations:
    """Keeps the stations of organisations."""

    def __init__(self, context: ServiceContext, quirks: QuirkProfiles) -> None:
        self._quirks = quirks
        self._storage = context.storage
        self._bus = context.bus
        self._secrets = context.secrets
        self._minimum_password_bytes = context.settings.minimum_password_bytes

    async def create(self, organisation_id: str, new: NewStation) -> Registered:
        """Register a station. Raises Invalid, or Conflict (`station_exists`), whatever the case of its letters."""
        station_id = check_identity(new.id)
        checked = _check(msgspec.structs.asdict(new))
        self._quirks.check_choice(organisation_id, new.quirk_profile_id)
        raw, made = self._password(new.password, needed=new.security_profile in BASIC_PROFILES)
        station = Station(
            id=station_id,
            organisation_id=organisation_id,
            password_hash=None if raw is None else self._secrets.password_hash(station_id, raw),
            **{name: checked[name] for name in CHANGEABLE},
        )
        try:
            stored: Station = await self._storage.stations.create(station)
        except storage_errors.Conflict as error:
            words = f"A station `{station_id}` is registered already, or one that differs from it in case only."
            raise Conflict("station_exists", words) from error
        await self._storage.attempts.forget(station_id)
        await self._changed(stored)
        return Registered(stored, wire_form(raw) if made and raw is not None else None)

    async def update(self, organisation_id: str, station_id: str, changes: Mapping[str, Any]) -> Registered:
        """Change some members; `password` None takes the password away where the profile does without one.

        A password is made when the new profile needs one and there is none. Lowering the profile
        here changes what we expect, never the station (§4.1). Raises NotFound or Invalid.
        """
        station = await self.get(organisation_id, station_id)
        unknown = sorted(set(changes) - CHANGEABLE - {"password"})
        if unknown:
            raise _invalid(unknown[0], "not_changeable", f"`{unknown[0]}` cannot be changed.")
        checked: dict[str, Any] = _check(changes)
        self._quirks.check_choice(organisation_id, checked.get("quirk_profile_id"))
        profile = checked.get("security_profile", station.security_profile)
        if "security_profile" in checked:
            checked["pending_security_profile"] = None
        made = None
        taken_away = "password" in changes and changes["password"] is None
        if changes.get("password") is not None or (
            profile in BASIC_PROFILES and (taken_away or station.password_hash is None)
        ):
            raw, is_made = self._password(changes.get("password"), needed=True)
            checked |= self._new_password(station_id, raw or b"")
            made = wire_form(raw or b"") if is_made else None
        elif taken_away:
            checked |= {"password_hash": None, "pending_password_hash": None}
        return Registered(await self._write(station_id, checked), made)

    async def renew_password(self, organisation_id: str, station_id: str) -> Registered:
        """Make a new password on our side only, for a station that is set up by hand. Raises NotFound."""
        await self.get(organisation_id, station_id)
        raw = self._secrets.new_password()
        changes: dict[str, Any] = self._new_password(station_id, raw)
        return Registered(await self._write(station_id, changes), wire_form(raw))

    async def accept(self, organisation_id: str, new: NewStation) -> Registered:
        """Let in a station that was seen at the door: register it, or accept it if it is registered as Pending."""
        station: Station | None = await self._storage.stations.get(new.id)
        if station is None:
            return await self.create(organisation_id, new)
        if station.organisation_id != organisation_id:
            raise Conflict("station_exists", f"A station `{new.id}` is registered already.")
        changes: dict[str, Any] = {"operator_state": "Accepted"}
        return Registered(await self._write(new.id, changes))

    async def delete(self, organisation_id: str, station_id: str) -> None:
        """Forget a station; what was charged there stays. Raises NotFound."""
        station = await self.get(organisation_id, station_id)
        try:
            await self._storage.stations.delete(station_id)
        except storage_errors.NotFound as error:
            raise _not_found(station_id) from error
        await self._changed(station)

    async def get(self, organisation_id: str, station_id: str) -> Station:
        """A station of the organisation. Raises NotFound."""
        station: Station | None = await self._storage.stations.get(station_id)
        if station is None or station.organisation_id != organisation_id:
            raise _not_found(station_id)
        return station

    async def _write(self, station_id: str, changes: Mapping[str, Any]) -> Station:
        try:
            station: Station = await self._storage.stations.update(station_id, changes)
        except storage_errors.NotFound as error:
            raise _not_found(station_id) from error
        await self._changed(station)
        return station

    async def _changed(self, station: Station) -> None:
        message = Invalidate(kind="station", key=station.id, organisation_id=station.organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))

    def _password(self, given: str | None, *, needed: bool) -> tuple[bytes | None, bool]:
        """The bytes of the password, if there is to be one, and whether we made it."""
        if given is not None:
            return password_bytes(given, minimum_bytes=self._minimum_password_bytes), False
        return (self._secrets.new_password(), True) if needed else (None, False)

    def _new_password(self, station_id: str, raw: bytes) -> dict[str, Any]:
        return {"password_hash": self._secrets.password_hash(station_id, raw), "pending_password_hash": None}


def _check(given: Mapping[str, Any]) -> dict[str, Any]:
    """The changeable members that were given, checked."""
    checked: dict[str, Any] = {}
    for name in CHANGEABLE & given.keys():
        value = given[name]
        if name in _RANGES:
            lowest, highest = _RANGES[name]
            required = name == "security_profile"
            if (value is None and required) or (value is not None and not lowest <= value <= highest):
                raise _invalid(name, "out_of_range", f"`{name}` is {lowest:g} to {highest:g}.")
            checked[name] = value
        elif name == "client_cert_check":
            if value not in frozenset(CertificateCheck):
                raise _invalid(name, "unknown", f"`{name}` is one of {', '.join(CertificateCheck)}.")
            checked[name] = str(value)
        elif name == "pinned_fingerprint":
            if value is not None and not FINGERPRINT.fullmatch(value):
                raise _invalid(name, "not_hex", f"`{name}` is 64 hexadecimal digits in small letters.")
            checked[name] = value
        elif name == "operator_state":
            if value not in OPERATOR_STATES:
                raise _invalid(name, "unknown", f"`{name}` is one of {', '.join(OPERATOR_STATES)}.")
            checked[name] = value
        elif name in {"strict", "automation"}:
            checked[name] = bool(value)
        else:
            longest = LONGEST_NOTE if name == "note" else LONGEST_NAME
            checked[name] = check_text(name, value, longest, lines=name == "note")
    return checked


def _not_found(station_id: str) -> NotFound:
    return NotFound("station_unknown", f"There is no station `{station_id}`.")


def _invalid(field: str, code: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, code, words),))
