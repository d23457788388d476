"""What a station knows of tags by itself: the local list of the central system, and its own cache (handbook §3.7)."""

from typing import Any

from stationmaster.instants import Instant, parse_instant

__all__ = ["AuthorizationCache", "LocalList"]


class LocalList:
    """The list that only SendLocalList changes."""

    def __init__(self, longest: int) -> None:
        self.version = 0
        self.entries: dict[str, dict[str, Any]] = {}
        self._longest = longest

    def update(self, request: dict[str, Any]) -> str:
        """Take a SendLocalList.req; the status of its answer. Anything but Accepted changes nothing."""
        version, changes = request["listVersion"], request.get("localAuthorizationList", [])
        full = request["updateType"] == "Full"
        if not full and version <= self.version:
            return "VersionMismatch"
        tags = [change["idTag"].lower() for change in changes]
        if version <= 0 or len(set(tags)) != len(tags):
            return "Failed"
        entries = {} if full else dict(self.entries)
        for tag, change in zip(tags, changes, strict=True):
            if "idTagInfo" in change:
                entries[tag] = change["idTagInfo"]
            elif full:
                return "Failed"
            else:
                entries.pop(tag, None)
        if len(entries) > self._longest:
            return "Failed"
        self.entries, self.version = entries, version
        return "Accepted"

    def status(self, id_tag: str, now: Instant) -> str | None:
        """What the list says of a tag; None when it says nothing."""
        return _status(self.entries.get(id_tag.lower()), now)

    def parent(self, id_tag: str) -> str | None:
        """The group of a tag, if the list tells."""
        return self.entries.get(id_tag.lower(), {}).get("parentIdTag")


class AuthorizationCache:
    """What the central system said of tags when they were last presented."""

    def __init__(self, longest: int = 500) -> None:
        self._entries: dict[str, dict[str, Any]] = {}
        self._longest = longest

    def learn(self, id_tag: str, info: dict[str, Any]) -> None:
        """Remember an idTagInfo."""
        self._entries.pop(id_tag.lower(), None)
        self._entries[id_tag.lower()] = info
        if len(self._entries) > self._longest:
            del self._entries[next(iter(self._entries))]

    def status(self, id_tag: str, now: Instant) -> str | None:
        """What is remembered of a tag; None when nothing is."""
        return _status(self._entries.get(id_tag.lower()), now)

    def parent(self, id_tag: str) -> str | None:
        """The group of a tag, if it is remembered."""
        return self._entries.get(id_tag.lower(), {}).get("parentIdTag")

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


def _status(info: dict[str, Any] | None, now: Instant) -> str | None:
    if info is None:
        return None
    if "expiryDate" in info and parse_instant(info["expiryDate"]) <= now:
        return "Expired"
    return str(info["status"])
