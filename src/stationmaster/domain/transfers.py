"""What a station can be asked to fetch or to bring, in no protocol version's words (handbook §3.3.8, §3.3.18, §4.8).

The catalogue of each protocol says these orders in its own words.
"""

import msgspec

from stationmaster.instants import Instant

__all__ = ["DiagnosticsOrder", "LogOrder", "Order", "Retrying", "SignedUpdateOrder", "UpdateOrder"]


class Retrying(msgspec.Struct, frozen=True, kw_only=True):
    """How often a station tries again, and after how long. None: as it likes."""

    retries: int | None = None
    retry_interval_s: int | None = None


class UpdateOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Fetch firmware from `location`, not before `retrieve_at`, and install it."""

    location: str
    retrieve_at: Instant
    retrying: Retrying = Retrying()


class SignedUpdateOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The same with a signature over the file, base64, and the certificate to check it with, PEM."""

    request_id: int
    location: str
    retrieve_at: Instant
    signing_certificate: str
    signature: str
    install_at: Instant | None = None
    retrying: Retrying = Retrying()


class DiagnosticsOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Bring diagnostics of a time to the folder `location`."""

    location: str
    since: Instant | None = None
    until: Instant | None = None
    retrying: Retrying = Retrying()


class LogOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Bring a log of a time to the folder `location`. `log_type` is "diagnostics" or "security"."""

    request_id: int
    log_type: str
    location: str
    since: Instant | None = None
    until: Instant | None = None
    retrying: Retrying = Retrying()


Order = UpdateOrder | SignedUpdateOrder | DiagnosticsOrder | LogOrder
