"""Reading and keeping desired configuration: templates, followed stations, their keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.desired_configuration import ConfigurationTemplate, FollowedStation, FollowMode, KeyRecord
from stationmaster.storage.errors import NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Execute, Program, execute
from stationmaster.storage.queries.base import Access, NounReader, contains, one_page, only
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import (
    configuration_template,
    desired_key,
    followed_station,
    secret_key,
    station,
    variable,
)

__all__ = ["DesiredConfigurationQueries"]

_TEMPLATES = NounReader(ConfigurationTemplate)
_STATIONS = NounReader(FollowedStation)
_KEYS = NounReader(KeyRecord)
_t, _f, _d, _s = configuration_template.c, followed_station.c, desired_key.c, secret_key.c
_SELECT_TEMPLATES = sa.select(*_TEMPLATES.columns(configuration_template))
_SELECT_STATIONS = sa.select(*_STATIONS.columns(followed_station))
_SELECT_KEYS = sa.select(*_KEYS.columns(desired_key))
_FOLLOW = insert_into(
    followed_station,
    ("station_id", "organisation_id", "mode", "template_ids", "failures", "not_before", "updated_at"),
    keys=("station_id",),
)
_HIDE = insert_into(secret_key, ("organisation_id", "key_name"), ignore=True)


class DesiredConfigurationQueries:
    """What is desired of stations, and how they stand to it."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    # Templates.

    async def templates(self) -> list[ConfigurationTemplate]:
        """All templates of all organisations."""
        return _TEMPLATES.many(await self._access.read(_SELECT_TEMPLATES.order_by(_t.created_at, _t.id)))

    async def template(self, template_id: str) -> ConfigurationTemplate | None:
        """One template."""
        rows = await self._access.read(_SELECT_TEMPLATES.where(_t.id == template_id))
        return _TEMPLATES.one(rows[0]) if rows else None

    async def find_templates(
        self,
        organisation_id: str | None = None,
        *,
        search: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[ConfigurationTemplate]:
        """Templates by name; `search` looks into name and note."""
        where = only({_t.organisation_id: organisation_id})
        if search:
            where.append(sa.or_(contains(_t.name, search), contains(_t.note, search)))
        if cursor is not None:
            name, after = read_cursor(cursor, tuple[str, str])
            where.append(sa.or_(_t.name > name, sa.and_(_t.name == name, _t.id > after)))
        statement = _SELECT_TEMPLATES.where(*where).order_by(_t.name, _t.id).limit(bounded(limit) + 1)
        return one_page(await self._access.read(statement), _TEMPLATES, limit, lambda each: (each.name, each.id))

    async def save_template(self, kept: ConfigurationTemplate, hidden: Sequence[str], *, new: bool) -> None:
        """Keep a template; `hidden` are the names of keys that become secret by it, and what is known of them goes.

        Raises `NotFound` if the template went meanwhile.
        """
        await self._access.write(_save_template, kept, hidden, new)

    async def delete_template(self, template_id: str) -> None:
        """Remove a template; stations to which it was assigned have it no more. Raises `NotFound`."""
        await self._access.write(_delete_template, template_id)

    async def secret_keys(self) -> list[tuple[str, str]]:
        """(organisation, key in small letters) of every key that is hidden."""
        rows = await self._access.read(sa.select(_s.organisation_id, _s.key_name))
        return [(str(organisation_id), str(name)) for organisation_id, name in rows]

    # Stations.

    async def followed(self, station_id: str) -> FollowedStation | None:
        """How far a station is followed."""
        rows = await self._access.read(_SELECT_STATIONS.where(_f.station_id == station_id))
        return _STATIONS.one(rows[0]) if rows else None

    async def all_followed(self, organisation_id: str | None = None) -> list[FollowedStation]:
        """Every station that something was said about; most have none and are off."""
        where = only({_f.organisation_id: organisation_id})
        return _STATIONS.many(await self._access.read(_SELECT_STATIONS.where(*where).order_by(_f.station_id)))

    async def assigned_to(self, template_id: str) -> list[str]:
        """The stations to which a template was assigned by hand."""
        statement = sa.select(_f.station_id).where(_f.template_ids.contains(f'"{template_id}"', autoescape=True))
        return [str(row[0]) for row in await self._access.read(statement.order_by(_f.station_id))]

    async def follow(self, stations: Sequence[FollowedStation]) -> None:
        """Say how far stations are followed."""
        if stations:
            await self._access.write(_follow, stations)

    async def count_followed(self, organisation_id: str, site_ids: Sequence[str] | None = None) -> int:
        """How many stations are not off."""
        statement = sa.select(sa.func.count()).where(
            _f.organisation_id == organisation_id, _f.mode != FollowMode.OFF.value
        )
        if site_ids is not None:
            here = sa.select(station.c.id).where(station.c.site_id.in_(site_ids))
            statement = statement.where(_f.station_id.in_(here))
        return int((await self._access.read(statement))[0][0])

    # Keys.

    async def keys_of(self, station_id: str) -> list[KeyRecord]:
        """The desired keys of a station, as compared last."""
        statement = _SELECT_KEYS.where(_d.station_id == station_id).order_by(_d.key_name)
        return _KEYS.many(await self._access.read(statement))

    async def find_keys(  # noqa: PLR0913 -- filters are given by name
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        site_id: str | None = None,
        station_id: str | None = None,
        template_id: str | None = None,
        key: str | None = None,
        state: str | Sequence[str] | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[KeyRecord]:
        """Desired keys by station and key."""
        where = only(
            {
                _d.organisation_id: organisation_id,
                _d.station_id: station_id,
                _d.template_id: template_id,
                _d.key_name: None if key is None else key.strip().lower(),
                _d.state: state,
            }
        )
        for sites in (site_ids, None if site_id is None else (site_id,)):
            if sites is not None:
                where.append(_d.station_id.in_(sa.select(station.c.id).where(station.c.site_id.in_(sites))))
        if cursor is not None:
            before, name = read_cursor(cursor, tuple[str, str])
            where.append(sa.or_(_d.station_id > before, sa.and_(_d.station_id == before, _d.key_name > name)))
        statement = _SELECT_KEYS.where(*where).order_by(_d.station_id, _d.key_name).limit(bounded(limit) + 1)
        rows = await self._access.read(statement)
        return one_page(rows, _KEYS, limit, lambda each: (each.station_id, each.key_name))

    async def tally(self, organisation_id: str, site_ids: Sequence[str] | None = None) -> Mapping[str, int]:
        """How many keys are in which state."""
        statement = sa.select(_d.state, sa.func.count()).where(_d.organisation_id == organisation_id)
        if site_ids is not None:
            statement = statement.where(
                _d.station_id.in_(sa.select(station.c.id).where(station.c.site_id.in_(site_ids)))
            )
        return {str(state): int(count) for state, count in await self._access.read(statement.group_by(_d.state))}


def _save_template(kept: ConfigurationTemplate, hidden: Sequence[str], new: bool) -> Program[None]:
    values: dict[str, Any] = msgspec.structs.asdict(kept)
    values["entries"] = msgspec.json.encode(kept.entries).decode()
    if new:
        yield from execute(sa.insert(configuration_template).values(values))
    else:
        changes = {name: value for name, value in values.items() if name not in {"id", "organisation_id"}}
        done = yield from execute(sa.update(configuration_template).where(_t.id == kept.id).values(changes))
        if not done.rowcount:
            raise NotFound(f"there is no configuration template {kept.id}")
    if hidden:
        yield Execute(_HIDE, [(kept.organisation_id, name) for name in hidden])
        yield from _forget_values(kept.organisation_id, hidden)


def _forget_values(organisation_id: str, names: Sequence[str]) -> Program[None]:
    """What stations told of keys before these were secret is not shown any more."""
    v = variable.c
    told = sa.and_(v.organisation_id == organisation_id, v.variable_key.in_(names))
    yield from execute(sa.update(variable).where(told).values(value=None, pending_value=None))
    compared = sa.and_(_d.organisation_id == organisation_id, _d.key_name.in_(names))
    yield from execute(sa.update(desired_key).where(compared).values(secret=True, desired=None, actual=None))


def _delete_template(template_id: str) -> Program[None]:
    done = yield from execute(sa.delete(configuration_template).where(_t.id == template_id))
    if not done.rowcount:
        raise NotFound(f"there is no configuration template {template_id}")
    having = _f.template_ids.contains(f'"{template_id}"', autoescape=True)
    found = yield from execute(_SELECT_STATIONS.where(having))
    rows = [
        msgspec.structs.replace(each, template_ids=tuple(one for one in each.template_ids if one != template_id))
        for each in _STATIONS.many(found.rows)
    ]
    if rows:
        yield from _follow(rows)


def _follow(stations: Sequence[FollowedStation]) -> Program[None]:
    rows = {each.station_id: each for each in stations}
    yield Execute(
        _FOLLOW,
        [
            (
                each.station_id,
                each.organisation_id,
                each.mode,
                msgspec.json.encode(each.template_ids).decode(),
                each.failures,
                each.not_before,
                each.updated_at,
            )
            for each in rows.values()
        ],
    )
