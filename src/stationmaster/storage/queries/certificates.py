"""Reading and keeping authorities, certificates, reported roots, and where composite jobs stand."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.certificates import InstalledRoot, ServerCertificate, StationCertificate, StoredAuthority
from stationmaster.domain.security_jobs import SecurityJob
from stationmaster.instants import Instant
from stationmaster.storage.errors import NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access, NounReader, one_page, only
from stationmaster.storage.tables.certificates import (
    certificate_authority,
    installed_root,
    security_job,
    server_certificate,
    station_certificate,
)
from stationmaster.storage.tables.provisioning import station

__all__ = ["AuthorityQueries", "CertificateQueries", "SecurityJobQueries"]

_AUTHORITIES = NounReader(StoredAuthority)
_CERTIFICATES = NounReader(StationCertificate)
_SERVERS = NounReader(ServerCertificate)
_ROOTS = NounReader(InstalledRoot)
_JOBS = NounReader(SecurityJob)
_a, _c, _j = certificate_authority.c, station_certificate.c, security_job.c
_SELECT_AUTHORITIES = sa.select(*_AUTHORITIES.columns(certificate_authority))
_SELECT_CERTIFICATES = sa.select(*_CERTIFICATES.columns(station_certificate))
_SELECT_JOBS = sa.select(*_JOBS.columns(security_job))


class AuthorityQueries:
    """Authorities by id, their sealed keys, and our own certificates."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, authority_id: str) -> StoredAuthority | None:
        """One authority."""
        rows = await self._access.read(_SELECT_AUTHORITIES.where(_a.id == authority_id))
        return _AUTHORITIES.one(rows[0]) if rows else None

    async def all(self, organisation_id: str | None = None) -> list[StoredAuthority]:
        """Those of an organisation or all, the oldest first."""
        where = only({_a.organisation_id: organisation_id})
        rows = await self._access.read(_SELECT_AUTHORITIES.where(*where).order_by(_a.created_at, _a.id))
        return _AUTHORITIES.many(rows)

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        use: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[StoredAuthority]:
        """The newest first."""
        where = only({_a.organisation_id: organisation_id, _a.use: use})
        if cursor is not None:
            at, last = read_cursor(cursor, tuple[int, str])
            where.append(sa.tuple_(_a.created_at, _a.id) < sa.tuple_(at, last))
        ordered = _SELECT_AUTHORITIES.where(*where).order_by(_a.created_at.desc(), _a.id.desc())
        rows = await self._access.read(ordered.limit(bounded(limit) + 1))
        return one_page(rows, _AUTHORITIES, limit, lambda each: (each.created_at, each.id))

    async def sealed_key(self, authority_id: str) -> bytes | None:
        """The sealed private key of one of our own."""
        rows = await self._access.read(sa.select(_a.sealed_key).where(_a.id == authority_id))
        return bytes(rows[0][0]) if rows and rows[0][0] is not None else None

    async def create(self, new: StoredAuthority, sealed_key: bytes | None) -> None:
        """Keep a new authority. Raises `Conflict` when the organisation has it already."""
        values = msgspec.structs.asdict(new) | {"sealed_key": sealed_key}
        await self._access.write(execute, sa.insert(certificate_authority).values(values))

    async def update(self, authority_id: str, changes: Mapping[str, Any]) -> None:
        """Change fields by name. Raises `NotFound`."""
        values = {**changes, "updated_at": self._access.clock()}
        done = await self._access.write(
            execute, sa.update(certificate_authority).where(_a.id == authority_id).values(values)
        )
        if not done.rowcount:
            raise NotFound(f"no certificate authority {authority_id}")

    async def delete(self, authority_id: str) -> None:
        """Forget an authority."""
        await self._access.write(execute, sa.delete(certificate_authority).where(_a.id == authority_id))

    async def servers(self) -> list[ServerCertificate]:
        """Our own certificates, one for each key family."""
        statement = sa.select(*_SERVERS.columns(server_certificate)).order_by(server_certificate.c.key_family)
        return _SERVERS.many(await self._access.read(statement))

    async def save_server(self, certificate: ServerCertificate) -> None:
        """Replace our certificate of a key family."""
        values = msgspec.structs.asdict(certificate) | {"names": msgspec.json.encode(certificate.names).decode()}
        await self._access.write(_replace_server, values)


def _replace_server(values: dict[str, Any]) -> Any:
    s = server_certificate.c
    yield from execute(sa.delete(server_certificate).where(s.key_family == values["key_family"]))
    yield from execute(sa.insert(server_certificate).values(values))


class CertificateQueries:
    """Certificates of stations, and the roots that stations report."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`; certificates change by `CertificateChanged`."""
        self._access = access

    async def get(self, certificate_id: str) -> StationCertificate | None:
        """One certificate."""
        rows = await self._access.read(_SELECT_CERTIFICATES.where(_c.id == certificate_id))
        return _CERTIFICATES.one(rows[0]) if rows else None

    async def by_fingerprint(self, fingerprint: str) -> StationCertificate | None:
        """The certificate with this SHA-256 fingerprint."""
        rows = await self._access.read(_SELECT_CERTIFICATES.where(_c.fingerprint == fingerprint))
        return _CERTIFICATES.one(rows[0]) if rows else None

    async def of_station(self, station_id: str) -> list[StationCertificate]:
        """The certificates of a station, the newest first."""
        statement = _SELECT_CERTIFICATES.where(_c.station_id == station_id).order_by(_c.created_at.desc(), _c.id.desc())
        return _CERTIFICATES.many(await self._access.read(statement))

    async def bound(self) -> list[tuple[str, str, str, str, Instant]]:
        """(fingerprint, public key hash, station, state, changed at) of every certificate: what the door goes by."""
        statement = sa.select(_c.fingerprint, _c.public_key_hash, _c.station_id, _c.state, _c.updated_at)
        return [
            (str(fingerprint), str(key), str(station), str(state), int(at))
            for fingerprint, key, station, state, at in await self._access.read(statement)
        ]

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        station_id: str | None = None,
        authority_id: str | None = None,
        state: str | Sequence[str] | None = None,
        expires_before: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[StationCertificate]:
        """The newest first. `site_ids` limits them to the stations of these sites."""
        where = only(
            {
                _c.organisation_id: organisation_id,
                _c.station_id: station_id,
                _c.authority_id: authority_id,
                _c.state: state,
            }
        )
        if site_ids is not None:
            sites = sa.table("station", sa.column("id"), sa.column("site_id"))
            where.append(_c.station_id.in_(sa.select(sites.c.id).where(sites.c.site_id.in_(site_ids))))
        if expires_before is not None:
            where.append(_c.not_after < expires_before)
        if cursor is not None:
            at, last = read_cursor(cursor, tuple[int, str])
            where.append(sa.tuple_(_c.created_at, _c.id) < sa.tuple_(at, last))
        ordered = _SELECT_CERTIFICATES.where(*where).order_by(_c.created_at.desc(), _c.id.desc())
        rows = await self._access.read(ordered.limit(bounded(limit) + 1))
        return one_page(rows, _CERTIFICATES, limit, lambda each: (each.created_at, each.id))

    async def roots_of(self, station_id: str) -> list[InstalledRoot]:
        """The roots that a station reported, by use."""
        r = installed_root.c
        statement = sa.select(*_ROOTS.columns(installed_root)).where(r.station_id == station_id)
        return _ROOTS.many(await self._access.read(statement.order_by(r.use, r.serial_number, r.hash_algorithm)))


class SecurityJobQueries:
    """Where composite jobs stand."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def of_station(self, station_id: str) -> list[SecurityJob]:
        """Those of a station."""
        return _JOBS.many(await self._access.read(_SELECT_JOBS.where(_j.station_id == station_id)))

    async def all(self) -> list[SecurityJob]:
        """Every one that has not ended."""
        return _JOBS.many(await self._access.read(_SELECT_JOBS.order_by(_j.step_at)))

    async def create(self, new: SecurityJob) -> bool:
        """Begin one; False when its station has one already."""
        return await self._access.write(_begin_job, new)

    async def claim(self, job_id: str, step: str, now: Instant, until: Instant) -> bool:
        """Take the right to do the next step; False when another node has it, or the step was done."""
        statement = (
            sa.update(security_job)
            .where(_j.job_id == job_id, _j.step == step, _j.claimed_until <= now)
            .values(claimed_until=until)
        )
        return bool((await self._access.write(execute, statement)).rowcount)

    async def update(self, job_id: str, changes: Mapping[str, Any]) -> None:
        """Move one on."""
        await self._access.write(execute, sa.update(security_job).where(_j.job_id == job_id).values(**changes))

    async def delete(self, job_id: str) -> None:
        """It has ended."""
        await self._access.write(execute, sa.delete(security_job).where(_j.job_id == job_id))


def _begin_job(new: SecurityJob) -> Program[bool]:
    # The station's row is the lock: of several who ask at once, on whichever nodes, one begins.
    yield from execute(sa.update(station).where(station.c.id == new.station_id).values(id=station.c.id))
    found = yield from execute(sa.select(_j.job_id).where(_j.station_id == new.station_id).limit(1))
    if not found.rows:
        yield from execute(sa.insert(security_job).values(msgspec.structs.asdict(new)))
    return not found.rows
