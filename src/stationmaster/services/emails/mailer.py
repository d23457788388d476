"""E-mails are written and sent: an outbox in the database, with patience.

The rule that shapes this file: an e-mail is kept as text before it is sent, and is sent as it was kept, under one
Message-ID, until the server takes it or it is given up. A flood of alerts is one e-mail, since notices are gathered.
"""

import asyncio
from typing import Final
from uuid import uuid4

import structlog

from stationmaster.domain.alerts.email_facts import EmailFailed, EmailSent
from stationmaster.domain.alerts.emails import Email, EmailState, Written, about_alerts, test_email
from stationmaster.domain.alerts.recipients import Recipient
from stationmaster.domain.errors import Conflict, NotFound, Unavailable
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.email_settings import EmailSettings
from stationmaster.services.emails.recipients import offsets_of
from stationmaster.services.emails.smtp import SmtpRefusal, message_of, send
from stationmaster.storage.queries.emails import Waiting

__all__ = ["Mailer"]

log = structlog.get_logger(__name__)

SECOND: Final = 1_000_000
MOST_TOLD: Final = 10_000
"""Alerts that one e-mail counts."""
MOST_SENT: Final = 20
"""E-mails that one run sends."""
FIRST_RETRY_S: Final = 60
LONGEST_RETRY_S: Final = 3600


class Mailer:
    """Writes e-mails of what waits, and sends them. Without `settings` nobody is told by e-mail."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._settings: EmailSettings | None = context.settings.emails

    @property
    def settings(self) -> EmailSettings | None:
        """How e-mails leave; None: they do not."""
        return self._settings

    async def advance(self, now: Instant) -> None:
        """Write what is to be told, and try what is due."""
        settings = self._settings
        waiting = await self._storage.emails.waiting()
        if settings is None:
            if waiting:
                await self._storage.emails.drop_notices()
            return
        for each in waiting:
            await self._write(each, settings, now)
        for email in await self._storage.emails.due(now, MOST_SENT):
            claimed_until = now + round((settings.timeout_s * 6 + 60) * SECOND)
            if await self._storage.emails.claim(email.id, now, claimed_until):
                await self._try(email, settings, now)

    async def test(self, recipient: Recipient) -> str:
        """Send a test to a list at once; the server's own words. Raises Conflict, Unavailable with them."""
        settings = self._settings
        if settings is None:
            raise Conflict("smtp_not_configured", "No mail server is set: see the settings smtp.host and following.")
        organisation = await self._organisation(recipient.organisation_id)
        written = test_email(recipient.language, organisation, recipient.name, settings.ui_url)
        try:
            return await self._send(settings, recipient.addresses, written, f"test-{uuid4()}", self._clock())
        except SmtpRefusal as error:
            raise Unavailable("smtp_refused", str(error)) from error

    async def retry(self, organisation_id: str, email_id: str) -> Email:
        """Try an e-mail again that was given up. Raises NotFound, Conflict."""
        found: Email | None = await self._storage.emails.get(email_id)
        if found is None or found.organisation_id != organisation_id:
            raise NotFound("email_unknown", "There is no such e-mail.")
        if found.state != EmailState.FAILED:
            raise Conflict("email_not_failed", "Only an e-mail that was given up is tried again.")
        now = self._clock()
        changes = {"state": EmailState.WAITING, "next_at": now, "attempts": 0, "claimed_until": 0}
        await self._storage.emails.change(email_id, changes)
        again: Email | None = await self._storage.emails.get(email_id)
        return again or found

    # Inside.

    async def _write(self, waiting: Waiting, settings: EmailSettings, now: Instant) -> None:
        recipient = await self._storage.alert_recipients.get(waiting.recipient_id)
        if recipient is None or not recipient.enabled:
            await self._storage.emails.drop_notices(waiting.recipient_id)
            return
        if waiting.since > now - round(settings.gather_s * SECOND):
            return
        quiet = recipient.quiet
        is_quiet = quiet is not None and quiet.until(now, offsets_of(quiet.time_zone, now)) is not None
        critical_only = is_quiet and quiet is not None and quiet.except_critical
        if is_quiet and not (critical_only and waiting.critical):
            return
        last_at = await self._storage.emails.last_at(recipient.id)
        if not waiting.critical and last_at is not None and now - last_at < round(settings.interval_s * SECOND):
            return
        notices = await self._storage.emails.notices(recipient.id, critical_only=critical_only, limit=MOST_TOLD)
        alerts = {each.id: each for each in await self._storage.alerts.many([each.alert_id for each in notices])}
        news = [(each.step, alerts[each.alert_id]) for each in notices if each.alert_id in alerts]
        if not news:
            await self._storage.emails.drop_notices(recipient.id)
            return
        organisation = await self._organisation(recipient.organisation_id)
        written = about_alerts(news, recipient.language, organisation, recipient.name, settings.ui_url)
        await self._storage.emails.write(_made(recipient, written, len(news), now), notices)

    async def _try(self, email: Email, settings: EmailSettings, now: Instant) -> None:
        written = Written(email.subject, email.body)
        try:
            answer = await self._send(settings, email.addresses, written, email.id, email.created_at)
        except SmtpRefusal as error:
            await self._refused(email, settings, error, now)
            return
        changes = {"state": EmailState.SENT, "sent_at": now, "attempts": email.attempts + 1, "error": None}
        await self._storage.emails.change(email.id, changes)
        log.info("emails.sent", email_id=email.id, alerts=email.alerts, answer=answer)
        await self._storage.record(
            [
                EmailSent(
                    organisation_id=email.organisation_id,
                    station_id="",
                    received_at=now,
                    email_id=email.id,
                    recipient_id=email.recipient_id,
                    alerts=email.alerts,
                )
            ]
        )

    async def _refused(self, email: Email, settings: EmailSettings, error: SmtpRefusal, now: Instant) -> None:
        attempts = email.attempts + 1
        log.warning("emails.not_sent", email_id=email.id, attempts=attempts, error=str(error))
        wait_s = min(FIRST_RETRY_S * 2 ** (attempts - 1), LONGEST_RETRY_S)
        given_up = error.permanent or now - email.created_at >= round(settings.give_up_s * SECOND)
        changes = {
            "attempts": attempts,
            "error": str(error),
            "next_at": now + wait_s * SECOND,
            "claimed_until": 0,
            "state": EmailState.FAILED if given_up else EmailState.WAITING,
        }
        await self._storage.emails.change(email.id, changes)
        if given_up:
            await self._storage.record(
                [
                    EmailFailed(
                        organisation_id=email.organisation_id,
                        station_id="",
                        received_at=now,
                        email_id=email.id,
                        recipient_id=email.recipient_id,
                        recipient_name=email.recipient_name,
                        error=str(error),
                    )
                ]
            )

    @staticmethod
    async def _send(
        settings: EmailSettings, addresses: tuple[str, ...], written: Written, message_id: str, now: Instant
    ) -> str:
        message = message_of(settings, addresses, written.subject, written.body, message_id, now)
        return await asyncio.to_thread(send, settings, addresses, message)

    async def _organisation(self, organisation_id: str) -> str:
        found = await self._storage.organisations.get(organisation_id)
        return organisation_id if found is None else found.name


def _made(recipient: Recipient, written: Written, alerts: int, now: Instant) -> Email:
    return Email(
        id=str(uuid4()),
        organisation_id=recipient.organisation_id,
        recipient_id=recipient.id,
        recipient_name=recipient.name,
        addresses=recipient.addresses,
        subject=written.subject,
        body=written.body,
        alerts=alerts,
        state=EmailState.WAITING,
        attempts=0,
        next_at=now,
        claimed_until=0,
        error=None,
        created_at=now,
        sent_at=None,
    )
