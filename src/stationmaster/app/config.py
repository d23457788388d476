"""Everything that can be set, a class for each section.

The rule that shapes this file: each setting has a default that works, a help text and limits, and
`docs/configuration.md` is written from here. Names carry their units. What is a secret is a
`SecretStr` and is never shown.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from stationmaster.app.config_checks import (
    check_algorithms,
    check_base_url,
    check_bus_url,
    check_database_url,
    check_host,
    check_issuer,
    check_pepper,
    check_port_range,
    check_roles,
    check_signer_url,
    check_text,
    check_tile_url,
)
from stationmaster.app.config_section import Days, Port, Seconds, Section
from stationmaster.app.config_telling import SmtpSettings, WebhookSettings
from stationmaster.services.outbound import check_private_hosts

__all__ = ["HttpSettings", "LogSettings", "NodeSettings", "SecuritySettings", "Settings", "TlsSettings"]


Host = Annotated[str, BeforeValidator(check_host)]


class NodeSettings(Section):
    """The node itself."""

    data: Annotated[Path, BeforeValidator(check_text)] = Field(
        default=Path("data"), description="Folder for everything this node keeps; it is made if it is missing."
    )
    host: Host = Field(
        default="0.0.0.0",  # noqa: S104 - a central system that only its own machine can reach serves nobody
        description="Address on which stations and people may come in.",
    )
    id: str = Field(
        default="node",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Name of this node; each node of a cluster has its own.",
    )
    low_disk_mib: int = Field(
        default=1024, ge=0, description="With less space free in the data folder, in MiB, an alert is raised."
    )


class DatabaseSettings(Section):
    """What is remembered, and where."""

    url: Annotated[SecretStr, AfterValidator(check_database_url)] | None = Field(
        default=None,
        description="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME. "
        "Without it, stationmaster.sqlite in the data folder.",
    )
    migrate: bool = Field(default=True, description="Bring the tables up to date at the start.")


class BusSettings(Section):
    """How nodes talk."""

    url: Annotated[SecretStr, AfterValidator(check_bus_url)] | None = Field(
        default=None,
        description="nats://HOST:4222 for many nodes (needs the extra [cluster]). Without it, this is the only node.",
    )


class OcppSettings(Section):
    """Where stations connect, and how we speak with them."""

    host: Host | None = Field(default=None, description="Address for stations, if it differs from node.host.")
    port: Port = Field(default=9000, description="Port for stations.")
    accept_unknown: bool = Field(
        default=False,
        description="Let stations in that nobody registered, Accepted, without password or TLS. For laboratories.",
    )
    path: str = Field(
        default="/ocpp",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="What comes before the identity in the URL of a station.",
    )
    accept_missing_subprotocol: bool = Field(
        default=False, description="Take a station that names no version of OCPP for one of version 1.6."
    )
    compression: bool = Field(
        default=True,
        description="Agree to permessage-deflate when a station offers it; the ports of [tls] may differ.",
    )
    message_limit_bytes: int = Field(
        default=1_048_576, ge=65_536, le=16 * 1_048_576, description="Longest message; a longer one closes with 1009."
    )
    handshake_timeout_s: Seconds = Field(default=10, description="How long a handshake may take.")
    connection_limit: int = Field(
        default=0, ge=0, description="Open sockets at a time; 0 takes what the limit of open files allows."
    )
    ping_interval_s: float = Field(
        default=60,
        ge=0,
        le=3600,
        description="How often a station is pinged; silent for two intervals, it is gone. 0: never.",
    )
    write_timeout_s: Seconds = Field(default=30, description="How long a station may leave unread what it is sent.")
    failures_per_minute: int = Field(
        default=30, ge=1, description="Refused logins of one identity from one address before it has to wait."
    )
    frames_per_s: float = Field(
        default=500, ge=0, description="Frames a station may send per second in the long run; 0: no limit."
    )
    log_messages: bool = Field(default=True, description="Keep every frame in the message log.")
    plain: bool = Field(
        default=True, description="Listen on ocpp.port for stations without TLS (security profiles 0 and 1)."
    )


class TlsSettings(Section):
    """Where stations connect over TLS (security profiles 2 and 3), and as whom we present ourselves."""

    port: Port | None = Field(default=None, description="Port for profiles 2 and 3; empty: none.")
    certificate_port: Port | None = Field(
        default=None, description="Port for profile 3 alone, where a client certificate is insisted on; empty: none."
    )
    compression: bool | None = Field(
        default=None, description="Agree to permessage-deflate on tls.port; empty: as ocpp.compression says."
    )
    certificate_port_compression: bool | None = Field(
        default=None, description="The same on tls.certificate_port; empty: as ocpp.compression says."
    )
    names: str = Field(
        default="localhost",
        min_length=1,
        pattern=r"^[A-Za-z0-9._:*-]+(\s*,\s*[A-Za-z0-9._:*-]+)*$",
        description="Names and addresses by which stations reach us, with commas between; the first is the CN.",
    )
    certificate_days: float = Field(
        default=30, ge=0.1, le=825, description="Life of our own certificates; they are renewed after two thirds."
    )
    rsa_certificate: Path | None = Field(
        default=None, description="PEM file with our chain, RSA. Without files, our own authority issues both."
    )
    rsa_key: Path | None = Field(default=None, description="PEM file with its key, if it is not in the same file.")
    ec_certificate: Path | None = Field(default=None, description="PEM file with our chain, elliptic curve.")
    ec_key: Path | None = Field(default=None, description="PEM file with its key, if it is not in the same file.")


class CertificateSettings(Section):
    """The certificate authority, and which client certificates are good enough."""

    operator_name: str = Field(
        default="Stationmaster",
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Your name: O of all certificates, and what CpoName of the stations must be.",
    )
    trusted_organisations: str = Field(
        default="", description="Further O that client certificates may have, with commas between (a manufacturer's)."
    )
    station_days: float = Field(default=365, ge=1, le=3650, description="Life of a certificate for a station.")
    root_years: float = Field(default=20, ge=1, le=50, description="Life of a root.")
    signature: Literal["pkcs1", "pss"] = Field(
        default="pkcs1", description="Padding of RSA signatures; many stations and test tools know but pkcs1."
    )
    strict_requests: bool = Field(
        default=False, description="Refuse signing requests whose names do not fit instead of issuing with ours."
    )
    grace_days: float = Field(
        default=30, ge=0, le=365, description="How long an older certificate works after a newer one was used."
    )
    alert_days: float = Field(default=30, ge=0, le=365, description="How long before its end one is warned about.")
    revocation: Literal["soft", "hard"] = Field(
        default="soft",
        description="What happens when there is no present revocation list of an authority that is not ours: "
        "soft lets the station in, hard does not.",
    )
    signer_url: Annotated[str, AfterValidator(check_signer_url)] | None = Field(
        default=None, description="Another authority that signs for stations: asked by HTTP, see docs/security.md."
    )
    signer_token: SecretStr | None = Field(default=None, description="Bearer token for that authority.")


class HttpSettings(Section):
    """Where people and programs connect, and what they are allowed."""

    host: Host | None = Field(default=None, description="Address for the API and the UI, if it differs from node.host.")
    port: Port = Field(default=8080, description="Port for the API and the UI.")
    trusted_proxies: str = Field(
        default="",
        description="Addresses of proxies, with commas between, whose X-Forwarded-For and -Proto are believed.",
    )
    body_limit_bytes: int = Field(
        default=2 * 1024 * 1024, ge=1024, description="Longest request body; a longer one gets 413."
    )
    header_timeout_s: Seconds = Field(default=10, description="How long the head of a request may take to arrive.")
    body_timeout_s: Seconds = Field(default=60, description="How long the body of a request may take to arrive.")
    write_timeout_s: Seconds = Field(default=20, description="How long a client may leave an answer unread.")
    keep_alive_s: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=30, description="How long a connection without a request is kept."
    )
    connection_limit: int = Field(default=1000, ge=1, description="Connections at a time; more get 503.")
    open_metrics: bool = Field(default=True, description="Let /metrics be read without an API key.")
    event_client_limit: int = Field(default=200, ge=1, description="Event streams at a time; more get 503.")
    event_queue_limit: int = Field(
        default=1000,
        ge=1,
        description="Events that may wait for one client; one that is further behind is dropped and resumes.",
    )
    event_heartbeat_s: Seconds = Field(
        default=15, description="A comment on quiet event streams, so that proxies keep them."
    )
    drain_timeout_s: Seconds = Field(
        default=5, description="How long requests may go on after the node was told to stop."
    )


class StationSettings(Section):
    """What stations are told, and how long they may take."""

    heartbeat_interval_s: int = Field(default=300, ge=10, le=86400, description="Told to a station that is accepted.")
    pending_interval_s: int = Field(
        default=60, ge=10, le=86400, description="Told to a pending station: when to boot again."
    )
    rejected_interval_s: int = Field(
        default=600, ge=10, le=86400, description="Told to a rejected station: when to boot again."
    )
    interval_spread_percent: int = Field(
        default=0,
        ge=0,
        le=50,
        description="Spread these intervals around their figure, so that a fleet does not stay in step.",
    )
    call_timeout_s: float = Field(
        default=30, ge=1, le=600, description="How long a station may take to answer a command."
    )
    command_expiry_s: float = Field(default=300, ge=1, le=86400, description="How long a command may wait to be sent.")
    connection_timeout_s: int = Field(
        default=120,
        ge=1,
        le=86400,
        description="How long a plug may be waited for, of stations that never told theirs.",
    )
    authorization_cache_lifetime_s: int | None = Field(
        default=None,
        ge=1,
        description="How long a station may keep an accepted token that has no expiry; empty: for ever.",
    )
    token_memory_s: int = Field(default=60, ge=0, le=3600, description="How long a node keeps a token in memory.")


class SecuritySettings(Section):
    """Secrets, and how short they may be."""

    pepper: Annotated[SecretStr, AfterValidator(check_pepper)] | None = Field(
        default=None,
        description="Key under which passwords and API keys are hashed, the same on all nodes. "
        "Without it, the file `pepper` in the data folder, made at the first start.",
    )
    pepper_lost: bool = Field(
        default=False,
        description="Start although the database was made under another pepper. Every password, API key and "
        "certificate authority has to be made anew.",
    )
    minimum_password_bytes: int = Field(default=16, ge=8, le=40, description="Shortest password of a station.")
    private_hosts: Annotated[str, AfterValidator(check_private_hosts)] = Field(
        default="",
        description="Names, addresses and networks, with commas between, that are not public and may be asked all the "
        "same where somebody gives their address, as for revocation lists: `crl.internal, 10.1.0.0/16`.",
    )
    session_idle_s: int = Field(
        default=4 * 3600, ge=60, le=7 * 86400, description="A person who does nothing for so long is signed out."
    )
    session_lifetime_s: int = Field(
        default=24 * 3600, ge=300, le=30 * 86400, description="Nobody stays signed in longer than this."
    )
    password_memory_kib: int = Field(
        default=32 * 1024,
        ge=64,
        le=1024 * 1024,
        description="Memory for hashing a person's password (argon2id, three rounds). Less than 19456 is for tests.",
    )


class OidcSection(Section):
    """Signing in through an OpenID provider. It is offered once issuer and client_id are set."""

    issuer: Annotated[str, AfterValidator(check_issuer)] | None = Field(
        default=None, description="The provider, exactly as its document calls it, such as https://login.example.org."
    )
    client_id: str | None = Field(default=None, min_length=1, description="What the provider knows us as.")
    client_secret: SecretStr | None = Field(default=None, description="Our secret there; empty for a public client.")
    name: str = Field(default="Single sign-on", min_length=1, max_length=50, description="Written on the button.")
    scope: str = Field(
        default="openid profile email", pattern=r"(^| )openid( |$)", description="What the provider is asked for."
    )
    algorithms: Annotated[str, AfterValidator(check_algorithms)] = Field(
        default="RS256, PS256, ES256", description="With what the provider may sign, with commas between."
    )
    role_claim: str = Field(
        default="roles",
        min_length=1,
        description="Member of the ID token that decides the role, such as groups or realm_access.roles.",
    )
    roles: Annotated[str, AfterValidator(check_roles)] = Field(
        default="",
        description="Which of its values gives which role: `chiefs=admin, staff=operator, everybody=viewer`. "
        "The highest counts; whoever has none does not come in.",
    )
    organisation: str = Field(default="default", description="The organisation of those who come in this way.")
    redirect_url: Annotated[str, AfterValidator(check_base_url)] | None = Field(
        default=None,
        description="Where the provider sends browsers back, if it is not /api/v1/session/oidc/callback of the address "
        "by which the browser came.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.issuer is None) != (self.client_id is None):
            raise ValueError("issuer and client_id are set together")
        return self


class RetentionSettings(Section):
    """How long things are kept that grow for ever otherwise."""

    message_days: Days = Field(default=30, description="Messages with stations.")
    message_mib: int = Field(
        default=4096, ge=1, description="Messages kept at most, in MiB of their text, whatever their age."
    )
    event_days: Days = Field(default=7, description="Events, for streams that resume.")
    attempt_days: Days = Field(
        default=90, description="Refused handshakes, unknown tokens, tolerated oddities and ended connections."
    )
    alert_days: Days = Field(default=365, description="Alerts that have been cleared.")
    file_days: Days = Field(default=90, description="Diagnostics and logs that stations brought.")


class TidyingSettings(Section):
    """Transactions that their stations never ended. 0 is never."""

    superseded_hours: float = Field(
        default=24, ge=0, le=87_600, description="Closed so long after a newer one began on the connector."
    )
    idle_hours: float = Field(
        default=24, ge=0, le=87_600, description="Closed when the connector has been free for so long."
    )
    silent_hours: float = Field(
        default=336, ge=0, le=87_600, description="Closed when nothing was heard of it for so long."
    )


class FileSettings(Section):
    """Files that stations fetch and bring: firmware, diagnostics, logs."""

    folder: Path | None = Field(
        default=None, description="Where they lie; `files` in the data folder by default. Nodes of a cluster share it."
    )
    base_url: Annotated[str, AfterValidator(check_base_url)] | None = Field(
        default=None,
        description="How stations reach the port of the API, such as https://csms.example.org. "
        "Without it, they are told the address by which the API was asked for the transfer.",
    )
    firmware_limit_mib: int = Field(default=512, ge=1, le=16_384, description="Largest firmware image, in MiB.")
    upload_limit_mib: int = Field(
        default=256, ge=1, le=16_384, description="Largest file that a station may bring, in MiB."
    )
    keep_free_mib: int = Field(default=256, ge=0, description="What files must leave free on the disk, in MiB.")
    pass_hours: float = Field(
        default=24, gt=0, le=24 * 366, description="How long the address for one transfer of one job is good."
    )


class FtpSettings(Section):
    """An FTP server for stations that speak nothing else (needs the extra [ftp])."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="Port of the FTP server; empty: there is none."
    )
    host: Host | None = Field(default=None, description="Address for FTP, if it differs from node.host.")
    public_host: str | None = Field(
        default=None, description="Name by which stations reach it, if it differs from that in files.base_url."
    )
    public_address: str | None = Field(
        default=None,
        pattern=r"^\d{1,3}(\.\d{1,3}){3}$",
        description="IPv4 address for passive mode, if stations come through address translation.",
    )
    passive_ports: Annotated[str, AfterValidator(check_port_range)] = Field(
        default="", description="Ports for passive mode, such as 50000-50099; empty: any free port."
    )
    connection_limit: int = Field(default=100, ge=1, description="FTP connections at a time.")


class MapSettings(Section):
    """The map of the UI. Without tiles it shows the outlines of the countries, and asks nobody for anything."""

    tile_url: Annotated[str, AfterValidator(check_tile_url)] | None = Field(
        default=None,
        description="Where map tiles are fetched by the browser, such as https://tiles.example.org/{z}/{x}/{y}.png. "
        "Whoever keeps them sees which places are looked at.",
    )
    attribution: str = Field(
        default="", max_length=200, description="Whom the map names as the source of the tiles; plain text."
    )


class LogSettings(Section):
    """What the node writes about itself."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important line shown."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="Lines for people or for programs; auto: for people on a terminal."
    )
    watchdog_s: Seconds = Field(
        default=2, description="An event loop that stands still for so long is logged with what it was doing."
    )


class ConformanceSettings(Section):
    """The conformance kit, as far as it is started from the API."""

    targets: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._:/\[\]-]*(\s*,\s*[A-Za-z0-9._:/\[\]-]+)*$",
        description="Hosts of other systems that may be tested, with commas between: names as they will be written, "
        "addresses, or networks such as 192.0.2.0/24. Empty: none but a fresh node beside this one.",
    )


class Settings(Section):
    """All sections."""

    node: NodeSettings = NodeSettings()
    database: DatabaseSettings = DatabaseSettings()
    bus: BusSettings = BusSettings()
    ocpp: OcppSettings = OcppSettings()
    tls: TlsSettings = TlsSettings()
    certificates: CertificateSettings = CertificateSettings()
    http: HttpSettings = HttpSettings()
    stations: StationSettings = StationSettings()
    security: SecuritySettings = SecuritySettings()
    oidc: OidcSection = OidcSection()
    retention: RetentionSettings = RetentionSettings()
    tidying: TidyingSettings = TidyingSettings()
    files: FileSettings = FileSettings()
    ftp: FtpSettings = FtpSettings()
    smtp: SmtpSettings = SmtpSettings()
    webhooks: WebhookSettings = WebhookSettings()
    map: MapSettings = MapSettings()
    conformance: ConformanceSettings = ConformanceSettings()
    log: LogSettings = LogSettings()
