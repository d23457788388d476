"""The firmware library and its campaigns: read, made, moved on."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.files import StoredFile
from stationmaster.domain.firmware import Campaign, CampaignState, Firmware, StationUpdate, Tally, UpdateState
from stationmaster.instants import Instant
from stationmaster.storage.errors import Conflict, NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Execute, Program, execute
from stationmaster.storage.queries.base import Access, NounReader, contains, one_page, only
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import file, file_pass, firmware, firmware_campaign, firmware_update

__all__ = ["CampaignQueries", "FirmwareQueries"]

_FIRMWARE = NounReader(Firmware)
_SELECT_FIRMWARE = sa.select(*_FIRMWARE.columns(firmware))
_CAMPAIGNS = NounReader(Campaign)
_SELECT_CAMPAIGNS = sa.select(*_CAMPAIGNS.columns(firmware_campaign))
_UPDATES = NounReader(StationUpdate)
_SELECT_UPDATES = sa.select(*_UPDATES.columns(firmware_update))
_INSERT_UPDATES = insert_into(firmware_update, _UPDATES.fields)
_f = firmware.c
_c = firmware_campaign.c
_u = firmware_update.c

OPEN = (CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED)


class FirmwareQueries:
    """The library."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, firmware_id: str) -> Firmware | None:
        """One image."""
        rows = await self._access.read(_SELECT_FIRMWARE.where(_f.id == firmware_id))
        return _FIRMWARE.one(rows[0]) if rows else None

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        vendor: str | None = None,
        model: str | None = None,
        version: str | None = None,
        search: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Firmware]:
        """Images, the newest first; `search` looks into name and version."""
        where = only({_f.organisation_id: organisation_id, _f.version: version})
        where += [
            sa.func.lower(column) == value.lower()
            for column, value in ((_f.vendor, vendor), (_f.model, model))
            if value
        ]
        if search:
            where.append(sa.or_(contains(_f.name, search), contains(_f.version, search)))
        if cursor is not None:
            created_at, firmware_id = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(_f.created_at < created_at, sa.and_(_f.created_at == created_at, _f.id < firmware_id)))
        statement = _SELECT_FIRMWARE.where(*where).order_by(_f.created_at.desc(), _f.id.desc())
        rows = await self._access.read(statement.limit(bounded(limit) + 1))
        return one_page(rows, _FIRMWARE, limit, lambda found: (found.created_at, found.id))

    async def create(self, made: Firmware, stored: StoredFile) -> None:
        """Enter an image and its file."""
        await self._access.write(_create_firmware, made, stored)

    async def update(self, firmware_id: str, changes: Mapping[str, Any]) -> None:
        """Change fields of an image; raises `NotFound`."""
        values = {**changes, "updated_at": self._access.clock()}
        done = await self._access.write(execute, sa.update(firmware).where(_f.id == firmware_id).values(values))
        if not done.rowcount:
            raise NotFound(f"no firmware {firmware_id}")

    async def delete(self, found: Firmware) -> None:
        """Forget an image, its file and the passes to it; raises `Conflict` while a campaign spreads it."""
        await self._access.write(_delete_firmware, found)


class CampaignQueries:
    """Campaigns and their stations."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, campaign_id: str) -> Campaign | None:
        """One campaign."""
        rows = await self._access.read(_SELECT_CAMPAIGNS.where(_c.id == campaign_id))
        return _CAMPAIGNS.one(rows[0]) if rows else None

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        state: str | Sequence[str] | None = None,
        firmware_id: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Campaign]:
        """Campaigns, the newest first."""
        where = only({_c.organisation_id: organisation_id, _c.state: state, _c.firmware_id: firmware_id})
        if cursor is not None:
            created_at, campaign_id = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(_c.created_at < created_at, sa.and_(_c.created_at == created_at, _c.id < campaign_id)))
        statement = _SELECT_CAMPAIGNS.where(*where).order_by(_c.created_at.desc(), _c.id.desc())
        rows = await self._access.read(statement.limit(bounded(limit) + 1))
        return one_page(rows, _CAMPAIGNS, limit, lambda found: (found.created_at, found.id))

    async def to_advance(self, ended_since: Instant, doubtful: Sequence[str]) -> list[Campaign]:
        """Campaigns that may move on: those not over, and those over in which an update may still end well.

        Such an update is under way, or was given up for one of the reasons `doubtful`.
        """
        given_up = sa.and_(_u.state == UpdateState.FAILED, _u.detail.in_(doubtful))
        open_end = sa.exists().where(_u.campaign_id == _c.id, sa.or_(_u.state == UpdateState.UPDATING, given_up))
        late = sa.and_(_c.finished_at >= ended_since, open_end)
        where = sa.or_(_c.state.in_(OPEN), late)
        return _CAMPAIGNS.many(await self._access.read(_SELECT_CAMPAIGNS.where(where).order_by(_c.created_at, _c.id)))

    async def create(self, made: Campaign, updates: Sequence[StationUpdate]) -> None:
        """Enter a campaign with its stations."""
        await self._access.write(_create_campaign, made, updates)

    async def move(self, campaign_id: str, states: Sequence[str], changes: Mapping[str, Any]) -> bool:
        """Change a campaign if it is in one of `states`; tells whether it was."""
        where = (_c.id == campaign_id, _c.state.in_(states))
        done = await self._access.write(execute, sa.update(firmware_campaign).where(*where).values(**changes))
        return bool(done.rowcount)

    async def updates(
        self,
        campaign_id: str,
        *,
        state: str | Sequence[str] | None = None,
        site_ids: Sequence[str] | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[StationUpdate]:
        """The stations of a campaign in their order."""
        where = only({_u.campaign_id: campaign_id, _u.state: state, _u.site_id: site_ids})
        if cursor is not None:
            where.append(_u.position > read_cursor(cursor, int))
        statement = _SELECT_UPDATES.where(*where).order_by(_u.position).limit(bounded(limit) + 1)
        return one_page(await self._access.read(statement), _UPDATES, limit, lambda found: found.position)

    async def all_updates(self, campaign_id: str, state: str) -> list[StationUpdate]:
        """All stations of a campaign in a state, in their order."""
        where = (_u.campaign_id == campaign_id, _u.state == state)
        return _UPDATES.many(await self._access.read(_SELECT_UPDATES.where(*where).order_by(_u.position)))

    async def given_up(self, campaign_id: str, details: Sequence[str], since: Instant) -> list[StationUpdate]:
        """Stations whose part we gave up for one of these reasons since a time."""
        where = (_u.campaign_id == campaign_id, _u.state == UpdateState.FAILED, _u.detail.in_(details))
        return _UPDATES.many(await self._access.read(_SELECT_UPDATES.where(*where, _u.finished_at >= since)))

    async def tally(self, campaign_id: str) -> Tally:
        """How many stations are in which state."""
        statement = sa.select(_u.state, sa.func.count()).where(_u.campaign_id == campaign_id).group_by(_u.state)
        return Tally(**{str(state): int(count) for state, count in await self._access.read(statement)})

    async def move_update(self, update: StationUpdate, state: str, changes: Mapping[str, Any]) -> bool:
        """Change a station's part if it is in `state` still; tells whether it was. This is the claim of a node."""
        where = (_u.campaign_id == update.campaign_id, _u.position == update.position, _u.state == state)
        done = await self._access.write(execute, sa.update(firmware_update).where(*where).values(**changes))
        return bool(done.rowcount)

    async def cancel_pending(self, campaign_id: str, at: Instant) -> None:
        """Nothing more of this campaign is to begin."""
        where = (_u.campaign_id == campaign_id, _u.state == UpdateState.PENDING)
        changes = {"state": UpdateState.CANCELLED.value, "finished_at": at}
        await self._access.write(execute, sa.update(firmware_update).where(*where).values(**changes))


def _create_firmware(made: Firmware, stored: StoredFile) -> Program[None]:
    yield from execute(sa.insert(file).values(msgspec.structs.asdict(stored)))
    yield from execute(sa.insert(firmware).values(msgspec.structs.asdict(made)))


def _delete_firmware(found: Firmware) -> Program[None]:
    spread = yield from execute(sa.select(_c.id).where(_c.firmware_id == found.id, _c.state.in_(OPEN)).limit(1))
    if spread.rows:
        raise Conflict(f"a campaign spreads firmware {found.id}")
    yield from execute(sa.delete(file_pass).where(file_pass.c.file_id == found.file_id))
    yield from execute(sa.delete(firmware).where(_f.id == found.id))
    yield from execute(sa.delete(file).where(file.c.id == found.file_id))


def _create_campaign(made: Campaign, updates: Sequence[StationUpdate]) -> Program[None]:
    yield from execute(sa.insert(firmware_campaign).values(msgspec.structs.asdict(made)))
    yield Execute(_INSERT_UPDATES, [tuple(getattr(update, name) for name in _UPDATES.fields) for update in updates])
