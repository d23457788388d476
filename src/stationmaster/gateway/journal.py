"""What the storage is told about the frames of a station: the message log, and oddities.

Nothing here waits. Secrets are masked before anything leaves this file, and what no database takes in a
text is replaced.
"""

import re
from collections.abc import Callable
from typing import Final

from stationmaster.actions.contract import StationConnection, StationRecord
from stationmaster.domain.facts import MessageLogged, OddityTolerated
from stationmaster.gateway.contract import StationDirectory
from stationmaster.instants import Instant
from stationmaster.session import events
from stationmaster.session.masking import SECRETIVE_ACTIONS, mask_secrets

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

    def frame(self, record: StationRecord, connection_id: int, seen: events.FrameSeen) -> None:
        """A frame of a station, or a CALL with its answer."""
        if not self._log_messages:
            return
        action, message_id, frame, answer = seen.action, seen.message_id, seen.text, seen.answer
        if action in SECRETIVE_ACTIONS:
            hidden = self._secret_keys(record.organisation_id)
            frame = mask_secrets(action, frame, hidden)
            answer = None if answer is None else mask_secrets(action, answer, hidden)
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
        self._directory.note(
            OddityTolerated(
                organisation_id=connection.organisation_id,
                station_id=connection.station_id,
                received_at=now,
                kind=str(odd.kind),
                action=odd.action,
                path=clean(odd.path),
                raw=clean(odd.raw),
            )
        )
