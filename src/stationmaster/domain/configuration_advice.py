"""Advice about a station's configuration, and templates that ship with the program: nouns."""

import msgspec

from stationmaster.domain.desired_configuration import TemplateValue

__all__ = ["Advice", "Recipe"]


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Something to consider. `severity` is "warning" or "notice"; `keys` are those it is about."""

    code: str
    severity: str
    keys: tuple[str, ...]
    words: str


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """A template to copy and adapt. `source` is the section of the handbook."""

    id: str
    name: str
    note: str
    entries: tuple[TemplateValue, ...]
    source: str
