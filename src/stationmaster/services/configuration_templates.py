"""Templates of configuration keys: kept by operators, their secrets sealed.

The rule that shapes this file: a key that one template marked secret stays hidden in its organisation for good, in
whatever is stored, logged or shown, for its value may have reached stations that still tell it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.configuration_advice import Recipe
from stationmaster.domain.configuration_drift import key_name
from stationmaster.domain.configuration_orders import ChangeKeyOrder
from stationmaster.domain.desired_configuration import ConfigurationTemplate, TemplateValue
from stationmaster.domain.errors import FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.domain.redaction import names_a_secret
from stationmaster.services.configuration_words import ConfigurationWords, words_for
from stationmaster.services.context import ServiceContext
from stationmaster.services.in_turn import in_turn
from stationmaster.storage import errors as storage_errors

__all__ = ["TEMPLATES", "ConfigurationTemplates", "GivenEntry"]

TEMPLATES: Final = "configuration_templates"
"""The kind of `Invalidate` that says: a template was made, changed or deleted."""
MOST_TEMPLATES: Final = 500
MOST_ENTRIES: Final = 200
LONGEST_NAME: Final = 200
LONGEST_NOTE: Final = 2000
HIGHEST_PRIORITY: Final = 1_000_000
_PATTERNS: Final = ("vendor", "model", "firmware", "site_id")


class GivenEntry(msgspec.Struct, frozen=True):
    """An entry as an operator gives it. `value` None: a secret that stays; `secret` None: by the look of the key."""

    key: str
    value: str | None
    secret: bool | None = None


class ConfigurationTemplates:
    """Keeps the templates of all organisations in memory, and in the database."""

    def __init__(self, context: ServiceContext, catalogues: Mapping[str, ConfigurationWords]) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._secrets = context.secrets
        self._words = words_for(catalogues)
        self._templates: dict[str, dict[str, ConfigurationTemplate]] = {}
        self._hidden: dict[str, frozenset[str]] = {}

    @in_turn
    async def load(self) -> None:
        """Learn all templates: at the start, and when one was changed."""
        templates: dict[str, dict[str, ConfigurationTemplate]] = {}
        for each in await self._storage.desired_configuration.templates():
            templates.setdefault(each.organisation_id, {})[each.id] = each
        hidden: dict[str, set[str]] = {}
        for organisation_id, name in await self._storage.desired_configuration.secret_keys():
            hidden.setdefault(organisation_id, set()).add(name)
        self._templates = templates
        self._hidden = {organisation_id: frozenset(names) for organisation_id, names in hidden.items()}

    # What is asked often.

    def of(self, organisation_id: str) -> list[ConfigurationTemplate]:
        """The templates of an organisation."""
        return list(self._templates.get(organisation_id, {}).values())

    def secret_keys(self, organisation_id: str) -> frozenset[str]:
        """The keys, in small letters, whose values are never stored or shown."""
        return self._hidden.get(organisation_id, frozenset())

    def recipes(self) -> tuple[Recipe, ...]:
        """Templates that ship with the program, to be copied."""
        return self._words.recipes

    def value_of(self, template: ConfigurationTemplate, entry: TemplateValue) -> str:
        """The value of an entry in clear, to be sent to a station or compared: never to be stored or shown."""
        if entry.value is not None:
            return entry.value
        return self._opened(template)[key_name(entry.key)]

    # What operators do.

    async def get(self, organisation_id: str, template_id: str) -> ConfigurationTemplate:
        """A template of the organisation. Raises NotFound."""
        found: ConfigurationTemplate | None = await self._storage.desired_configuration.template(template_id)
        if found is None or found.organisation_id != organisation_id:
            raise _not_found()
        return found

    async def create(
        self, organisation_id: str, given: Mapping[str, Any], entries: Sequence[GivenEntry]
    ) -> ConfigurationTemplate:
        """Make a template of members by name. Nothing is sent to any station. Raises Invalid."""
        if len(self._templates.get(organisation_id, {})) >= MOST_TEMPLATES:
            raise _invalid("name", "too_many", f"An organisation has at most {MOST_TEMPLATES} templates.")
        now = self._clock()
        empty = ConfigurationTemplate(
            id=uuid4().hex, organisation_id=organisation_id, name="", entries=(), created_at=now, updated_at=now
        )
        return await self._save(empty, given, entries, new=True)

    async def update(
        self,
        organisation_id: str,
        template_id: str,
        given: Mapping[str, Any],
        entries: Sequence[GivenEntry] | None,
    ) -> ConfigurationTemplate:
        """Change members by name, and all entries if some are given. Raises NotFound, Invalid."""
        return await self._save(await self.get(organisation_id, template_id), given, entries, new=False)

    async def delete(self, organisation_id: str, template_id: str) -> ConfigurationTemplate:
        """Remove a template; what stations hold stays. Raises NotFound."""
        gone = await self.get(organisation_id, template_id)
        try:
            await self._storage.desired_configuration.delete_template(template_id)
        except storage_errors.NotFound as error:
            raise _not_found() from error
        await self._tell(gone)
        return gone

    def warnings_of(self, template: ConfigurationTemplate) -> list[str]:
        """What is odd about the entries, in words. Nobody is kept from anything."""
        shown = [self._words.doubt_about(each.key, each.value) for each in template.entries if each.value is not None]
        return [each for each in shown if each is not None]

    def danger_in(self, entries: Sequence[GivenEntry]) -> str | None:
        """Why one of the entries is dangerous to send, in words; None when none is."""
        for each in entries:
            order = ChangeKeyOrder(each.key.strip(), each.value or "")
            try:
                why = self._words.danger(*self._words.phrase(order))
            except Invalid:
                continue  # It is refused for that.
            if why is not None:
                return why
        return None

    # Inside.

    async def _save(
        self,
        before: ConfigurationTemplate,
        given: Mapping[str, Any],
        entries: Sequence[GivenEntry] | None,
        *,
        new: bool,
    ) -> ConfigurationTemplate:
        changed = msgspec.structs.replace(before, **_members(given), updated_at=self._clock())
        hidden: list[str] = []
        if entries is not None:
            changed, hidden = self._with_entries(changed, entries)
        try:
            await self._storage.desired_configuration.save_template(changed, hidden, new=new)
        except storage_errors.NotFound as error:
            raise _not_found() from error
        await self._tell(changed)
        return changed

    def _with_entries(
        self, template: ConfigurationTemplate, given: Sequence[GivenEntry]
    ) -> tuple[ConfigurationTemplate, list[str]]:
        """The template with these entries, secrets in its sealed part; and the keys that become secret by it."""
        if not 1 <= len(given) <= MOST_ENTRIES:
            raise _invalid("entries", "out_of_range", f"A template has 1 to {MOST_ENTRIES} keys.")
        known = self._opened(template) if template.sealed is not None else {}
        hidden_before = self.secret_keys(template.organisation_id)
        entries: list[TemplateValue] = []
        sealed: dict[str, str] = {}
        for place, each in enumerate(given):
            name = key_name(each.key)
            if name in {key_name(one.key) for one in entries}:
                words = f"`{each.key}` stands here twice; the case of letters does not matter."
                raise _invalid(f"entries.{place}.key", "twice", words)
            secret = name in hidden_before or (names_a_secret(each.key) if each.secret is None else each.secret)
            value = known.get(name) if each.value is None and secret else each.value
            if value is None:
                raise _invalid(f"entries.{place}.value", "missing", f"`{each.key}` needs a value.")
            self._check(place, each.key, value)
            entries.append(TemplateValue(each.key.strip(), None if secret else value, secret))
            if secret:
                sealed[name] = value
        data = self._secrets.seal(_purpose(template), msgspec.json.encode(sealed)) if sealed else None
        return msgspec.structs.replace(template, entries=tuple(entries), sealed=data), sorted(
            sealed.keys() - hidden_before
        )

    def _check(self, place: int, key: str, value: str) -> None:
        """Raise Invalid for a key that something else looks after, and for what could not be sent."""
        owner = self._words.owner_of_key(key)
        if owner is not None:
            raise _invalid(f"entries.{place}.key", "not_for_templates", owner)
        try:
            self._words.encode(*self._words.phrase(ChangeKeyOrder(key.strip(), value)))
        except Invalid as error:
            raise _invalid(f"entries.{place}", "not_sendable", error.message) from error

    def _opened(self, template: ConfigurationTemplate) -> dict[str, str]:
        if template.sealed is None:
            return {}
        return msgspec.json.decode(self._secrets.unseal(_purpose(template), template.sealed), type=dict[str, str])

    async def _tell(self, template: ConfigurationTemplate) -> None:
        await self.load()
        message = Invalidate(kind=TEMPLATES, key=template.id, organisation_id=template.organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))


def _members(given: Mapping[str, Any]) -> dict[str, Any]:
    """The members that were given, checked."""
    members = dict(given)
    if "name" in members:
        members["name"] = check_text("name", members["name"], LONGEST_NAME, required=True)
    if "note" in members:
        members["note"] = check_text("note", members["note"], LONGEST_NOTE, lines=True)
    for name in _PATTERNS:
        if name in members:
            members[name] = check_text(name, members[name], LONGEST_NAME)
    if abs(members.get("priority", 0)) > HIGHEST_PRIORITY:
        raise _invalid("priority", "out_of_range", f"A priority is at most {HIGHEST_PRIORITY}, on either side of 0.")
    return members


def _purpose(template: ConfigurationTemplate) -> str:
    return f"configuration template {template.id}"


def _not_found() -> NotFound:
    return NotFound("template_unknown", "There is no such configuration template.")


def _invalid(field: str, code: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, code, words),))
