"""What a protocol version tells the services about configuration keys."""

from collections.abc import Mapping
from typing import Any, Protocol

from stationmaster.domain.configuration_advice import Advice, Recipe
from stationmaster.domain.orders import Order
from stationmaster.domain.stations import Station

__all__ = ["ConfigurationWords", "words_for"]


class ConfigurationWords(Protocol):
    """The catalogue of a version gives it."""

    page_limit_key: str
    """The key that tells how many keys a station takes per question."""
    recipes: tuple[Recipe, ...]
    """Templates to copy."""

    def kind_of_key(self, key: str) -> str | None:
        """What a key holds: bool, int, list or text; None when nobody described it."""

    def owner_of_key(self, key: str) -> str | None:
        """Why a key is not for templates, in words: something else looks after it."""

    def doubt_about(self, key: str, value: str) -> str | None:
        """What is odd about giving a key this value, in words."""

    def advice_on(self, values: Mapping[str, str]) -> list[Advice]:
        """What to consider about a station with these values, by key in small letters."""

    def danger(self, action: str, payload: Mapping[str, Any]) -> str | None:
        """See `services.commands.Catalogue.danger`."""

    def phrase(self, order: Order) -> tuple[str, dict[str, Any]]:
        """See `services.commands.Catalogue.phrase`."""

    def encode(self, action: str, payload: Mapping[str, Any]) -> bytes:
        """See `services.commands.Catalogue.encode`."""


def words_for(catalogues: Mapping[str, ConfigurationWords], station: Station | None = None) -> ConfigurationWords:
    """Those of the protocol that a station last spoke, else those of the first one we speak."""
    found = None if station is None else catalogues.get(station.last_protocol or "")
    return found if found is not None else next(iter(catalogues.values()))
