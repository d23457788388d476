"""Files that travel between us and stations, and the passes that let one travel (handbook §3.9.3).

The rule that shapes this file: a pass is good for one job of one station, for a time, and for one
transfer (and one more for each retry that the station was told to make). What is not good is not there.
"""

from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import msgspec

from stationmaster.domain.errors import FieldError, Invalid
from stationmaster.domain.identities import has_control_characters
from stationmaster.domain.jobs import Job, JobState, progress_of
from stationmaster.instants import Instant

__all__ = ["Direction", "FileKind", "FilePass", "StoredFile", "check_location", "closes", "display_name", "is_good"]

LONGEST_NAME: Final = 200
LOCATION_SCHEMES: Final = ("http", "https", "ftp", "ftps")
_AGREED: Final = frozenset({None, "Accepted", "AcceptedCanceled"})
"""Results of a job whose station may still bring what it did not announce."""


class FileKind(StrEnum):
    """What a file is."""

    FIRMWARE = "firmware"
    DIAGNOSTICS = "diagnostics"
    LOG = "log"


class Direction(StrEnum):
    """Which way a file travels, as the station sees it."""

    DOWNLOAD = "download"
    UPLOAD = "upload"


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that we keep. `name` is for people only; on disk it is found by `id`. `sha256` is hex."""

    id: str
    organisation_id: str
    site_id: str | None
    station_id: str | None
    job_id: str | None
    kind: str
    name: str
    size_bytes: int
    sha256: str
    created_at: Instant


class FilePass(msgspec.Struct, frozen=True, kw_only=True):
    """Leave for the station of a job to fetch `file_id`, or to bring a file of at most `size_bytes`.

    `delivered_bytes` counts from the start of the file without a gap: a transfer that broke off goes on from there.
    """

    id: str
    organisation_id: str
    site_id: str | None
    station_id: str
    job_id: str
    direction: str
    kind: str
    file_id: str | None
    size_bytes: int
    delivered_bytes: int
    uses_left: int
    created_at: Instant
    expires_at: Instant


def is_good(found: FilePass, direction: Direction, job: Job | None, now: Instant) -> bool:
    """Whether a pass opens the door now."""
    return (
        found.direction == direction
        and found.uses_left > 0
        and found.expires_at > now
        and job is not None
        and not closes(job)
    )


def closes(job: Job) -> bool:
    """Whether the transfer of a job is over for certain: the station said so, or it never took the job.

    A job that we gave up on may still succeed (handbook §4.10), so its pass stays good until it expires.
    """
    if job.state == JobState.DONE:
        return progress_of(job).transfer_status is not None or job.result not in _AGREED
    return job.state in {JobState.ERROR, JobState.CANCELLED, JobState.EXPIRED}


def display_name(told: str, otherwise: str) -> str:
    """A name that a station or a person gave a file, fit to be shown: no folders, no control characters."""
    last = told.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(character for character in last if not has_control_characters(character)).strip()
    return otherwise if kept in {"", ".", ".."} else kept[:LONGEST_NAME]


def check_location(field: str, location: str) -> str:
    """An address that a station can fetch from or bring to. Raises Invalid with what is wrong with it."""
    try:
        parts = urlsplit(location)
        host, _port = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme.lower() not in LOCATION_SCHEMES or not host or has_control_characters(location) or " " in location:
        words = f"`{field}` is an address that begins with http://, https://, ftp:// or ftps:// and names a host."
        raise Invalid("location_invalid", words, fields=(FieldError(field, "location", words),))
    return location
