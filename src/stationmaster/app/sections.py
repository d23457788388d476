"""The sections of the configuration as the parts of a node take them."""

from ssl import SSLContext

from stationmaster.app.config import Settings
from stationmaster.app.config_checks import listed
from stationmaster.app.tls import TlsDoors
from stationmaster.domain.tidying import TidyingPolicy
from stationmaster.gateway.identities import PathRules
from stationmaster.gateway.settings import GatewaySettings, Listener
from stationmaster.jobs.upkeep import Bounds
from stationmaster.services.certificate_settings import CertificateSettings
from stationmaster.services.context import ServiceSettings
from stationmaster.services.email_settings import EmailSettings
from stationmaster.services.file_settings import FileSettings, FtpAddress
from stationmaster.services.oidc_settings import OidcSettings

__all__ = ["bounds", "file_settings", "gateway_settings", "listeners", "oidc_settings", "service_settings"]

MIB = 1024 * 1024
DAY_S = 86_400


def listeners(settings: Settings, doors: TlsDoors | None) -> dict[str, Listener]:
    """Where stations may come in: "plain", "tls" and "certificate", those that there are."""
    ocpp, tls = settings.ocpp, settings.tls
    ports: dict[str, tuple[int | None, SSLContext | None]] = {"plain": (ocpp.port if ocpp.plain else None, None)}
    if doors is not None:
        ports |= {"tls": (tls.port, doors.shared), "certificate": (tls.certificate_port, doors.certificate_only)}
    return {
        name: Listener(
            host=ocpp.host or settings.node.host,
            port=port,
            tls=context,
            paths=PathRules(endpoints=(ocpp.path,)),
            accept_missing_subprotocol=ocpp.accept_missing_subprotocol,
            compression=_compression(settings, name),
        )
        for name, (port, context) in ports.items()
        if port is not None
    }


def _compression(settings: Settings, listener: str) -> bool:
    """Whether a listener agrees to compression: its own setting, else the one for all (handbook §1.12)."""
    own = {"tls": settings.tls.compression, "certificate": settings.tls.certificate_port_compression}.get(listener)
    return settings.ocpp.compression if own is None else own


def gateway_settings(settings: Settings) -> GatewaySettings:
    """How stations are treated at the door and behind it."""
    ocpp, stations = settings.ocpp, settings.stations
    return GatewaySettings(
        message_limit=ocpp.message_limit_bytes,
        handshake_timeout_s=ocpp.handshake_timeout_s,
        connection_limit=ocpp.connection_limit,
        failures_per_minute=ocpp.failures_per_minute,
        ping_interval_s=ocpp.ping_interval_s,
        write_timeout_s=ocpp.write_timeout_s,
        frames_per_s=ocpp.frames_per_s,
        call_timeout_s=stations.call_timeout_s,
        queue_expiry_s=stations.command_expiry_s,
    )


def service_settings(settings: Settings) -> ServiceSettings:
    """What the services go by."""
    stations = settings.stations
    return ServiceSettings(
        heartbeat_interval_s=stations.heartbeat_interval_s,
        pending_interval_s=stations.pending_interval_s,
        rejected_interval_s=stations.rejected_interval_s,
        interval_spread_percent=stations.interval_spread_percent,
        authorization_cache_lifetime_s=stations.authorization_cache_lifetime_s,
        token_memory_s=stations.token_memory_s,
        call_timeout_s=stations.call_timeout_s,
        command_expiry_s=stations.command_expiry_s,
        connection_timeout_s=stations.connection_timeout_s,
        tidying=TidyingPolicy(**settings.tidying.model_dump()),
        minimum_password_bytes=settings.security.minimum_password_bytes,
        session_idle_s=settings.security.session_idle_s,
        session_lifetime_s=settings.security.session_lifetime_s,
        password_memory_kib=settings.security.password_memory_kib,
        oidc=oidc_settings(settings),
        files=file_settings(settings),
        certificates=certificate_settings(settings),
        emails=email_settings(settings),
        webhook_timeout_s=settings.webhooks.timeout_s,
        webhook_concurrency=settings.webhooks.concurrency,
        webhook_give_up_s=settings.webhooks.give_up_hours * 3600,
        private_hosts=_several(settings.security.private_hosts),
    )


def certificate_settings(settings: Settings) -> CertificateSettings:
    """What the authority and the check of client certificates go by."""
    chosen, tls = settings.certificates, settings.tls
    token = chosen.signer_token
    return CertificateSettings(
        operator_name=chosen.operator_name,
        trusted_organisations=_several(chosen.trusted_organisations),
        server_names=_several(tls.names),
        server_lifetime_s=round(tls.certificate_days * DAY_S),
        station_lifetime_s=round(chosen.station_days * DAY_S),
        root_lifetime_s=round(chosen.root_years * 365 * DAY_S),
        pss=chosen.signature == "pss",
        strict_requests=chosen.strict_requests,
        grace_s=round(chosen.grace_days * DAY_S),
        alert_s=round(chosen.alert_days * DAY_S),
        hard_fail=chosen.revocation == "hard",
        signer_url=chosen.signer_url,
        signer_token=None if token is None else token.get_secret_value(),
    )


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def oidc_settings(settings: Settings) -> OidcSettings | None:
    """The OpenID provider, if there is one."""
    oidc = settings.oidc
    if oidc.issuer is None or oidc.client_id is None:
        return None
    pairs = [pair.rpartition("=") for pair in listed(oidc.roles)]
    return OidcSettings(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        client_secret=None if oidc.client_secret is None else oidc.client_secret.get_secret_value(),
        name=oidc.name,
        scope=oidc.scope,
        algorithms=tuple(listed(oidc.algorithms)),
        role_claim=oidc.role_claim,
        roles=tuple((theirs.strip(), ours.strip()) for theirs, _, ours in pairs),
        organisation_id=oidc.organisation,
        redirect_url=oidc.redirect_url,
    )


def email_settings(settings: Settings) -> EmailSettings | None:
    """How e-mails leave; None: they do not."""
    smtp = settings.smtp
    if smtp.host is None:
        return None
    return EmailSettings(
        host=smtp.host,
        port=smtp.port,
        tls=smtp.tls,
        username=smtp.username,
        password=None if smtp.password is None else smtp.password.get_secret_value(),
        sender=smtp.sender,
        timeout_s=smtp.timeout_s,
        ca_file=smtp.ca_file,
        gather_s=smtp.gather_s,
        interval_s=smtp.interval_s,
        give_up_s=smtp.give_up_hours * 3600,
        ui_url=smtp.ui_url,
    )


def file_settings(settings: Settings) -> FileSettings:
    """What the file service goes by."""
    files, ftp = settings.files, settings.ftp
    return FileSettings(
        folder=(files.folder or settings.node.data / "files").absolute(),
        base_url=files.base_url,
        firmware_limit_bytes=files.firmware_limit_mib * MIB,
        upload_limit_bytes=files.upload_limit_mib * MIB,
        keep_free_bytes=files.keep_free_mib * MIB,
        pass_lifetime_s=round(files.pass_hours * 3600),
        ftp=None if ftp.port is None else FtpAddress(ftp.port, ftp.public_host),
    )


def bounds(settings: Settings) -> Bounds:
    """How long things are kept."""
    kept = settings.retention
    return Bounds(
        message_days=kept.message_days,
        message_bytes=kept.message_mib * MIB,
        event_days=kept.event_days,
        attempt_days=kept.attempt_days,
        alert_days=kept.alert_days,
        file_days=kept.file_days,
    )
