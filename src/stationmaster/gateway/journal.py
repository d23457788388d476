"""What the storage is told about the frames of a station: the message log, and oddities.

Nothing here waits. Secrets are masked before anything leaves this file, and what no database takes in a
text is replaced.
"""

import re
from collections.abc import Callable, Collection
from typing import Final

import msgspec

from stationmaster.actions.contract import StationConnection, StationRecord
from stationmaster.domain.facts import MessageLogged, OddityTolerated
from stationmaster.gateway.contract import StationDirectory
from stationmaster.instants import Instant
from stationmaster.session import events
from stationmaster.session.masking import MASK, SECRETIVE_ACTIONS, mask_secrets, secrets_in

__all__ = ["Journal", "clean"]

_IMPOSSIBLE: Final = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"
_PICTURE_OF_NUL: Final = "\u2400"


def clean(text: str) -> str:
    """Text that every database takes: a NUL becomes its picture, half a character the sign for one that is broken."""
    if text.isascii() and "\0" not in text:
        return text
    return _IMPOSSIBLE.sub(lambda match: _PICTURE_OF_NUL if match[0] == "\0" else _REPLACEMENT, text)


class Journal:
    """Notes frames and oddities of connections."""

    __slots__ = ("_directory", "_log_messages", "_secret_keys")

    def __init__(
        self, directory: StationDirectory, *, log_messages: bool, secret_keys: Callable[[str], frozenset[str]]
    ) -> None:
        self._directory = directory
        self._secret_keys = secret_keys
        self._log_messages = log_messages

    def secrets_in(self, record: StationRecord, action: str, text: str) -> frozenset[str]:
        """What is secret in a CALL of ours."""
        return secrets_in(action, text, self._secret_keys(record.organisation_id))

    def frame(
        self, record: StationRecord, connection_id: int, seen: events.FrameSeen, told: Collection[str] = ()
    ) -> None:
        """A frame of a station, or a CALL with its answer. `told` are the secrets that the station was sent."""
        if not self._log_messages:
            return
        if told or seen.action in SECRETIVE_ACTIONS:
            seen = self._without_secrets(record, seen, told)
        action, message_id, frame, answer = seen.action, seen.message_id, seen.text, seen.answer
        # Without an escape, what was read from a frame is part of it, so that one look at the frame is enough.
        if "\\" in frame or not frame.isascii() or "\0" in frame or not isinstance(message_id, str):
            frame = clean(frame)
            message_id = None if message_id is None else clean(str(message_id))
            action = None if action is None else clean(action)
        self._directory.log(
            MessageLogged(
                organisation_id=record.organisation_id,
                station_id=record.id,
                received_at=seen.at,
                connection_id=connection_id,
                direction=seen.direction,
                kind=seen.kind,
                message_id=message_id,
                action=action,
                frame=frame,
                answer=None if answer is None else clean(answer),
                answer_kind=seen.answer_kind,
                latency_us=seen.latency_us,
                error_code=None if seen.error_code is None else clean(seen.error_code),
            )
        )

    def oddity(self, connection: StationConnection, odd: events.OddityTolerated, now: Instant) -> None:
        """A deviation that was tolerated."""
        raw = odd.raw
        if odd.action in SECRETIVE_ACTIONS or connection.told_secrets:
            hidden = self._secret_keys(connection.organisation_id)
            is_value = odd.action == "GetConfiguration" and odd.path.endswith("value")
            # A value by itself does not tell whose it is.
            raw = MASK if is_value and raw else mask_secrets(odd.action, raw, hidden, connection.told_secrets)
        self._directory.note(
            OddityTolerated(
                organisation_id=connection.organisation_id,
                station_id=connection.station_id,
                received_at=now,
                kind=str(odd.kind),
                action=odd.action,
                path=clean(odd.path),
                raw=clean(raw),
            )
        )

    def _without_secrets(
        self, record: StationRecord, seen: events.FrameSeen, told: Collection[str]
    ) -> events.FrameSeen:
        hidden = self._secret_keys(record.organisation_id)

        def masked(text: str | None) -> str | None:
            return None if text is None else mask_secrets(seen.action, text, hidden, told)

        text, answer = masked(seen.text), masked(seen.answer)
        message_id = masked(seen.message_id) if told and isinstance(seen.message_id, str) else seen.message_id
        action = masked(seen.action) if told else seen.action
        return msgspec.structs.replace(
            seen, text=text, answer=answer, message_id=message_id, action=action, error_code=masked(seen.error_code)
        )
