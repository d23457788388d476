"""Webhooks, kept by operators, and single attempts to reach them.

The rule that shapes this file: the secret is shown when it is made, then it is sealed; whoever may give us an
address reaches through us only what the whole world can reach (`services.outbound`).
"""

import base64
import secrets
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from stationmaster.domain.alerts.words import one_line
from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.domain.webhooks import (
    SECRET_PREFIX,
    Delivery,
    DeliveryState,
    Webhook,
    WebhookEnabled,
    signed_headers,
)
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.outbound import Outbound, OutboundError

__all__ = ["MadeWebhook", "NewWebhook", "Told", "Webhooks"]

MOST_WEBHOOKS: Final = 20
LONGEST_NAME: Final = 100
LONGEST_URL: Final = 2000
SECRET_BYTES: Final = 32
LONGEST_ANSWER: Final = 64 * 1024
_PURPOSE: Final = "webhook secret"
_SUCCESS: Final = range(200, 300)


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook to be made."""

    name: str
    url: str
    event_types: tuple[str, ...] = ()
    enabled: bool = True


class MadeWebhook(NamedTuple):
    """A webhook and its secret, which is told once."""

    webhook: Webhook
    secret: str


class Told(msgspec.Struct, frozen=True):
    """What is told in one attempt."""

    event_id: str
    type: str
    station_id: str
    body: bytes
    reason: str
    attempt: int = 1


class Webhooks:
    """Keeps webhooks and reaches for them."""

    def __init__(self, context: ServiceContext, outbound: Outbound) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._secrets = context.secrets
        self._outbound = outbound
        self._timeout_s = context.settings.webhook_timeout_s

    async def get(self, organisation_id: str, webhook_id: str) -> Webhook:
        """A webhook of the organisation. Raises NotFound."""
        found: Webhook | None = await self._storage.webhooks.get(webhook_id)
        if found is None or found.organisation_id != organisation_id:
            raise NotFound("webhook_unknown", "There is no such webhook.")
        return found

    async def create(self, organisation_id: str, new: NewWebhook, actor: str) -> MadeWebhook:
        """Make a webhook; it is told what happens from now on. Raises Invalid, Conflict."""
        if len((await self._storage.webhooks.find(organisation_id, limit=MOST_WEBHOOKS)).items) >= MOST_WEBHOOKS:
            raise Conflict("too_many_webhooks", f"An organisation has at most {MOST_WEBHOOKS} webhooks.")
        now = self._clock()
        secret = _new_secret()
        made = Webhook(
            id=str(uuid4()),
            organisation_id=organisation_id,
            name=check_text("name", new.name, LONGEST_NAME, required=True) or "",
            url=self._checked_url(new.url),
            event_types=tuple(dict.fromkeys(new.event_types)),
            enabled=new.enabled,
            disabled_reason=None,
            sealed_secret=self._secrets.seal(_PURPOSE, secret.encode()),
            position=(await self._storage.feeds.now()).written(),
            attempts=0,
            failing_since=None,
            next_at=now,
            claimed_by="",
            claimed_until=0,
            delivered_at=None,
            created_by=actor,
            created_at=now,
            updated_at=now,
        )
        await self._storage.webhooks.create(made)
        return MadeWebhook(made, secret)

    async def update(
        self, organisation_id: str, webhook_id: str, given: Mapping[str, Any], *, from_now: bool = False
    ) -> Webhook:
        """Change members by name. One that is switched on goes on where it stood, or `from_now`. Raises as `create`."""
        before = await self.get(organisation_id, webhook_id)
        now = self._clock()
        changes: dict[str, Any] = dict(given) | {"updated_at": now, "next_at": now, "attempts": 0}
        if "name" in changes:
            changes["name"] = check_text("name", changes["name"], LONGEST_NAME, required=True)
        if "url" in changes:
            changes["url"] = self._checked_url(changes["url"])
        if "event_types" in changes:
            changes["event_types"] = tuple(dict.fromkeys(changes["event_types"]))
        if "enabled" in changes:
            changes |= {"failing_since": None, "disabled_reason": None}
        if from_now:
            changes["position"] = (await self._storage.feeds.now()).written()
        await self._storage.webhooks.change(webhook_id, changes)
        if before.disabled_reason is not None and changes.get("enabled"):
            await self._told_enabled(before, now)
        return await self.get(organisation_id, webhook_id)

    async def new_secret(self, organisation_id: str, webhook_id: str) -> MadeWebhook:
        """Give a webhook another secret; the old one signs nothing any more. Raises NotFound."""
        found = await self.get(organisation_id, webhook_id)
        secret = _new_secret()
        changes = {"sealed_secret": self._secrets.seal(_PURPOSE, secret.encode()), "updated_at": self._clock()}
        await self._storage.webhooks.change(found.id, changes)
        return MadeWebhook(await self.get(organisation_id, webhook_id), secret)

    async def delete(self, organisation_id: str, webhook_id: str) -> None:
        """Remove a webhook. Raises NotFound."""
        found = await self.get(organisation_id, webhook_id)
        await self._storage.webhooks.delete(webhook_id)
        if found.disabled_reason is not None:
            await self._told_enabled(found, self._clock())

    async def attempt(self, webhook: Webhook, told: Told) -> Delivery:
        """Try once, and tell what came of it. Never raises for what the receiver does."""
        now = self._clock()
        began = monotonic()
        status: int | None = None
        error: str | None = None
        try:
            secret = self._secrets.unseal(_PURPOSE, webhook.sealed_secret).decode()
            headers = signed_headers(secret, told.event_id, now, told.body) | {
                "Content-Type": "application/json",
                "User-Agent": "Stationmaster",
            }
            answer = await self._outbound.fetch(
                "POST", webhook.url, content=told.body, headers=headers, timeout_s=self._timeout_s,
                limit_bytes=LONGEST_ANSWER,
            )  # fmt: skip
            status = answer.status
            if status not in _SUCCESS:
                error = f"it answered {status}"
        except (OutboundError, ValueError) as failure:
            error = one_line(failure)
        return Delivery(
            id=self._storage.row_ids.take(1, now)[0],
            organisation_id=webhook.organisation_id,
            webhook_id=webhook.id,
            event_id=told.event_id,
            event_type=told.type,
            station_id=told.station_id,
            state=DeliveryState.DELIVERED if error is None else DeliveryState.FAILED,
            status=status,
            error=error,
            duration_ms=round((monotonic() - began) * 1000),
            attempt=told.attempt,
            reason=told.reason,
            at=now,
        )

    async def attempt_and_note(self, webhook: Webhook, told: Told) -> Delivery:
        """The same for a test or by a person's wish: it moves nothing on."""
        tried = await self.attempt(webhook, told)
        await self._storage.webhooks.note(tried)
        return tried

    async def _told_enabled(self, webhook: Webhook, now: Instant) -> None:
        fact = WebhookEnabled(
            organisation_id=webhook.organisation_id,
            station_id="",
            received_at=now,
            webhook_id=webhook.id,
            name=webhook.name,
        )
        await self._storage.record([fact])

    def _checked_url(self, url: str) -> str:
        if len(url) > LONGEST_URL or not url.isascii() or any(not "!" <= each <= "~" for each in url) or "\\" in url:
            raise _invalid("An address has no blanks, and up to 2000 characters of ASCII.")
        try:
            parts = urlsplit(url)
            host, _port = parts.hostname, parts.port
        except ValueError as error:
            raise _invalid("This is no address such as https://example.org/hook.") from error
        if parts.scheme not in ("http", "https") or not host:
            raise _invalid("This is no address such as https://example.org/hook.")
        if "@" in parts.netloc:
            raise _invalid("An address must not hold a user name or a password.")
        if parts.fragment:
            raise _invalid("An address has no part behind `#`.")
        if not self._outbound.may_ask(host):
            raise _invalid("This address is not a public one; the setting security.private_hosts can allow it.")
        if parts.scheme == "http" and not self._outbound.is_private(host):
            raise _invalid("Events are told over https://, unless the host is one of security.private_hosts.")
        return url


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _invalid(words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError("url", "invalid", words),))
