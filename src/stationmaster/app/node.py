"""A node: everything built and joined, started in order, stopped in order. The one file that wires.

Start: secrets, database, bus, services, then the doors (stations, people), then periodic work. Stop goes
the other way round: nobody new comes in, streams end, stations are sent away, what is under way
ends, and what waits is written before the database is let go.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from stationmaster import __version__
from stationmaster.actions.v16 import CATALOGUE, Actions16
from stationmaster.api.application import build_api, prepare
from stationmaster.api.context import ApiContext, ApiSettings, NodeView
from stationmaster.api.event_bodies import event_of
from stationmaster.api.live import EventHub
from stationmaster.app.changed_stations import ChangedStations, RevokedCertificates
from stationmaster.app.config import NodeSettings, Settings
from stationmaster.app.config_checks import listed
from stationmaster.app.config_text import told_settings
from stationmaster.app.databases import database_url, migrated, open_storage
from stationmaster.app.directory import Directory
from stationmaster.app.disconnections import Disconnections
from stationmaster.app.errors import StartError
from stationmaster.app.event_publisher import EventPublisher
from stationmaster.app.figures import Exposition, NodeFigures, NodeParts
from stationmaster.app.http_server import BACKLOG, HttpServer
from stationmaster.app.laboratory import BesideNode
from stationmaster.app.secrets import check_pepper, first_secret, pepper_of
from stationmaster.app.sections import bounds, gateway_settings, listeners, service_settings
from stationmaster.app.station_actions import ODDITY_KINDS, station_actions
from stationmaster.app.tls import TlsDoors
from stationmaster.app.watchdog import LoopWatchdog
from stationmaster.bus import Bus, Unreachable
from stationmaster.bus.memory import MemoryBus
from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE, disconnect_of
from stationmaster.gateway.contract import Surroundings
from stationmaster.gateway.server import Gateway, PortUnavailable
from stationmaster.instants import Instant
from stationmaster.jobs.claims import touch
from stationmaster.jobs.presence import BEAT_S, NodePresence
from stationmaster.jobs.runner import JobRunner, Periodic
from stationmaster.jobs.upkeep import FileUpkeep, Upkeep
from stationmaster.ocpp.v16 import V16
from stationmaster.services.bundle import Services
from stationmaster.services.context import ServiceContext
from stationmaster.services.data_transfer import installed_plugins
from stationmaster.services.load_management.service import TEND_EVERY_S
from stationmaster.services.node_health import MIB, NodeHealth
from stationmaster.services.secrets import SecretKeeper
from stationmaster.services.webhooks.deliverer import WebhookDeliverer
from stationmaster.storage import Storage, StorageError
from stationmaster.storage.numbers import node_number
from stationmaster.storage.urls import is_sqlite

__all__ = ["Node", "clock", "data_folder", "running_node"]

log = structlog.get_logger(__name__)

READY_CHECK_S: Final = 2.0
READY_REMEMBERED_S: Final = 1.0
PROTOCOL: Final = "ocpp1.6"
GONE_AFTER_S: Final = 60.0
"""A node that gave no sign of life for so long has no process beside it either."""


def clock() -> Instant:
    """The present, by the clock of this machine."""
    return time.time_ns() // 1_000


class Node:
    """A node that works. Made by `running_node`."""

    def __init__(
        self, settings: Settings, storage: Storage, bus: Bus, services: Services, doors: TlsDoors | None = None
    ) -> None:
        self.settings = settings
        self.storage = storage
        self.bus = bus
        self.services = services
        self.figures = NodeFigures()
        self.watchdog = LoopWatchdog(settings.log.watchdog_s)
        self.clustered = settings.bus.url is not None
        self.events = EventHub(
            client_limit=settings.http.event_client_limit, queue_limit=settings.http.event_queue_limit
        )
        self.publisher = EventPublisher(self.events, bus, settings.node.id, clustered=self.clustered)
        self.doors = doors
        self._listeners = listeners(settings, doors)
        self.gateway = self._gateway()
        self.webhooks = WebhookDeliverer(
            services.context, services.webhooks, settings.node.id, lambda event: event_of(event).body
        )
        self.presence = NodePresence(
            storage, settings.node.id, self.gateway.connected_stations, services.sweeper.node_lost
        )
        self.health = NodeHealth(
            storage, settings.node.id, data_folder(settings), low_disk_bytes=settings.node.low_disk_mib * MIB
        )
        self.runner = JobRunner(storage, clock, self._periodic_work())
        self.nobody_can_sign_in = False
        """There are keys, but neither users nor a provider that brings some."""
        self.first_key: str | None = None
        """The administrator's key and first password, on the very first start: to be shown once."""
        self.sources: Mapping[str, str] = {}
        """Where each setting that is not the default came from."""
        self.http_port = 0
        self._http: HttpServer | None = None
        self._stopping = False
        self._checked_at = 0.0
        self._problems: dict[str, str] = {}

    @property
    def ocpp_port(self) -> int:
        """The port on which stations connect: that without TLS, if there is one."""
        return self.gateway.ports[0]

    def port_of(self, door: str) -> int:
        """The port of the door "plain", "tls" or "certificate". Raises KeyError when there is none."""
        return dict(zip(self._listeners, self.gateway.ports, strict=True))[door]

    async def start(self, http_listener: socket.socket) -> None:
        """Open the doors. Raises StartError when the port for stations cannot be had."""
        self.storage.on_committed(self.publisher.committed)
        self.watchdog.start()
        await self.presence.begin(clock())
        app = build_api(self.api_context())
        prepare(app)
        try:
            await self.gateway.start()
        except PortUnavailable as failed:
            door, listener = list(self._listeners.items())[failed.place]
            raise port_error("stations", listener.host, listener.port, _PORT_SETTINGS[door], failed.error) from None
        self.http_port = http_listener.getsockname()[1]
        self._http = HttpServer(app, self.settings.http)
        await self._http.start(http_listener)
        self.runner.start()
        self.first_key = await first_secret(self.storage, self.services.people.organisations)
        if self.first_key is None and self.settings.oidc.issuer is None:
            self.nobody_can_sign_in = not (await self.storage.users.find(limit=1)).items

    async def stop(self) -> None:
        """Close the doors in good order."""
        self._stopping = True
        self.events.close()
        await self.runner.stop()
        await self.webhooks.close()
        http = self._http.stop() if self._http is not None else asyncio.sleep(0)
        await asyncio.gather(self.gateway.drain(self.settings.http.drain_timeout_s), http)
        await self.gateway.stop()
        self.watchdog.stop()

    async def wait_for_failure(self) -> None:
        """Return when a part has ended that should go on as long as the node."""
        if self._http is not None:
            await self._http.ended()

    async def problems(self) -> dict[str, str]:
        """What keeps the node from working. The database is asked at most once a second, whoever asks us."""
        if self._stopping:
            return {"node": "it is stopping"}
        now = asyncio.get_running_loop().time()
        if now - self._checked_at >= READY_REMEMBERED_S:
            self._checked_at = now
            self._problems = await self._check()
        return self._problems

    # Inside.

    async def _check(self) -> dict[str, str]:
        found: dict[str, str] = {}
        try:
            async with asyncio.timeout(READY_CHECK_S):
                await self.storage.write(touch, self.settings.node.id, clock())
        except TimeoutError:
            found["database"] = f"it did not answer within {READY_CHECK_S:g} s"
        except StorageError as error:
            found["database"] = str(error)
        if not self.gateway.ports:
            found["gateway"] = "it does not listen for stations"
        if not self.bus.connected:
            found["bus"] = "the broker between the nodes is away"
        return found

    def _gateway(self) -> Gateway:
        settings = self.settings
        actions = Actions16(self.services)
        directory = Directory(
            self.services,
            self.figures,
            accept_unknown=settings.ocpp.accept_unknown,
            log_messages=settings.ocpp.log_messages,
        )
        directory.take_late_answer = actions.answered_late
        return Gateway(
            tuple(self._listeners.values()),
            gateway_settings(settings),
            Surroundings(
                protocol=V16,
                clock=clock,
                directory=directory,
                handler=actions.dispatch,
                commands=actions.handle_command,
                check_password=directory.check_password,
                check_certificate=self.services.trust.check,
                look_up_certificate=self.services.revocation.look_up,
                bus=self.bus,
                node_id=settings.node.id,
                quirks_of=self.services.quirks.of,
                secret_keys=self.services.configuration_templates.secret_keys,
                node_number=node_number(settings.node.id),
            ),
        )

    def _periodic_work(self) -> list[Periodic]:
        upkeep = Upkeep(self.storage, bounds(self.settings))
        files = FileUpkeep(self.services.files, bounds(self.settings))
        work = [
            Periodic(name="job-expiry", interval_s=10, work=self.services.sweeper.sweep),
            Periodic(name="tidying", interval_s=300, work=self.services.tidying.sweep),
            Periodic(name="reservation-expiry", interval_s=2, work=self.services.reservations.expire),
            Periodic(name="local-lists", interval_s=60, work=self.services.local_lists.sweep),
            Periodic(
                name="site-plans",
                interval_s=TEND_EVERY_S,
                work=self.services.load_management.tend,
                shared=False,
                first_after_s=0,
            ),
            Periodic(name="site-releases", interval_s=10, work=self.services.load_management.sweep_releases),
            Periodic(name="site-retention", interval_s=3600, work=self.services.load_management.prune),
            Periodic(name="message-retention", interval_s=300, work=upkeep.remove_messages),
            Periodic(name="event-retention", interval_s=600, work=upkeep.remove_events),
            Periodic(name="seen-retention", interval_s=3600, work=upkeep.remove_seen),
            Periodic(name="session-retention", interval_s=3600, work=self.services.people.sessions.prune),
            Periodic(name="audit-heads", interval_s=3600, work=self.services.audit.tell_heads),
            Periodic(name="file-retention", interval_s=3600, work=files.remove_files),
            Periodic(name="firmware-campaigns", interval_s=3, work=self.services.firmware_campaigns.advance),
            Periodic(name="security-jobs", interval_s=5, work=self.services.security_jobs.advance),
            Periodic(name="persistent-commands", interval_s=5, work=self.services.persistent_commands.advance),
            Periodic(name="local-time", interval_s=60, work=self.services.local_time.advance, shared=False),
            Periodic(name="configuration-jobs", interval_s=5, work=self.services.configuration_jobs.advance),
            Periodic(name="configuration-drift", interval_s=600, work=self.services.desired_configuration.sweep),
            Periodic(name="configuration-runs", interval_s=3600, work=self.services.configuration_jobs.forget_old),
            Periodic(name="alert-retention", interval_s=3600, work=upkeep.remove_alerts),
            Periodic(name="webhooks", interval_s=1, work=self.webhooks.advance, shared=False),
            Periodic(name="alerts", interval_s=2, work=self.services.alert_evaluator.advance),
            Periodic(name="emails", interval_s=5, work=self.services.mailer.advance),
            Periodic(name="node-health", interval_s=10, work=self.health.look, shared=False, first_after_s=0),
            Periodic(name="beat", interval_s=BEAT_S, work=self.presence.beat, shared=False, first_after_s=0),
        ]
        # Soon, since the first look makes the first authorities; but a node that starts has better things to do.
        look_after = self.services.certificates.look_after
        work.append(Periodic(name="certificates", interval_s=3600, work=look_after, first_after_s=10))
        if self.doors is not None:
            work.append(Periodic(name="tls-certificates", interval_s=30, work=self.doors.refresh, shared=False))
            work.append(Periodic(name="tls-expiry", interval_s=3600, work=self._warn_of_files, first_after_s=0))
        if self.clustered:
            work.append(Periodic(name="lost-nodes", interval_s=BEAT_S, work=self.presence.bury))
            work.append(Periodic(name="lost-conformance-runs", interval_s=30, work=self._bury_runs))
        return work

    async def _warn_of_files(self, now: Instant) -> None:
        """Certificates for TLS that are given as files, and that end soon."""
        if self.doors is not None:
            for family, not_after in (await self.doors.ends()).items():
                await self.services.certificates.server_certificate_ends(family, not_after, now)

    async def _bury_runs(self, now: Instant) -> None:
        await self.services.conformance.bury(await self.presence.silent(now, GONE_AFTER_S))

    def api_context(self) -> ApiContext:
        """What the API is given."""
        http = self.settings.http
        exposition = Exposition(
            self.figures,
            NodeParts(
                storage=self.storage,
                bus=self.bus,
                events=self.events,
                watchdog=self.watchdog,
                runner=self.runner,
                connected=lambda: len(self.gateway.connected_stations()),
                events_unpublished=lambda: len(self.publisher),
            ),
        )
        return ApiContext(
            storage=self.storage,
            services=self.services,
            events=self.events,
            clock=clock,
            settings=ApiSettings(
                body_limit_bytes=http.body_limit_bytes,
                body_timeout_s=http.body_timeout_s,
                event_heartbeat_s=http.event_heartbeat_s,
                open_metrics=http.open_metrics,
                map_tile_url=self.settings.map.tile_url,
                map_attribution=self.settings.map.attribution,
            ),
            node=NodeView(
                version=__version__,
                id=self.settings.node.id,
                ocpp_url=self.ocpp_url,
                station_urls=self.station_urls,
                settings=partial(told_settings, self.settings, self.sources),
                problems=self.problems,
                metrics=exposition.page,
            ),
            actions=station_actions(),
            oddity_kinds=ODDITY_KINDS,
        )

    def station_urls(self, host: str) -> dict[str, str | None]:
        """The same for a station without TLS (`ws`) and one with it (`wss`), as far as there is a way in."""
        doors = {"ws": "plain", "wss": "tls"}
        shown = f"[{host}]" if ":" in host else host
        return {
            scheme: f"{scheme}://{shown}:{self.port_of(door)}{self.settings.ocpp.path}"
            if door in self._listeners
            else None
            for scheme, door in doors.items()
        }

    def ocpp_url(self, host: str) -> str:
        """What is typed into a station that reaches this node as `host`, but for its identity."""
        scheme = "ws" if self.settings.ocpp.plain else "wss"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.ocpp_port}{self.settings.ocpp.path}"


@asynccontextmanager
async def running_node(settings: Settings, sources: Mapping[str, str] | None = None) -> AsyncIterator[Node]:
    """A node that works while the context is open. `sources` tell where settings came from, to show it.

    Raises StartError with one line.
    """
    _check_cluster(settings)
    data = data_folder(settings)
    async with AsyncExitStack() as stack:
        # Bound first: whoever starts a second node by mistake is told before it touches the database.
        listener = _bound(settings)
        stack.callback(listener.close)
        url = database_url(settings)
        if settings.database.migrate:
            await migrated(url)
        secrets = SecretKeeper(pepper_of(settings.security, data))
        storage = await open_storage(url, settings.node.id, clock)
        stack.push_async_callback(storage.close)
        await check_pepper(storage, secrets, settings.security)
        await _check_organisation(settings, storage)
        bus = await _bus(settings)
        stack.push_async_callback(bus.close)
        context = ServiceContext(storage, bus, clock, service_settings(settings), secrets)
        laboratory = BesideNode(listed(settings.conformance.targets))
        services = Services(
            context,
            {PROTOCOL: CATALOGUE},
            installed_plugins(),
            laboratory=laboratory,
            node_id=settings.node.id,
        )
        await stack.enter_async_context(services.running())
        doors = None
        if settings.tls.port is not None or settings.tls.certificate_port is not None:
            doors = TlsDoors(settings.tls, services.trust, services.server_certificates.current)
            await doors.prepare()
        elif not settings.ocpp.plain:
            raise StartError("stations have no way in: set tls.port, or ocpp.plain to true")
        node = Node(settings, storage, bus, services, doors)
        await stack.enter_async_context(node.publisher.running())
        await stack.enter_async_context(_ftp_server(settings, services))
        changed = ChangedStations(storage, node.gateway)
        RevokedCertificates(services.trust, node.gateway)
        await stack.enter_async_context(bus.subscribe(INVALIDATE, changed.hear))
        disconnections = Disconnections(node.gateway)
        await stack.enter_async_context(bus.serve(disconnect_of(settings.node.id), disconnections.answer))
        stack.push_async_callback(node.stop)
        node.sources = sources or {}
        await node.start(listener)
        yield node


@asynccontextmanager
async def _ftp_server(settings: Settings, services: Services) -> AsyncIterator[None]:
    """The FTP server, if there is to be one. Raises StartError."""
    if settings.ftp.port is None:
        yield
        return
    try:
        from stationmaster.app.ftp_server import FtpServer  # noqa: PLC0415 - the extra [ftp] may be missing
    except ModuleNotFoundError:
        raise StartError("ftp.port needs the extra [ftp]: pip install 'stationmaster[ftp]'") from None
    host = settings.ftp.host or settings.node.host
    server = FtpServer(services.files, settings.ftp, host)
    try:
        await server.start()
    except OSError as error:
        raise port_error("FTP", host, settings.ftp.port, "ftp.port", error) from None
    try:
        yield
    finally:
        await server.stop()


async def _check_organisation(settings: Settings, storage: Storage) -> None:
    """Whoever comes in through the OpenID provider must belong somewhere."""
    wanted = settings.oidc.organisation
    if settings.oidc.issuer is not None and await storage.organisations.get(wanted) is None:
        raise StartError(f"oidc.organisation: there is no organisation {wanted}")


def data_folder(settings: Settings) -> Path:
    """The folder for everything that a node keeps, made if it is missing. Raises StartError."""
    data = settings.node.data
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)  # secrets and people's data: nobody else's to read
    except OSError as error:
        raise StartError(f"cannot make the data folder {data}: {error.strerror}") from None
    return data


def _check_cluster(settings: Settings) -> None:
    """Many nodes need a database that they share, names that differ, and a pepper that does not."""
    if settings.bus.url is None:
        return
    if is_sqlite(database_url(settings)):
        raise StartError("bus.url is for many nodes, and they need one PostgreSQL database: set database.url")
    if settings.node.id == NodeSettings().id:
        raise StartError("bus.url is for many nodes, and each needs a name of its own: set node.id")
    if settings.security.pepper is None:
        raise StartError(
            "bus.url is for many nodes, and they hash with one key: set security.pepper to the same on all"
        )


async def _bus(settings: Settings) -> Bus:
    if settings.bus.url is None:
        return MemoryBus()
    try:
        from stationmaster.bus.nats import NatsBus  # noqa: PLC0415 - the extra [cluster] may be missing
    except ModuleNotFoundError:
        raise StartError("bus.url needs the extra [cluster]: pip install 'stationmaster[cluster]'") from None
    buses: list[NatsBus] = []

    def reconnected() -> None:
        # Messages about changes may have been missed meanwhile.
        for bus in buses:
            bus.tell_here(INVALIDATE, encode(Invalidate(kind="everything", key="")))

    try:
        bus = await NatsBus.connect(settings.bus.url.get_secret_value(), clock=clock, reconnected=reconnected)
    except Unreachable as error:
        raise StartError(str(error)) from None
    buses.append(bus)
    return bus


def _bound(settings: Settings) -> socket.socket:
    """The socket for people and programs."""
    host = settings.http.host or settings.node.host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, settings.http.port))
        listener.listen(BACKLOG)
    except OSError as error:
        with suppress(OSError):
            listener.close()
        raise port_error("the API", host, settings.http.port, "--http-port", error) from None
    listener.set_inheritable(False)
    return listener


_PORT_SETTINGS: Final = {"plain": "--ocpp-port", "tls": "tls.port", "certificate": "tls.certificate_port"}


def port_error(who: str, host: str, port: int, hint: str, error: OSError) -> StartError:
    """One line about a port that cannot be had; `hint` is the flag or the setting that names it."""
    # asyncio wraps the system's words into its own; those of an address that cannot be looked up are no errno.
    words = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
    return StartError(f"cannot listen for {who} on {host} port {port}: {words} (choose another with {hint})")
