"""What every service stands on, and what may be chosen about their work."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from stationmaster.bus import Bus
from stationmaster.domain.tidying import TidyingPolicy
from stationmaster.instants import Instant
from stationmaster.services.certificate_settings import CertificateSettings
from stationmaster.services.email_settings import EmailSettings
from stationmaster.services.file_settings import FileSettings
from stationmaster.services.oidc_settings import OidcSettings
from stationmaster.services.secrets import SecretKeeper
from stationmaster.storage import Storage

__all__ = ["ServiceContext", "ServiceSettings"]


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of the services. The handbook's figures are the defaults."""

    heartbeat_interval_s: int = 300
    """Told to a station that is Accepted (§3.2.2)."""
    pending_interval_s: int = 60
    """Told to a Pending station: when to boot again."""
    rejected_interval_s: int = 600
    """Told to a Rejected station: when to boot again."""
    interval_spread_percent: int = 0
    """Spread the intervals by this much around the figure, so that a fleet that boots at once does not stay in step."""
    authorization_cache_lifetime_s: int | None = None
    """How long a station may keep an accepted token without an expiry date of its own; None: for ever (§3.2.1)."""
    token_memory_s: int = 60
    """How long a token is remembered without asking the database. Changes are told on the bus at once."""
    token_memory_limit: int = 100_000
    """Tokens remembered, unknown ones included."""
    call_timeout_s: float = 30.0
    """How long a station may take to answer a command (§1.7)."""
    command_expiry_s: float = 300.0
    """How long a command may wait to be sent (§1.6)."""
    connection_timeout_s: int = 120
    """ConnectionTimeOut of stations that never told theirs (§3.3.10)."""
    remote_start_extra_s: int = 60
    """Added to ConnectionTimeOut before a remote start counts as failed (§3.3.10)."""
    remote_stop_wait_s: int = 600
    """How long the end of a transaction may take after the station agreed to stop it."""
    arrival_settle_s: float = 5.0
    """How long a station that has connected may take to boot before what waits for it goes on without a boot."""
    reset_wait_s: int = 900
    """How long a station may take to boot after it agreed to a reset."""
    transfer_wait_s: int = 24 * 3600
    """How long a firmware update or an upload may take (§3.9.1)."""
    tidying: TidyingPolicy = TidyingPolicy()
    """Which transactions are closed that their stations left open."""
    minimum_password_bytes: int = 16
    """Shortest password of a station (§4.5)."""
    session_idle_s: int = 4 * 3600
    """A person who did nothing for so long is signed out."""
    session_lifetime_s: int = 24 * 3600
    """Nobody stays signed in longer than this, whatever they do."""
    password_memory_kib: int = 32 * 1024
    """What hashing a person's password costs: OWASP asks for at least 19 MiB twice, this is 32 MiB three times."""
    oidc: OidcSettings | None = None
    emails: EmailSettings | None = None
    """None: nobody is told by e-mail."""
    webhook_timeout_s: float = 10.0
    """How long the receiver of a webhook may take."""
    webhook_concurrency: int = 20
    webhook_give_up_s: float = 24 * 3600.0
    data_transfer_timeout_s: float = 4.0
    """How long a plug-in may take over a vendor message: less than an answer may (§1.7)."""
    files: FileSettings = FileSettings()
    certificates: CertificateSettings = CertificateSettings()
    private_hosts: tuple[str, ...] = ()
    """Names and networks to which requests of ours may go although they are not public (`Outbound`)."""


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """Storage, bus, clock, settings and secrets: given by `app`, shared by all services."""

    storage: Storage
    bus: Bus
    clock: Callable[[], Instant]
    settings: ServiceSettings
    secrets: SecretKeeper
