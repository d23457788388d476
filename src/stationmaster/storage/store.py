"""The storage: what is remembered, behind one door.

`record` makes facts durable before it returns; `note` lets them ride with a later commit;
everything else reads, or changes what operators keep. One SQL implementation serves SQLite
and PostgreSQL; the driver given at construction is the only difference.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant
from stationmaster.storage.batch import Call
from stationmaster.storage.committed import Committed
from stationmaster.storage.driver import Driver
from stationmaster.storage.errors import StorageError
from stationmaster.storage.feeds import FeedQueries
from stationmaster.storage.numbers import RowIds, node_number
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.access import ApiKeyQueries, OrganisationQueries
from stationmaster.storage.queries.alerts import AlertQueries, AlertRuleQueries
from stationmaster.storage.queries.audit import AuditQueries
from stationmaster.storage.queries.certificates import AuthorityQueries, CertificateQueries, SecurityJobQueries
from stationmaster.storage.queries.conformance import ConformanceQueries
from stationmaster.storage.queries.desired_configuration import DesiredConfigurationQueries
from stationmaster.storage.queries.emails import EmailQueries, RecipientQueries
from stationmaster.storage.queries.files import FilePassQueries, FileQueries
from stationmaster.storage.queries.firmware import CampaignQueries, FirmwareQueries
from stationmaster.storage.queries.local_time import LocalTimeQueries
from stationmaster.storage.queries.log import EventQueries, MessageQueries
from stationmaster.storage.queries.overview import OverviewQueries
from stationmaster.storage.queries.persistent_jobs import ConfigurationJobQueries, PersistentCommandQueries
from stationmaster.storage.queries.quirks import QuirkProfileQueries
from stationmaster.storage.queries.reports import (
    ConfigurationQueries,
    DataTransfer,
    JobQueries,
    ListQueries,
    OddityQueries,
    SecurityEvent,
    TransferStatus,
)
from stationmaster.storage.queries.reservations import LocalListQueries, ReservationQueries
from stationmaster.storage.queries.site_plans import SitePlanQueries
from stationmaster.storage.queries.sites import SiteQueries
from stationmaster.storage.queries.smart_charging import ChargingProfileQueries
from stationmaster.storage.queries.stations import AttemptQueries, ConnectorQueries, StationQueries
from stationmaster.storage.queries.tidying import TidyingQueries
from stationmaster.storage.queries.tokens import TokenQueries, UnknownTokenQueries
from stationmaster.storage.queries.transactions import TransactionQueries
from stationmaster.storage.queries.users import SessionQueries, UserQueries
from stationmaster.storage.queries.webhooks import WebhookQueries
from stationmaster.storage.retention import Retention
from stationmaster.storage.statements import Statement, insert_into
from stationmaster.storage.tables import counter
from stationmaster.storage.trails import EVENTS, MESSAGES, SETTLED_US, STRIDE
from stationmaster.storage.transaction_numbers import TransactionNumbers
from stationmaster.storage.writer import Writer, WriterFigures

__all__ = ["Storage"]

_LOG = structlog.get_logger(__name__)

_EXTEND_TRAILS_S: Final = 1.0
_EXTEND_SHORT_TRAILS_EVERY: Final = 60
_PROBE: Final = insert_into(counter, keys=("name",))

T = TypeVar("T")


class Storage:
    """What we remember."""

    def __init__(self, driver: Driver, node_id: str, clock: Callable[[], Instant]) -> None:
        """`node_id` must differ between nodes that share a database; `clock` tells the present."""
        self.clock, self.node_id = clock, node_id
        self.row_ids = RowIds(node_number(node_id))
        self._driver = driver
        self._callbacks: list[Callable[[Sequence[Committed]], None]] = []
        self._writer = Writer(driver, self.row_ids, clock, self._tell)
        self.note = self._writer.note
        """Have a fact stored with some later commit; it is lost if the node dies before."""
        self._numbers = TransactionNumbers(self)
        self._trails: asyncio.Task[None] | None = None
        self.retention = Retention(self, settled_us=SETTLED_US if driver.shared else 0)
        self.organisations = OrganisationQueries(self)
        self.stations = StationQueries(self)
        self.connectors = ConnectorQueries(self)
        self.attempts = AttemptQueries(self)
        self.tokens = TokenQueries(self)
        self.unknown_tokens = UnknownTokenQueries(self)
        self.transactions = TransactionQueries(self)
        self.tidying = TidyingQueries(self)
        self.overview = OverviewQueries(self)
        self.reservations = ReservationQueries(self)
        self.local_lists = LocalListQueries(self)
        self.jobs = JobQueries(self)
        self.configuration = ConfigurationQueries(self)
        self.desired_configuration = DesiredConfigurationQueries(self)
        self.configuration_jobs = ConfigurationJobQueries(self)
        self.persistent_commands = PersistentCommandQueries(self)
        self.oddities = OddityQueries(self)
        self.quirk_profiles = QuirkProfileQueries(self)
        self.charging_profiles, self.local_time = ChargingProfileQueries(self), LocalTimeQueries(self)
        self.sites = SiteQueries(self)
        self.site_plans = SitePlanQueries(self)
        self.transfer_statuses: ListQueries[TransferStatus] = ListQueries(self, TransferStatus)
        self.security_events: ListQueries[SecurityEvent] = ListQueries(self, SecurityEvent)
        self.data_transfers: ListQueries[DataTransfer] = ListQueries(self, DataTransfer)
        self.messages = MessageQueries(self)
        self.events = EventQueries(self)
        self._add_what_is_told(driver)
        self.api_keys = ApiKeyQueries(self)
        self.users = UserQueries(self)
        self.sessions = SessionQueries(self)
        self.audit = AuditQueries(self)
        self.files = FileQueries(self)
        self.file_passes = FilePassQueries(self)
        self.firmware = FirmwareQueries(self)
        self.firmware_campaigns = CampaignQueries(self)
        self.conformance_runs = ConformanceQueries(self)
        self.authorities = AuthorityQueries(self)
        self.certificates = CertificateQueries(self)
        self.security_jobs = SecurityJobQueries(self)

    def _add_what_is_told(self, driver: Driver) -> None:
        self.feeds = FeedQueries(self, settled_us=SETTLED_US if driver.shared else 0)
        self.alerts = AlertQueries(self)
        self.alert_rules = AlertRuleQueries(self)
        self.alert_recipients = RecipientQueries(self)
        self.emails = EmailQueries(self)
        self.webhooks = WebhookQueries(self)

    async def open(self) -> None:
        """Connect and begin to write; raises `SchemaMismatch` or `Unavailable`."""
        await self._driver.open()
        self._writer.start()
        self._trails = asyncio.create_task(self._extend_trails(), name="storage-trails")

    async def close(self) -> None:
        """Write what waits, notes included, and let go of the database."""
        if self._trails is not None:
            self._trails.cancel()
            with suppress(asyncio.CancelledError):
                await self._trails
        await self._writer.close()
        await self._driver.close()

    async def record(self, facts: Sequence[Fact], *, unheard: Callable[[list[Any]], None] | None = None) -> list[Any]:
        """Make facts durable; returns one outcome per fact (None where there is nothing to say).

        All of them are stored, or none. Raises `Unavailable` when the database cannot be
        written to, `Refused` or `Conflict` when it does not take these facts. Whoever is cancelled while it waits
        does not stop them from being stored: `unheard` is given the outcomes then.
        """
        if not facts:
            return []
        outcomes: list[Any] = await self._writer.submit(Call(facts, unheard=unheard))
        return outcomes

    async def write(self, program: Callable[..., Program[T]], *arguments: Any) -> T:
        """Run `program(*arguments)` in the database transaction of the next batch; its return value when durable.

        The program is called anew if the batch must be tried again. Raises what `record` raises,
        and the `StorageError`s that the program itself raises.
        """
        outcome: T = await self._writer.submit(Call(make=lambda: program(*arguments)))
        return outcome

    async def read(self, statement: Statement, rows: Sequence[Sequence[Any]] = ()) -> list[Sequence[Any]]:
        """The rows of a query, as of the latest commit; raises `Unavailable`."""
        return await self._driver.read(statement, rows)

    async def draw_transaction_id(self) -> int:
        """A fresh number for `TransactionStarted.id` or `TransactionEnded.orphan_id`; never given twice.

        It is ours: the station is told `TransactionStored.ocpp_id`, which differs. Waits for
        the database only when a block of numbers is used up.
        """
        return await self._numbers.draw()

    def on_committed(self, callback: Callable[[Sequence[Committed]], None]) -> None:
        """Call `callback` after each commit with the facts in it that have an event type, in order."""
        self._callbacks.append(callback)

    async def check(self) -> None:
        """Raise `Unavailable` unless the database takes a write now."""
        await self.write(execute, _PROBE, [("checked_at", self.clock())])

    @property
    def figures(self) -> WriterFigures:
        """What the writer has done so far."""
        return self._writer.figures

    def _tell(self, committed: Sequence[Committed]) -> None:
        for callback in self._callbacks:
            try:
                callback(committed)
            except Exception:  # noqa: BLE001 -- what is durable stays so, whatever a listener does with it
                _LOG.exception("a listener to commits failed")

    async def _extend_trails(self) -> None:
        """Enter rows in the trails once enough of them wait, and every minute whatever waits.

        How many wait is known by what was written: to count them in the database is as dear as to enter them.
        """
        figures, turn = self.figures, 0
        entered = {MESSAGES: 0, EVENTS: 0}
        while True:
            await asyncio.sleep(_EXTEND_TRAILS_S)
            turn += 1
            with suppress(StorageError):
                if turn % _EXTEND_SHORT_TRAILS_EVERY == 0:
                    entered = {MESSAGES: figures.messages, EVENTS: figures.events}
                    await self.retention.extend_trails()
                for trail, written in ((MESSAGES, figures.messages), (EVENTS, figures.events)):
                    while written - entered[trail] >= STRIDE and (rows := await self.retention.extend_trail(trail)):
                        entered[trail] += rows
