"""All tables; `metadata` knows each of them once this package is imported."""

from stationmaster.storage.tables.alerts import (
    alert,
    alert_notice,
    alert_recipient,
    alert_rule,
    alert_watch,
    email,
    feed,
)
from stationmaster.storage.tables.authorization import token, unknown_token
from stationmaster.storage.tables.availability import connector
from stationmaster.storage.tables.base import metadata
from stationmaster.storage.tables.certificates import (
    certificate_authority,
    installed_root,
    security_job,
    server_certificate,
    station_certificate,
)
from stationmaster.storage.tables.commands import (
    api_key,
    data_transfer,
    job,
    security_event,
    transfer_status,
    variable,
)
from stationmaster.storage.tables.conformance import conformance_case, conformance_report, conformance_run
from stationmaster.storage.tables.desired_configuration import (
    configuration_job,
    configuration_template,
    desired_key,
    followed_station,
    persistent_command,
    secret_key,
)
from stationmaster.storage.tables.files import file, file_pass, firmware, firmware_campaign, firmware_update
from stationmaster.storage.tables.log import (
    counter,
    event,
    message,
    message_volume,
    station_event,
    station_message,
)
from stationmaster.storage.tables.people import (
    audit_chain,
    audit_entry,
    oidc_login,
    recovery_code,
    user,
    user_session,
)
from stationmaster.storage.tables.provisioning import (
    connection,
    connection_attempt,
    oddity,
    organisations,
    presence,
    station,
)
from stationmaster.storage.tables.quirks import quirk_profile
from stationmaster.storage.tables.reservations import local_list, reservation
from stationmaster.storage.tables.sites import (
    site,
    site_decision,
    site_load,
    site_plan,
    site_release,
    site_schedule,
    wiring,
)
from stationmaster.storage.tables.smart_charging import charging_profile, installed_profiles
from stationmaster.storage.tables.transactions import meter_value, transaction
from stationmaster.storage.tables.webhooks import webhook, webhook_delivery

__all__ = [
    "alert",
    "alert_notice",
    "alert_recipient",
    "alert_rule",
    "alert_watch",
    "api_key",
    "audit_chain",
    "audit_entry",
    "certificate_authority",
    "charging_profile",
    "configuration_job",
    "configuration_template",
    "conformance_case",
    "conformance_report",
    "conformance_run",
    "connection",
    "connection_attempt",
    "connector",
    "counter",
    "data_transfer",
    "desired_key",
    "email",
    "event",
    "feed",
    "file",
    "file_pass",
    "firmware",
    "firmware_campaign",
    "firmware_update",
    "followed_station",
    "installed_profiles",
    "installed_root",
    "job",
    "local_list",
    "message",
    "message_volume",
    "metadata",
    "meter_value",
    "oddity",
    "oidc_login",
    "organisations",
    "persistent_command",
    "presence",
    "quirk_profile",
    "recovery_code",
    "reservation",
    "secret_key",
    "security_event",
    "security_job",
    "server_certificate",
    "site",
    "site_decision",
    "site_load",
    "site_plan",
    "site_release",
    "site_schedule",
    "station",
    "station_certificate",
    "station_event",
    "station_message",
    "token",
    "transaction",
    "transfer_status",
    "unknown_token",
    "user",
    "user_session",
    "variable",
    "webhook",
    "webhook_delivery",
    "wiring",
]
