"""Webhooks: events told to other programs."""

import json
from functools import partial
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.event_bodies import event_of
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.values import Body, Filters, Id, Listed, LongId, Moment, Text, View
from stationmaster.domain.errors import Conflict
from stationmaster.domain.facts import Fact
from stationmaster.domain.webhooks import Delivery, Webhook
from stationmaster.services.webhooks.keeping import MadeWebhook, NewWebhook, Told
from stationmaster.storage import StoredEvent

router = APIRouter(tags=["Webhooks"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("webhooks:read"))]
Writer = Annotated[Principal, Depends(may("webhooks:write"))]
WebhookId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
Url = Annotated[str, Field(min_length=1, max_length=2000, examples=["https://example.org/stationmaster"])]
EventTypes = Annotated[
    list[Annotated[str, Field(max_length=100, pattern=r"^[a-z_]+(\.[a-z_]+)*\.?$")]],
    Field(max_length=100, description="Types, or their beginnings with a dot at the end; none: all."),
]


class WebhookView(View):
    """Where events go. The secret is never shown again."""

    id: str
    name: str
    url: str
    event_types: list[str]
    enabled: bool
    disabled_reason: str | None = Field(description="Why it was switched off by itself.")
    failing_since: Moment | None = Field(description="Since when nothing could be delivered.")
    attempts: int = Field(description="How often the next event was tried in vain.")
    next_at: Moment | None = Field(description="When it is tried again, if it fails at present.")
    delivered_at: Moment | None = Field(description="When something was last delivered.")
    created_by: str
    created_at: Moment
    updated_at: Moment


class NewWebhookView(WebhookView):
    """A webhook with a secret just made."""

    secret: str = Field(description="With it the receiver checks signatures; it is never shown again.")


class NewWebhookBody(Body):
    """A webhook to be made."""

    name: Text = Field(min_length=1, max_length=100)
    url: Url
    event_types: EventTypes = Field(default=[])
    enabled: bool = True


class WebhookChanges(Body):
    """What can be changed of a webhook. What is left out stays."""

    name: Text = Field(default="", min_length=1, max_length=100)
    url: Url = ""
    event_types: EventTypes = Field(default=[])
    enabled: bool = True
    from_now: bool = Field(default=False, description="Pass over what has not been delivered yet.")

    def given(self) -> dict[str, Any]:
        """The members that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set if name != "from_now"}


class WebhookFilters(Filters):
    """What webhooks can be narrowed by."""

    enabled: bool | None = None


class DeliveryView(View):
    """One attempt to deliver an event."""

    id: LongId
    event_id: str
    event_type: str
    station_id: str
    state: Literal["delivered", "failed", "given_up"] = Field(
        description="`given_up`: the receiver keeps saying no to this event, so it was passed over."
    )
    status: int | None = Field(description="The HTTP status of the answer; null when there was none.")
    error: str | None
    duration_ms: int
    attempt: int
    reason: Literal["event", "test", "again"]
    at: Moment


class ToldDeliveryView(DeliveryView):
    """One attempt with the body that was sent."""

    body: dict[str, Any] | None = Field(description="Null when the event is not kept any more, or was a test.")


class DeliveryFilters(Filters):
    """What attempts can be narrowed by."""

    state: Literal["delivered", "failed", "given_up"] | None = None


class EventTypesView(View):
    """Types of events that are stored, and so are told to webhooks."""

    items: list[str]


@router.get("/webhooks/event-types", dependencies=[Depends(may("webhooks:read"))])
async def list_event_types() -> EventTypesView:
    """All types of events that webhooks can be told."""
    return EventTypesView(items=sorted(_types_of(Fact)))


@router.get("/webhooks", response_model=Listed[WebhookView], responses=LISTED)
async def list_webhooks(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[WebhookFilters, Query()]
) -> Any:
    """All webhooks, the oldest first."""
    principal.require_whole_organisation()
    find = partial(context.storage.webhooks.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, _view, "webhooks")


@router.post("/webhooks", status_code=201)
async def make_webhook(body: NewWebhookBody, principal: Writer, context: Context, response: Response) -> NewWebhookView:
    """Make a webhook. It is told what happens from now on."""
    principal.require_whole_organisation()
    new = NewWebhook(name=body.name, url=body.url, event_types=tuple(body.event_types), enabled=body.enabled)
    made = await context.services.webhooks.create(principal.organisation_id, new, principal.actor)
    response.headers["Location"] = f"/api/v1/webhooks/{made.webhook.id}"
    return _with_secret(made)


@router.get("/webhooks/{webhook_id}")
async def read_webhook(webhook_id: WebhookId, principal: Reader, context: Context) -> WebhookView:
    """One webhook."""
    principal.require_whole_organisation()
    return _view(await context.services.webhooks.get(principal.organisation_id, webhook_id))


@router.patch("/webhooks/{webhook_id}")
async def change_webhook(
    webhook_id: WebhookId, body: WebhookChanges, principal: Writer, context: Context
) -> WebhookView:
    """Change a webhook. Switched on again, it goes on where it stood; what failed is tried at once."""
    principal.require_whole_organisation()
    webhooks = context.services.webhooks
    return _view(await webhooks.update(principal.organisation_id, webhook_id, body.given(), from_now=body.from_now))


@router.delete("/webhooks/{webhook_id}", status_code=204)
async def delete_webhook(webhook_id: WebhookId, principal: Writer, context: Context) -> None:
    """Remove a webhook."""
    principal.require_whole_organisation()
    await context.services.webhooks.delete(principal.organisation_id, webhook_id)


@router.post("/webhooks/{webhook_id}/secret")
async def renew_webhook_secret(webhook_id: WebhookId, principal: Writer, context: Context) -> NewWebhookView:
    """Give it another secret. The old one signs nothing any more."""
    principal.require_whole_organisation()
    return _with_secret(await context.services.webhooks.new_secret(principal.organisation_id, webhook_id))


@router.post("/webhooks/{webhook_id}/test")
async def test_webhook(webhook_id: WebhookId, principal: Writer, context: Context) -> DeliveryView:
    """Deliver an event of the type `webhook.test` now, and tell what came of it."""
    principal.require_whole_organisation()
    webhook = await context.services.webhooks.get(principal.organisation_id, webhook_id)
    event = StoredEvent(
        id=0,
        organisation_id=webhook.organisation_id,
        station_id="",
        type="webhook.test",
        received_at=context.clock(),
        data={"name": webhook.name},
    )
    told = Told(f"test-{uuid4()}", event.type, "", event_of(event).body, "test")
    return DeliveryView.model_validate(await context.services.webhooks.attempt_and_note(webhook, told))


@router.get("/webhooks/{webhook_id}/deliveries", response_model=Listed[DeliveryView], responses=LISTED)
async def list_deliveries(
    webhook_id: WebhookId,
    principal: Reader,
    context: Context,
    wanted: WantedFormat,
    filters: Annotated[DeliveryFilters, Query()],
) -> Any:
    """What became of each attempt, the newest first."""
    principal.require_whole_organisation()
    webhook = await context.services.webhooks.get(principal.organisation_id, webhook_id)
    find = partial(context.storage.webhooks.deliveries, webhook.id, **filters.wanted())
    return await listing(filters, wanted, find, DeliveryView.model_validate, "webhook-deliveries")


@router.get("/webhooks/{webhook_id}/deliveries/{delivery_id}")
async def read_delivery(
    webhook_id: WebhookId, delivery_id: Id, principal: Reader, context: Context
) -> ToldDeliveryView:
    """One attempt, with what was sent."""
    principal.require_whole_organisation()
    webhook = await context.services.webhooks.get(principal.organisation_id, webhook_id)
    delivery, event = await _delivered(context, webhook, delivery_id)
    body = None if event is None else json.loads(event_of(event).body)
    told = DeliveryView.model_validate(delivery).model_dump()
    return ToldDeliveryView(**told, body=body)


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver")
async def redeliver(webhook_id: WebhookId, delivery_id: Id, principal: Writer, context: Context) -> DeliveryView:
    """Deliver the event of an attempt once more, now, under the id it had."""
    principal.require_whole_organisation()
    webhook = await context.services.webhooks.get(principal.organisation_id, webhook_id)
    before, event = await _delivered(context, webhook, delivery_id)
    if event is None:
        raise Conflict("event_gone", "This event is not kept any more, or was a test.")
    told = Told(before.event_id, event.type, event.station_id, event_of(event).body, "again")
    return DeliveryView.model_validate(await context.services.webhooks.attempt_and_note(webhook, told))


async def _delivered(context: ApiContext, webhook: Webhook, delivery_id: int) -> tuple[Delivery, StoredEvent | None]:
    """An attempt and its event, as far as it is kept. Raises NotFound."""
    found: Delivery | None = await context.storage.webhooks.delivery(webhook.id, delivery_id)
    if found is None:
        raise unknown("delivery", "delivery_unknown")
    number = int(found.event_id) if found.event_id.isdecimal() else 0
    return found, await context.storage.webhooks.event(number)


def _types_of(kind: type[Fact]) -> set[str]:
    own = {kind.event_type} if kind.event_type is not None and kind.stored_event else set()
    return own.union(*(_types_of(each) for each in kind.__subclasses__()))


def _view(webhook: Webhook) -> WebhookView:
    told = {name: getattr(webhook, name) for name in Webhook.__struct_fields__ if name != "sealed_secret"}
    return WebhookView.model_validate(told | {"next_at": webhook.next_at if webhook.attempts else None})


def _with_secret(made: MadeWebhook) -> NewWebhookView:
    return NewWebhookView(**_view(made.webhook).model_dump(), secret=made.secret)
