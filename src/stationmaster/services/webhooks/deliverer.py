"""Events go out: each webhook reads the stored events from where it stands, one after the other.

The rule that shapes this file: where a webhook stands moves only after its receiver has said yes, so nothing is
lost; one node has a webhook in hand at a time, by a claim with an end, so nothing overtakes. A receiver that is
slow or gone holds up its own webhook and nobody else.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from stationmaster.domain.webhooks import DeliveryState, Webhook, WebhookDisabled, back_off_s, is_refusal
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.webhooks.keeping import Told, Webhooks
from stationmaster.storage.committed import StoredEvent
from stationmaster.storage.errors import StorageError
from stationmaster.storage.feeds import FeedPage, Position, Wanted

__all__ = ["WebhookDeliverer"]

log = structlog.get_logger(__name__)

SECOND: Final = 1_000_000
AT_A_TIME: Final = 100
CLAIM_S: Final = 90
"""Longer than any attempt may take."""
MOST_REFUSALS: Final = 8
"""After so many answers that say no to one event, it is the next one's turn."""
NOBODY: Final = ""


class WebhookDeliverer:
    """Delivers while it is asked to, again and again (`advance`). `body_of` writes an event as the stream tells it."""

    def __init__(
        self, context: ServiceContext, webhooks: Webhooks, node_id: str, body_of: Callable[[StoredEvent], bytes]
    ) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._webhooks = webhooks
        self._node_id = node_id
        self._body_of = body_of
        self._give_up_us = round(context.settings.webhook_give_up_s * SECOND)
        self._slots = asyncio.Semaphore(context.settings.webhook_concurrency)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def advance(self, now: Instant) -> None:
        """Begin what can be begun; waits for no receiver."""
        for webhook in await self._storage.webhooks.due(self._node_id, now):
            if webhook.id not in self._running:
                task = asyncio.create_task(self._run(webhook), name=f"webhook {webhook.id}")
                self._running[webhook.id] = task
                task.add_done_callback(partial(self._ended, webhook.id))

    async def close(self) -> None:
        """Break off what is under way; it will be delivered again."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, webhook_id: str, _task: asyncio.Task[None]) -> None:
        self._running.pop(webhook_id, None)

    async def _run(self, webhook: Webhook) -> None:
        try:
            async with self._slots:
                await self._deliver(webhook)
        except StorageError as error:
            log.warning("webhooks.put_off", webhook_id=webhook.id, error=str(error))
        except Exception:
            log.exception("webhooks.failed", webhook_id=webhook.id)

    async def _deliver(self, webhook: Webhook) -> None:
        page = await self._page(webhook)
        if not page.events and not _has_moved(page, webhook):
            return
        for event in page.events:
            now = self._clock()
            if not await self._storage.webhooks.claim(webhook, self._node_id, now, now + CLAIM_S * SECOND):
                return
            webhook = await self._tell(webhook, event)
            if webhook.attempts:
                return
        if not page.events:
            now = self._clock()
            if not await self._storage.webhooks.claim(webhook, self._node_id, now, now + CLAIM_S * SECOND):
                return
        done = {"position": page.end.written(), "claimed_until": 0}
        await self._storage.webhooks.settle(webhook, self._node_id, done, None)

    async def _page(self, webhook: Webhook) -> FeedPage:
        return await self._storage.feeds.read(
            Position.read(webhook.position),
            self._clock(),
            Wanted(
                types=tuple(each for each in webhook.event_types if not each.endswith(".")),
                prefixes=tuple(each for each in webhook.event_types if each.endswith(".")),
                organisation_ids=(webhook.organisation_id, NOBODY),
            ),
            limit=AT_A_TIME,
        )

    async def _tell(self, webhook: Webhook, event: StoredEvent) -> Webhook:
        """Try one event; the webhook as it is then: without attempts, the event is dealt with."""
        attempt = webhook.attempts + 1
        told = Told(str(event.id), event.type, event.station_id, self._body_of(event), "event", attempt)
        tried = await self._webhooks.attempt(webhook, told)
        now = self._clock()
        changes: dict[str, Any]
        if tried.state == DeliveryState.DELIVERED:
            changes = {"attempts": 0, "failing_since": None, "delivered_at": now}
        elif tried.status is not None and is_refusal(tried.status) and attempt >= MOST_REFUSALS:
            tried = msgspec.structs.replace(tried, state=DeliveryState.GIVEN_UP)
            changes = {"attempts": 0}
        else:
            failing_since = webhook.failing_since or now
            changes = {"attempts": attempt, "failing_since": failing_since, "claimed_until": 0}
            changes["next_at"] = now + back_off_s(attempt) * SECOND
            if now - failing_since >= self._give_up_us:
                changes |= {"enabled": False, "disabled_reason": tried.error}
        if not changes["attempts"]:
            changes["position"] = Position.read(webhook.position).after(event.id).written()
        if not await self._storage.webhooks.settle(webhook, self._node_id, changes, tried):
            return msgspec.structs.replace(webhook, attempts=attempt)
        if changes.get("enabled") is False:
            await self._told_disabled(webhook, tried.error or "", now)
        return msgspec.structs.replace(webhook, **changes)

    async def _told_disabled(self, webhook: Webhook, reason: str, now: Instant) -> None:
        log.warning("webhooks.disabled", webhook_id=webhook.id, reason=reason)
        fact = WebhookDisabled(
            organisation_id=webhook.organisation_id,
            station_id="",
            received_at=now,
            webhook_id=webhook.id,
            name=webhook.name,
            reason=reason,
        )
        await self._storage.record([fact])


def _has_moved(page: FeedPage, webhook: Webhook) -> bool:
    """Whether it is worth writing that nothing of interest has happened: rarely, or each event would cost a write."""
    before = Position.read(webhook.position).floor
    return page.end.floor - before > 60 * SECOND << 10
