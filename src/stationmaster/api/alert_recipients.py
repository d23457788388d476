"""Who gets e-mails about alerts, whether they arrive, and what became of each."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.values import Body, Filters, Listed, Moment, Text, View
from stationmaster.domain.alerts.emails import Email
from stationmaster.domain.alerts.kinds import Severity
from stationmaster.domain.alerts.recipients import QuietHours, Recipient, minute_of
from stationmaster.domain.errors import FieldError, Invalid
from stationmaster.services.emails.recipients import NewRecipient

router = APIRouter(tags=["Alerts"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("alerts:read"))]
Writer = Annotated[Principal, Depends(may("alerts:write"))]
RecipientId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
EmailId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Such as `22:00`.")]
Language = Literal["en", "de"]
Addresses = Annotated[list[Text], Field(min_length=1, max_length=50)]
Sites = Annotated[list[Text], Field(min_length=1, max_length=1000)]


class QuietHoursBody(Body):
    """When nothing is sent; it is held back until they end. `to` may lie on the next day."""

    time_zone: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$", examples=["Europe/Berlin"])
    start: Clock
    end: Clock
    days: list[Day] = Field(
        default=["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        min_length=1,
        max_length=7,
        description="On which days they begin.",
    )
    except_critical: bool = Field(default=True, description="Critical alerts are sent all the same.")

    def noun(self) -> QuietHours:
        """Minutes instead of texts. Raises Invalid."""
        return QuietHours(
            time_zone=self.time_zone,
            start=_minute("start", self.start),
            end=_minute("end", self.end),
            days=tuple(dict.fromkeys(self.days)),
            except_critical=self.except_critical,
        )


class QuietHoursView(View):
    """When nothing is sent."""

    time_zone: str
    start: str
    end: str
    days: list[str]
    except_critical: bool


class AlertRecipientView(View):
    """A list of addresses that get e-mails about alerts."""

    id: str
    name: str
    enabled: bool
    addresses: list[str]
    language: Language
    minimum_severity: Severity
    site_ids: list[str] | None = Field(description="Null: of every site, and what belongs to none.")
    tell_cleared: bool = Field(description="Whether they are told when an alert has ended.")
    quiet_hours: QuietHoursView | None
    created_at: Moment
    updated_at: Moment


class AlertRecipientChanges(Body):
    """What can be changed of a list. What is left out stays."""

    name: Text = Field(default="", min_length=1, max_length=100)
    addresses: Addresses = Field(default=[])
    enabled: bool = True
    language: Language = "en"
    minimum_severity: Severity = Field(default=Severity.WARNING, strict=False)
    site_ids: Sites | None = None
    tell_cleared: bool = False
    quiet_hours: QuietHoursBody | None = None

    def given(self) -> dict[str, Any]:
        """The members that were sent."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if "minimum_severity" in given:
            given["minimum_severity"] = self.minimum_severity.value
        if self.quiet_hours is not None:
            given["quiet_hours"] = self.quiet_hours.noun()
        return given


class NewAlertRecipient(AlertRecipientChanges):
    """A list to be made."""

    name: Text = Field(min_length=1, max_length=100)
    addresses: Addresses


class AlertRecipientFilters(Filters):
    """Lists are not narrowed."""


class MailServerView(View):
    """Where e-mails go out."""

    configured: bool
    host: str | None
    port: int | None
    tls: str | None
    sender: str | None


class TestedView(View):
    """What the mail server said to a test."""

    answer: str


class EmailView(View):
    """An e-mail about alerts."""

    id: str
    recipient_id: str
    recipient_name: str
    addresses: list[str]
    subject: str
    alerts: int = Field(description="How many alerts it tells of.")
    state: Literal["waiting", "sent", "failed"] = Field(description="`failed`: given up.")
    attempts: int
    next_at: Moment | None = Field(description="When it is tried again.")
    error: str | None = Field(description="What the mail server said when it was last tried in vain.")
    created_at: Moment
    sent_at: Moment | None


class EmailFilters(Filters):
    """What e-mails can be narrowed by."""

    state: Literal["waiting", "sent", "failed"] | None = None
    recipient_id: Text | None = None


@router.get("/alert-recipients/mail-server", dependencies=[Depends(may("alerts:read"))])
async def read_mail_server(context: Context) -> MailServerView:
    """Whether e-mails are sent at all."""
    settings = context.services.mailer.settings
    if settings is None:
        return MailServerView(configured=False, host=None, port=None, tls=None, sender=None)
    return MailServerView(
        configured=True, host=settings.host, port=settings.port, tls=settings.tls, sender=settings.sender
    )


@router.get("/alert-recipients", response_model=Listed[AlertRecipientView], responses=LISTED)
async def list_alert_recipients(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[AlertRecipientFilters, Query()]
) -> Any:
    """All lists, the oldest first."""
    principal.require_whole_organisation()
    find = partial(context.storage.alert_recipients.find, principal.organisation_id)
    return await listing(filters, wanted, find, _view, "alert-recipients")


@router.post("/alert-recipients", status_code=201)
async def make_alert_recipient(
    body: NewAlertRecipient, principal: Writer, context: Context, response: Response
) -> AlertRecipientView:
    """Make a list. It gets e-mails from now on."""
    principal.require_whole_organisation()
    new = NewRecipient(**body.given())
    made = await context.services.alert_recipients.create(principal.organisation_id, new)
    response.headers["Location"] = f"/api/v1/alert-recipients/{made.id}"
    return _view(made)


@router.get("/alert-recipients/{recipient_id}")
async def read_alert_recipient(recipient_id: RecipientId, principal: Reader, context: Context) -> AlertRecipientView:
    """One list."""
    principal.require_whole_organisation()
    return _view(await context.services.alert_recipients.get(principal.organisation_id, recipient_id))


@router.patch("/alert-recipients/{recipient_id}")
async def change_alert_recipient(
    recipient_id: RecipientId, body: AlertRecipientChanges, principal: Writer, context: Context
) -> AlertRecipientView:
    """Change a list."""
    principal.require_whole_organisation()
    given = body.given()
    return _view(await context.services.alert_recipients.update(principal.organisation_id, recipient_id, given))


@router.delete("/alert-recipients/{recipient_id}", status_code=204)
async def delete_alert_recipient(recipient_id: RecipientId, principal: Writer, context: Context) -> None:
    """Remove a list, and e-mails that wait for it."""
    principal.require_whole_organisation()
    await context.services.alert_recipients.delete(principal.organisation_id, recipient_id)


@router.post("/alert-recipients/{recipient_id}/test")
async def test_alert_recipient(recipient_id: RecipientId, principal: Writer, context: Context) -> TestedView:
    """Send a test to a list now, quiet hours or not, and tell what the mail server says."""
    principal.require_whole_organisation()
    found = await context.services.alert_recipients.get(principal.organisation_id, recipient_id)
    return TestedView(answer=await context.services.mailer.test(found))


@router.get("/alert-emails", response_model=Listed[EmailView], responses=LISTED)
async def list_alert_emails(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[EmailFilters, Query()]
) -> Any:
    """E-mails about alerts, the newest first: those that wait, were sent, or were given up."""
    principal.require_whole_organisation()
    find = partial(context.storage.emails.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, _email_view, "alert-emails")


@router.post("/alert-emails/{email_id}/retry")
async def retry_alert_email(email_id: EmailId, principal: Writer, context: Context) -> EmailView:
    """Try an e-mail again that was given up."""
    principal.require_whole_organisation()
    return _email_view(await context.services.mailer.retry(principal.organisation_id, email_id))


def _minute(field: str, text: str) -> int:
    minute = minute_of(text)
    if minute is None:
        words = "This is no time of day such as 22:00."
        raise Invalid("field_invalid", words, fields=(FieldError(f"quiet_hours.{field}", "invalid", words),))
    return minute


def _view(recipient: Recipient) -> AlertRecipientView:
    told = {name: getattr(recipient, name) for name in Recipient.__struct_fields__}
    quiet = recipient.quiet
    if quiet is not None:
        told["quiet_hours"] = {
            "time_zone": quiet.time_zone,
            "start": _clock(quiet.start),
            "end": _clock(quiet.end),
            "days": list(quiet.days),
            "except_critical": quiet.except_critical,
        }
    return AlertRecipientView.model_validate(told)


def _email_view(email: Email) -> EmailView:
    told = {name: getattr(email, name) for name in Email.__struct_fields__}
    return EmailView.model_validate(told | {"next_at": email.next_at if email.state == "waiting" else None})


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
