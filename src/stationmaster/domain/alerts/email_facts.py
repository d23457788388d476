"""What happens to e-mails, as facts."""

from typing import ClassVar

from stationmaster.domain.facts import Fact

__all__ = ["EmailFailed", "EmailSent"]


class EmailSent(Fact, frozen=True, kw_only=True, gc=False):
    """The mail server has taken an e-mail."""

    event_type: ClassVar[str | None] = "email.sent"

    email_id: str
    recipient_id: str
    alerts: int


class EmailFailed(Fact, frozen=True, kw_only=True, gc=False):
    """An e-mail was given up."""

    event_type: ClassVar[str | None] = "email.failed"

    email_id: str
    recipient_id: str
    recipient_name: str
    error: str
