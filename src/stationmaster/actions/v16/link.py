"""The conversation with a 1.6 station as the command service sees it, and the catalogue of what can be asked.

The rule that shapes this file: a payload is checked against the schema and the rules before a byte is
written, and every way a call can end becomes the outcome of the job.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final

import msgspec

from stationmaster.actions.contract import StationConnection
from stationmaster.actions.v16.command import Asking, Command, Settled
from stationmaster.actions.v16.configuration_words import (
    PAGE_LIMIT_KEY,
    RECIPES,
    advice_on,
    doubt_about,
    kind_of_key,
    owner_of_key,
)
from stationmaster.actions.v16.context import ActionContext
from stationmaster.actions.v16.dangers import danger_of
from stationmaster.actions.v16.orders import phrase
from stationmaster.actions.v16.persistence import why_not_later
from stationmaster.actions.v16.profiles import clear_payload, install_payload, reported_schedule_of, start_payload
from stationmaster.domain.configuration_advice import Advice, Recipe
from stationmaster.domain.errors import FieldError, Invalid, NotFound
from stationmaster.domain.jobs import Job, JobState
from stationmaster.domain.locations import Location
from stationmaster.domain.orders import Order
from stationmaster.domain.smart_charging.comparison import ReportedSchedule
from stationmaster.domain.smart_charging.installed import ClearFilter
from stationmaster.domain.smart_charging.profiles import ChargingProfile, RateUnit
from stationmaster.instants import Instant
from stationmaster.ocpp.errors import OcppError, parse_error_code
from stationmaster.ocpp.frames import encode_payload
from stationmaster.ocpp.plain_json import kept_object, storable
from stationmaster.ocpp.protocol import Protocol
from stationmaster.ocpp.v16.smart_charging import GetCompositeScheduleResponse
from stationmaster.services.audit import PEOPLE
from stationmaster.services.commands import OnSent, Outcome, Review, Wish
from stationmaster.session.events import CallAnswered, CallFailed
from stationmaster.session.masking import mask_secrets

__all__ = ["Catalogue16", "Link16"]

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class Catalogue16:
    """What stations of OCPP 1.6 can be asked; see `services.commands.Catalogue`."""

    def __init__(self, protocol: Protocol, commands: Mapping[str, Command]) -> None:
        self._protocol = protocol
        self._commands = commands

    def command(self, action: str) -> Command:
        """The command of an action. Raises NotFound."""
        command = self._commands.get(action)
        if command is None:
            if action in self._protocol.actions:
                raise NotFound("unknown_action", f"{action} is sent by the station, not to it.")
            raise NotFound("unknown_action", f"OCPP 1.6 has no action `{action}`.")
        return command

    def message(self, action: str, payload: Mapping[str, Any]) -> Any:
        """The typed message. Raises NotFound, or Invalid with the field that breaks the schema."""
        self.command(action)
        try:
            return self._protocol.check_outgoing(action, payload)
        except OcppError as error:
            words = f"{error.field}: {error.description}" if error.field else error.description
            field = FieldError(error.field, str(error.code), error.description)
            raise Invalid("payload_invalid", f"The payload breaks the schema: {words}.", fields=(field,)) from error

    def encode(self, action: str, payload: Mapping[str, Any]) -> bytes:
        """See `services.commands.Catalogue.encode`."""
        return _encode(self.message(action, payload))

    def danger(self, action: str, payload: Mapping[str, Any]) -> str | None:
        """See `services.commands.Catalogue.danger`."""
        return danger_of(action, self.message(action, payload))

    def install_profile(self, location: Location, profile: ChargingProfile) -> tuple[str, dict[str, Any]]:
        """See `services.smart_charging.ProfileWords.install_profile`."""
        return "SetChargingProfile", install_payload(location, profile)

    def start_with_profile(
        self, location: Location, id_tag: str, profile: ChargingProfile
    ) -> tuple[str, dict[str, Any]]:
        """See `services.smart_charging.ProfileWords.start_with_profile`."""
        return "RemoteStartTransaction", start_payload(location, id_tag, profile)

    def clear_profiles(self, wanted: ClearFilter) -> tuple[str, dict[str, Any]]:
        """See `services.smart_charging.ProfileWords.clear_profiles`."""
        return "ClearChargingProfile", clear_payload(wanted)

    def read_composite_schedule(
        self, location: Location, duration_s: int, unit: RateUnit
    ) -> tuple[str, dict[str, Any]]:
        """See `services.smart_charging.ProfileWords.read_composite_schedule`."""
        payload = {"connectorId": location.connector_number, "duration": duration_s, "chargingRateUnit": unit.value}
        return "GetCompositeSchedule", payload

    def reported_schedule(self, response: str, received_at: Instant) -> ReportedSchedule | None:
        """See `services.smart_charging.ProfileWords.reported_schedule`."""
        try:
            read = self._protocol.read_response("GetCompositeSchedule", response.encode())
        except OcppError:
            return None
        answer = read.value
        return reported_schedule_of(answer, received_at) if isinstance(answer, GetCompositeScheduleResponse) else None

    def phrase(self, order: Order) -> tuple[str, dict[str, Any]]:
        """See `services.commands.Catalogue.phrase`."""
        return phrase(order)

    def why_not_later(self, action: str, payload: Mapping[str, Any]) -> str | None:
        """See `services.commands.Catalogue.why_not_later`."""
        return why_not_later(action, payload)

    def shown(self, action: str, payload: bytes, hidden: frozenset[str]) -> str:
        """See `services.commands.Catalogue.shown`."""
        return mask_secrets(action, payload.decode(), hidden)

    # See `services.configuration_words.ConfigurationWords`.

    page_limit_key = PAGE_LIMIT_KEY
    recipes: tuple[Recipe, ...] = RECIPES

    def kind_of_key(self, key: str) -> str | None:
        """What a key holds."""
        return kind_of_key(key)

    def owner_of_key(self, key: str) -> str | None:
        """Why a key is not for templates."""
        return owner_of_key(key)

    def doubt_about(self, key: str, value: str) -> str | None:
        """What is odd about a value."""
        return doubt_about(key, value)

    def advice_on(self, values: Mapping[str, str]) -> list[Advice]:
        """What to consider about a station's values."""
        return advice_on(values)


class Link16:
    """See `services.commands.CommandLink`."""

    def __init__(self, context: ActionContext, connection: StationConnection, catalogue: Catalogue16) -> None:
        self._context = context
        self._connection = connection
        self._catalogue = catalogue

    @property
    def site_id(self) -> str | None:
        """The site of the station."""
        return self._context.station_of(self._connection).site_id

    @property
    def protocol(self) -> str:
        """The protocol in use."""
        return self._connection.protocol_name

    def read(self, action: str, payload: bytes) -> Wish:
        """See `CommandLink.read`."""
        try:
            members = _decode.decode(payload)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Invalid("payload_invalid", "The payload is not a JSON object.") from error
        message = self._catalogue.message(action, members)
        hidden = self._context.secret_keys(self._connection)
        return Wish(action, message, mask_secrets(action, payload.decode(), hidden))

    async def review(self, wish: Wish, *, force: bool) -> Review:
        """See `CommandLink.review`."""
        block = self._connection.gate.outgoing(wish.action, wish.message)
        if block is not None:
            return Review(block)
        asking = Asking(self._context, self._connection, force=force)
        command = self._catalogue.command(wish.action)
        for rule in command.blocks:
            block = rule(asking, wish.message)
            if block is not None:
                return Review(block)
        warnings = [await rule(asking, wish.message) for rule in command.warnings]
        warnings.append(await _warn_of_missing_capability(asking, wish.action))
        return Review(None, tuple(warning for warning in warnings if warning is not None))

    async def perform(self, wish: Wish, job: Job, timeout_s: float, expires_at: Instant, on_sent: OnSent) -> Outcome:
        """See `CommandLink.perform`."""
        asking = Asking(self._context, self._connection, force=False, local_time_zone=wish.local_time_zone)
        command = self._catalogue.command(wish.action)
        if command.before is not None:
            await command.before(asking, wish.message)
        awaited = None if command.foresee is None else await command.foresee(asking, wish.message)
        ended = await self._connection.call(
            wish.action,
            wish.message,
            key=job.id,
            timeout_s=timeout_s,
            expires_at=expires_at,
            priority=job.requested_by.startswith(PEOPLE),  # Nobody waits for what goes on by itself (§1.6).
            on_sent=lambda at: on_sent(at, awaited),
        )
        without_secrets = partial(self._context.without_secrets, self._connection, wish.action)
        if isinstance(ended, CallFailed):
            if command.unsettled is not None:
                await command.unsettled(asking, wish.message, ended)
            return _failure(ended, without_secrets)
        settled = await command.settle(asking, wish.message, ended.response)
        return _success(ended, settled, without_secrets)


def _success(ended: CallAnswered, settled: Settled, without_secrets: Callable[[str], str]) -> Outcome:
    return Outcome(
        state=JobState.DONE,
        response=_shown(ended, without_secrets),
        result=getattr(ended.response, "status", None),
        facts=settled.facts,
        awaits=settled.awaits,
        file_name=None if settled.file_name is None else without_secrets(settled.file_name),
        replaces=settled.replaces,
    )


def _shown(ended: CallAnswered, without_secrets: Callable[[str], str]) -> str:
    """The answer as the station wrote it, but for secrets and what nobody can show; `null` stands for an empty one."""
    text = ended.payload.decode("utf-8", "replace").strip()
    if text in {"", "null"}:
        return "{}"
    return kept_object(without_secrets(text)) or without_secrets(encode_payload(ended.response))


def _failure(ended: CallFailed, without_secrets: Callable[[str], str]) -> Outcome:
    """A station that refuses may quote what it was sent, in each part of its answer."""
    raw = "" if ended.payload is None else without_secrets(ended.payload.decode("utf-8", "replace"))
    kept = kept_object(raw)
    code, description = storable(without_secrets(ended.code)), storable(without_secrets(ended.description))
    error: dict[str, Any] = {"code": code, "description": description, "details": {}}
    if ended.state == "invalid_response":
        if kept is None:
            error["details"] = {"payload": storable(raw[:_LONGEST_RAW])}
        return Outcome(state=ended.state, response=kept, error=error)
    error["details"] = {} if kept is None else msgspec.json.decode(kept)
    result = str(parse_error_code(ended.code)) if ended.state == "error" else None
    return Outcome(state=ended.state, result=result, error=error)


_LONGEST_RAW: Final = 10_000
"""How much is kept of an answer that is no JSON object; the message log has the whole frame."""
_MISSING = frozenset({"NotImplemented", "NotSupported"})


async def _warn_of_missing_capability(asking: Asking, action: str) -> str | None:
    """The station said that it does not know this action: its last answer to it is what we know (§3.1)."""
    latest: Job | None = await asking.storage.jobs.latest(asking.station_id, action)
    if latest is None or latest.state != JobState.ERROR or latest.result not in _MISSING:
        return None
    return f"The station answered {latest.result} to its last {action}."
