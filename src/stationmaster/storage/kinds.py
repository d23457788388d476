"""Which program writes which kind of fact; kinds are written in this order.

Starts and ends come before samples: what a drawn number became must be known when samples are
linked to it. That a start was not answered comes before a resend of the start, which takes it back.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from stationmaster.domain import facts
from stationmaster.domain.alerts.facts import AlertAcknowledged, AlertCleared, AlertRaised, AlertsAdvanced
from stationmaster.domain.certificates import CertificateChanged, InstalledRootsReported
from stationmaster.domain.conformance import ConformanceRunChanged
from stationmaster.domain.desired_configuration import ConfigurationCompared
from stationmaster.domain.identity_contests import IdentityContested, IdentitySettled
from stationmaster.domain.load_management.facts import SiteDecided, SiteLoadSampled
from stationmaster.domain.local_lists import LocalListChanged
from stationmaster.domain.reservations import ReservationChanged
from stationmaster.domain.smart_charging.facts import ChargingProfilesChanged
from stationmaster.domain.tidying import TransactionTidied
from stationmaster.storage import (
    alerts,
    audit,
    authorization,
    availability,
    certificates,
    configuration,
    conformance,
    desired_configuration,
    jobs,
    message_log,
    metering,
    notifications,
    provisioning,
    reservations,
    sites,
    smart_charging,
    tidying,
    transaction_ends,
    transactions,
    unconfirmed,
)
from stationmaster.storage.programs import Batch, Program

__all__ = ["PROGRAMS"]

PROGRAMS: Final[Mapping[type[facts.Fact], Callable[[Batch, list[Any]], Program[list[Any] | None]]]] = {
    facts.StationConnected: provisioning.store_connections,
    facts.StationDisconnected: provisioning.store_disconnections,
    facts.StationSeen: provisioning.store_seen,
    facts.StationBooted: provisioning.store_boots,
    facts.HandshakeRefused: provisioning.store_refusals,
    IdentityContested: provisioning.store_contests,
    IdentitySettled: provisioning.store_settlements,
    facts.OddityTolerated: provisioning.store_oddities,
    facts.UnknownTokenSeen: authorization.store_unknown_tokens,
    facts.ConnectorStatusChanged: availability.store_statuses,
    facts.AvailabilityRequested: availability.store_requests,
    facts.StartUnanswered: unconfirmed.store_unanswered,
    facts.TransactionStarted: transactions.store_starts,
    facts.TransactionEnded: transaction_ends.store_ends,
    facts.MeterSampled: metering.store_samples,
    facts.TransferStatusReported: notifications.store_transfer_statuses,
    facts.SecurityEventReported: notifications.store_security_events,
    facts.DataTransferReceived: notifications.store_data_transfers,
    facts.ConfigurationReported: configuration.store_reports,
    facts.ConfigurationValueChanged: configuration.store_changes,
    ConfigurationCompared: desired_configuration.store_comparisons,
    ReservationChanged: reservations.store_reservations,
    LocalListChanged: reservations.store_lists,
    TransactionTidied: tidying.store_tidied,
    ChargingProfilesChanged: smart_charging.store_mirrors,
    CertificateChanged: certificates.store_certificates,
    InstalledRootsReported: certificates.store_roots,
    SiteDecided: sites.store_decisions,
    SiteLoadSampled: sites.store_loads,
    ConformanceRunChanged: conformance.store_runs,
    facts.JobChanged: jobs.store_jobs,
    facts.JobMovedOn: jobs.store_moves,
    facts.MessageLogged: message_log.store_messages,
    AlertsAdvanced: alerts.store_advances,
    AlertCleared: alerts.store_cleared,
    AlertRaised: alerts.store_raised,
    AlertAcknowledged: alerts.store_acknowledged,
    facts.AuditRecorded: audit.store_entries,
}
