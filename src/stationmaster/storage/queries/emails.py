"""Lists of recipients, what they are to be told of, and the e-mails that do."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.alerts.emails import Email
from stationmaster.domain.alerts.recipients import Recipient
from stationmaster.instants import Instant
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access, NounReader, one_page, only
from stationmaster.storage.tables import alert_notice, alert_recipient, email

__all__ = ["EmailQueries", "Notice", "RecipientQueries", "Waiting"]

_RECIPIENTS = NounReader(Recipient)
_EMAILS = NounReader(Email)
_SELECT_EMAILS = sa.select(*_EMAILS.columns(email))
_r = alert_recipient.c
_n = alert_notice.c
_e = email.c
_AT_A_TIME = 400


class Waiting(msgspec.Struct, frozen=True):
    """That a list has notices, since when, and whether critical ones are among them."""

    recipient_id: str
    since: Instant
    critical: bool


class Notice(msgspec.Struct, frozen=True):
    """One alert that a list is to be told of."""

    alert_id: str
    step: str


class RecipientQueries:
    """Lists of recipients."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, recipient_id: str) -> Recipient | None:
        """One list."""
        rows = await self._access.read(sa.select(*_RECIPIENTS.columns(alert_recipient)).where(_r.id == recipient_id))
        return _RECIPIENTS.one(rows[0]) if rows else None

    async def of(self, organisation_id: str) -> list[Recipient]:
        """All lists of an organisation, the oldest first."""
        chosen = sa.select(*_RECIPIENTS.columns(alert_recipient)).where(_r.organisation_id == organisation_id)
        return _RECIPIENTS.many(await self._access.read(chosen.order_by(_r.created_at, _r.id)))

    async def find(
        self, organisation_id: str, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> Page[Recipient]:
        """Lists, the oldest first."""
        where = [_r.organisation_id == organisation_id]
        if cursor is not None:
            created_at, recipient_id = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(_r.created_at > created_at, sa.and_(_r.created_at == created_at, _r.id > recipient_id)))
        chosen = sa.select(*_RECIPIENTS.columns(alert_recipient)).where(*where).order_by(_r.created_at, _r.id)
        rows = await self._access.read(chosen.limit(bounded(limit) + 1))
        return one_page(rows, _RECIPIENTS, limit, lambda found: (found.created_at, found.id))

    async def save(self, recipient: Recipient, *, new: bool) -> bool:
        """Keep a list; tells whether it was there, if it is not new."""
        values = msgspec.structs.asdict(recipient)
        for name in ("addresses", "site_ids"):
            if values[name] is not None:
                values[name] = msgspec.json.encode(values[name]).decode()
        if new:
            await self._access.write(execute, sa.insert(alert_recipient).values(values))
            return True
        changed = sa.update(alert_recipient).where(_r.id == recipient.id).values(values)
        return bool((await self._access.write(execute, changed)).rowcount)

    async def delete(self, recipient_id: str) -> bool:
        """Remove a list and what it was to be told of; tells whether it was there."""
        return await self._access.write(_delete, recipient_id)


class EmailQueries:
    """Notices and e-mails."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def waiting(self) -> list[Waiting]:
        """Which lists have notices."""
        critical = sa.func.max(sa.case((_n.severity == "critical", 1), else_=0))
        chosen = sa.select(_n.recipient_id, sa.func.min(_n.created_at), critical).group_by(_n.recipient_id)
        return [Waiting(str(row[0]), int(row[1]), bool(row[2])) for row in await self._access.read(chosen)]

    async def notices(self, recipient_id: str, *, critical_only: bool, limit: int) -> list[Notice]:
        """What a list is to be told of, the oldest first."""
        where = [_n.recipient_id == recipient_id]
        if critical_only:
            where.append(_n.severity == "critical")
        chosen = sa.select(_n.alert_id, _n.step).where(*where).order_by(_n.created_at, _n.alert_id).limit(limit)
        return [Notice(str(row[0]), str(row[1])) for row in await self._access.read(chosen)]

    async def drop_notices(self, recipient_id: str | None = None) -> None:
        """Tell a list, or anybody, nothing of what waits."""
        where = only({_n.recipient_id: recipient_id})
        await self._access.write(execute, sa.delete(alert_notice).where(*where))

    async def last_at(self, recipient_id: str) -> Instant | None:
        """When the newest e-mail to a list was written."""
        rows = await self._access.read(sa.select(sa.func.max(_e.created_at)).where(_e.recipient_id == recipient_id))
        return None if rows[0][0] is None else int(rows[0][0])

    async def write(self, made: Email, notices: Sequence[Notice]) -> None:
        """Keep an e-mail instead of the notices that it tells of; in one transaction, so nothing is told twice."""
        await self._access.write(_write, made, notices)

    async def get(self, email_id: str) -> Email | None:
        """One e-mail."""
        rows = await self._access.read(_SELECT_EMAILS.where(_e.id == email_id))
        return _EMAILS.one(rows[0]) if rows else None

    async def find(
        self,
        organisation_id: str,
        *,
        state: str | None = None,
        recipient_id: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Email]:
        """E-mails, the newest first."""
        where = only({_e.organisation_id: organisation_id, _e.state: state, _e.recipient_id: recipient_id})
        if cursor is not None:
            created_at, email_id = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(_e.created_at < created_at, sa.and_(_e.created_at == created_at, _e.id < email_id)))
        chosen = _SELECT_EMAILS.where(*where).order_by(_e.created_at.desc(), _e.id.desc())
        rows = await self._access.read(chosen.limit(bounded(limit) + 1))
        return one_page(rows, _EMAILS, limit, lambda found: (found.created_at, found.id))

    async def due(self, now: Instant, limit: int) -> list[Email]:
        """E-mails that are to be tried now."""
        where = (_e.state == "waiting", _e.next_at <= now, _e.claimed_until <= now)
        return _EMAILS.many(await self._access.read(_SELECT_EMAILS.where(*where).order_by(_e.next_at).limit(limit)))

    async def claim(self, email_id: str, now: Instant, until: Instant) -> bool:
        """Take an e-mail to be tried; tells whether it is ours."""
        where = (_e.id == email_id, _e.state == "waiting", _e.claimed_until <= now)
        done = await self._access.write(execute, sa.update(email).where(*where).values(claimed_until=until))
        return bool(done.rowcount)

    async def change(self, email_id: str, changes: Mapping[str, Any]) -> None:
        """Change members of an e-mail."""
        await self._access.write(execute, sa.update(email).where(_e.id == email_id).values(**changes))

    async def prune(self, before: Instant) -> int:
        """Remove e-mails of long ago that do not wait; returns how many."""
        gone = sa.delete(email).where(_e.created_at < before, _e.state != "waiting")
        return int((await self._access.write(execute, gone)).rowcount)


def _delete(recipient_id: str) -> Program[bool]:
    yield from execute(sa.delete(alert_notice).where(_n.recipient_id == recipient_id))
    gone = sa.and_(_e.recipient_id == recipient_id, _e.state == "waiting")
    yield from execute(sa.delete(email).where(gone))
    done = yield from execute(sa.delete(alert_recipient).where(_r.id == recipient_id))
    return bool(done.rowcount)


def _write(made: Email, notices: Sequence[Notice]) -> Program[None]:
    values = msgspec.structs.asdict(made) | {"addresses": msgspec.json.encode(made.addresses).decode()}
    yield from execute(sa.insert(email).values(values))
    for step in sorted({each.step for each in notices}):
        ids = [each.alert_id for each in notices if each.step == step]
        for start in range(0, len(ids), _AT_A_TIME):
            part = _n.alert_id.in_(ids[start : start + _AT_A_TIME])
            told = sa.and_(_n.recipient_id == made.recipient_id, _n.step == step, part)
            yield from execute(sa.delete(alert_notice).where(told))
