"""Time zones read into numbers: the domain knows offsets from UTC and no calendar."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["offset_reader"]


def offset_reader(zone: tzinfo) -> Callable[[Instant], int]:
    """Tells how many seconds the clocks of a zone are ahead of UTC at a moment."""

    def read(at: Instant) -> int:
        offset = datetime.fromtimestamp(at // MICROSECONDS_PER_SECOND, UTC).astimezone(zone).utcoffset()
        return 0 if offset is None else round(offset.total_seconds())

    return read
