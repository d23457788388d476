"""All services of a node, built once, and the one place that hears what changed elsewhere."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec
import structlog

from stationmaster.bus.messages_v1 import Invalidate, decode
from stationmaster.bus.subjects import ALL_SITES, INVALIDATE
from stationmaster.domain.stations import Station
from stationmaster.services.abuse import ForeignIds, GuessGuard
from stationmaster.services.alerts import RULES, AlertDesk, AlertEvaluator, AlertRules
from stationmaster.services.api_keys import ApiKeys
from stationmaster.services.arrivals import Arrivals
from stationmaster.services.audit import Audit
from stationmaster.services.authorities import CERTIFICATES, Authorities
from stationmaster.services.authorization import Authorizer
from stationmaster.services.availability import Availability
from stationmaster.services.certificates import CertificateAuthority, StationCertificates
from stationmaster.services.commands import Catalogue, Commands
from stationmaster.services.configuration_changes import ConfigurationChanges
from stationmaster.services.configuration_jobs import ConfigurationJobs
from stationmaster.services.configuration_templates import TEMPLATES, ConfigurationTemplates
from stationmaster.services.configuration_words import ConfigurationWords
from stationmaster.services.conformance import CONFORMANCE, ConformanceRuns, Laboratory
from stationmaster.services.context import ServiceContext
from stationmaster.services.data_transfer import DataTransfers, VendorPlugin
from stationmaster.services.desired_configuration import FOLLOWED, DesiredConfiguration
from stationmaster.services.disconnections import Disconnections
from stationmaster.services.emails.mailer import Mailer
from stationmaster.services.emails.recipients import Recipients
from stationmaster.services.files import FileService
from stationmaster.services.firmware_campaigns import FirmwareCampaigns
from stationmaster.services.firmware_library import FirmwareLibrary
from stationmaster.services.identity_contests import IdentityContests
from stationmaster.services.load_management import LoadManagement
from stationmaster.services.local_lists import LocalLists
from stationmaster.services.local_time import LocalTimeProfiles
from stationmaster.services.metering import Metering
from stationmaster.services.outbound import Outbound
from stationmaster.services.people import People
from stationmaster.services.persistent_commands import PersistentCommands
from stationmaster.services.presence import Presence
from stationmaster.services.provisioning import Provisioning
from stationmaster.services.quirks import QUIRKS, QuirkProfiles
from stationmaster.services.reservations import RESERVATIONS, Reservations
from stationmaster.services.revocation import Revocation
from stationmaster.services.roots import Roots
from stationmaster.services.security import Security
from stationmaster.services.security_jobs import SecurityJobs
from stationmaster.services.server_certificates import ServerCertificates
from stationmaster.services.sites import SITES, Sites
from stationmaster.services.smart_charging import MIRRORS, ProfileWords, SmartCharging
from stationmaster.services.stations import Stations
from stationmaster.services.sweeping import JobSweeper
from stationmaster.services.tidying import Tidying
from stationmaster.services.tokens import Tokens
from stationmaster.services.transactions import Transactions
from stationmaster.services.transfer_requests import TransferRequests
from stationmaster.services.transfers import Transfers
from stationmaster.services.trust import Trust
from stationmaster.services.waiting import JOBS, WaitingJobs
from stationmaster.services.webhooks.keeping import Webhooks

__all__ = ["Services", "Words"]

log = structlog.get_logger(__name__)


class Words(Catalogue, ProfileWords, ConfigurationWords, Protocol):
    """All that a protocol version tells the services about its commands."""


class Services:
    """Every service by its name. `catalogues` are the protocols stations can be commanded in, the usual one first."""

    def __init__(
        self,
        context: ServiceContext,
        catalogues: Mapping[str, Words],
        plugins: Iterable[VendorPlugin] = (),
        certificates: CertificateAuthority | None = None,
        laboratory: Laboratory | None = None,
        node_id: str = "node",
    ) -> None:
        self.context = context
        self.trust = Trust(context.storage, context.settings.certificates, context.clock)
        self.authorities = Authorities(context, self.trust)
        self.server_certificates = ServerCertificates(context, self.authorities)
        self.outbound = Outbound(context.settings.private_hosts)
        self.revocation = Revocation(context, self.trust, self.authorities, self.outbound)
        self.certificates = StationCertificates(context, self.authorities, self.trust, self.revocation)
        self.signing: CertificateAuthority = certificates or self.certificates
        self.presence = Presence()
        self.waiting = WaitingJobs(context)
        self.authorizer = Authorizer(context)
        self.guesses = GuessGuard(context)
        self.quirks = QuirkProfiles(context)
        self.provisioning = Provisioning(context, self.quirks)
        self.availability = Availability(context)
        self.metering = Metering(context, ForeignIds(context))
        self.transactions = Transactions(context, self.authorizer, self.metering, self.waiting)
        self.transfers = Transfers(context, self.waiting)
        self.security = Security(context)
        self.data_transfers = DataTransfers(context, plugins)
        self.configuration_templates = ConfigurationTemplates(context, catalogues)
        self.commands = Commands(context, self.waiting, catalogues, self.configuration_templates.secret_keys)
        self.persistent_commands = PersistentCommands(context, self.commands)
        self.desired_configuration = DesiredConfiguration(context, catalogues, self.configuration_templates)
        self.configuration_jobs = ConfigurationJobs(
            context,
            self.desired_configuration,
            ConfigurationChanges(context, self.commands, self.configuration_templates, self.desired_configuration),
        )
        self.roots = Roots(context, self.commands, self.authorities)
        self.security_jobs = SecurityJobs(context, self.commands, self.security)
        self.smart_charging = SmartCharging(context, self.commands, catalogues)
        self.local_time = LocalTimeProfiles(context, self.smart_charging)
        # What somebody asked for goes first: it may clear or replace what would be sent anew.
        self.arrivals = Arrivals(context, (self.persistent_commands, self.configuration_jobs, self.local_time))
        self.sites = Sites(context)
        self.load_management = LoadManagement(context, self.sites, self.smart_charging)
        self.files = FileService(context)
        self.firmware = FirmwareLibrary(context, self.files)
        self.transfer_requests = TransferRequests(context, self.commands, self.files, self.firmware)
        self.firmware_campaigns = FirmwareCampaigns(context, self.firmware, self.transfer_requests)
        self.reservations = Reservations(context, self.commands)
        self.local_lists = LocalLists(context, self.commands)
        self.tidying = Tidying(context, self.smart_charging, self.reservations)
        self.sweeper = JobSweeper(context, self.waiting)
        self.stations = Stations(context, self.quirks)
        self.disconnections = Disconnections(context)
        self.identity_contests = IdentityContests(context, self.disconnections)
        self.tokens = Tokens(context, self.authorizer)
        self.api_keys = ApiKeys(context)
        self.audit = Audit(context)
        self.conformance = ConformanceRuns(context, laboratory, node_id)
        self._add_what_is_told(context)
        self.people = People(context, self.api_keys, self.audit)
        self._changes = self._what_changes()

    def _add_what_is_told(self, context: ServiceContext) -> None:
        self.alert_rules = AlertRules(context)
        self.alerts = AlertDesk(context)
        self.alert_evaluator = AlertEvaluator(context, self.alert_rules)
        self.alert_recipients = Recipients(context)
        self.mailer = Mailer(context)
        self.webhooks = Webhooks(context, self.outbound)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Services"]:
        """Hear what changes while the context is open; ends by letting jobs under way record their end."""
        bus = self.context.bus
        async with bus.subscribe(INVALIDATE, self._hear), bus.subscribe(ALL_SITES, self.load_management.hear):
            await self.waiting.load()
            await self.quirks.load()
            await self.alert_rules.load()
            await self.alert_evaluator.begin(self.context.clock())
            await self.reservations.load()
            await self.trust.load()
            await self.security_jobs.load()
            await self.conformance.load()
            await self.load_management.load()
            await self.configuration_templates.load()
            await self.desired_configuration.load()
            await self.configuration_jobs.load()
            await self.persistent_commands.load()
            self.context.storage.on_committed(self.desired_configuration.heard)
            try:
                yield self
            finally:
                await self.arrivals.close()
                await self.configuration_jobs.close()
                await self.desired_configuration.close()
                await self.load_management.close()
                await self.conformance.close()
                await self.security_jobs.close()
                await self.commands.close()
                self.people.close()

    async def _hear(self, _subject: str, message: bytes) -> None:
        try:
            told = decode(message, Invalidate)
        except msgspec.MsgspecError:
            log.warning("services.unreadable_invalidation")
            return
        if told.kind == "everything":
            await self._learn_everything()
        elif told.kind in self._changes:
            await self._changes[told.kind](told)

    async def _learn_everything(self) -> None:
        """Messages may have been missed."""
        self.authorizer.forget_everything()
        self.smart_charging.forget_everything()
        self.presence.forget_everything(self.context.clock())
        await self.quirks.load()
        await self.alert_rules.load()
        await self.reservations.load()
        await self.trust.load()
        await self.waiting.load()
        await self.load_management.load()
        await self.configuration_templates.load()
        await self.desired_configuration.load()

    def _what_changes(self) -> Mapping[str, Callable[[Invalidate], Awaitable[None]]]:
        """What is done about each kind of change that another node, or this one, tells."""

        async def token(told: Invalidate) -> None:
            self.authorizer.forget(told.organisation_id, told.key)

        async def station(told: Invalidate) -> None:
            await self._station_changed(told.key)
            await self.load_management.station_changed(told.key)

        async def mirror(told: Invalidate) -> None:
            self.smart_charging.forget(told.key)

        async def job(told: Invalidate) -> None:
            self.waiting.expect(told.key)

        return {
            "token": token,
            "station": station,
            SITES: lambda told: self.load_management.site_changed(told.organisation_id, told.key),
            CERTIFICATES: lambda _told: self.trust.load(),
            CONFORMANCE: lambda told: self.conformance.heard(told.key),
            QUIRKS: lambda _told: self.quirks.load(),
            RULES: lambda _told: self.alert_rules.load(),
            RESERVATIONS: lambda told: self.reservations.reload(told.key),
            MIRRORS: mirror,
            TEMPLATES: lambda _told: self.configuration_templates.load(),
            FOLLOWED: lambda told: self.desired_configuration.told(told.key),
            JOBS: job,
        }

    async def _station_changed(self, station_id: str) -> None:
        """Something about a station was changed by an operator; what is said of it from now on is of its new site."""
        present = self.presence.forget(station_id, self.context.clock())
        if present is not None:
            record: Station | None = await self.context.storage.stations.get(station_id)
            present.site_id = present.site_id if record is None else record.site_id
