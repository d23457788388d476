"""E-mails about alerts, as text: one for one alert or for thousands.

The rule that shapes this file: however many alerts there are, an e-mail has so many lines and a subject of one
line. What stations and people wrote is one line wherever it stands, so nobody can write a header or a second mail.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from stationmaster.domain.alerts.kinds import SEVERITIES, Severity
from stationmaster.domain.alerts.nouns import Alert
from stationmaster.domain.alerts.words import one_line, summary_of, word
from stationmaster.instants import Instant, format_instant

__all__ = ["LISTED", "Email", "EmailState", "Written", "about_alerts", "test_email"]

LISTED: Final = 50
"""Alerts that an e-mail tells one by one."""
LONGEST_SUBJECT: Final = 150


class EmailState:
    """Where an e-mail stands."""

    WAITING: Final = "waiting"
    SENT: Final = "sent"
    FAILED: Final = "failed"
    """Given up."""


class Email(msgspec.Struct, frozen=True, kw_only=True):
    """An e-mail as it is kept."""

    id: str
    organisation_id: str
    recipient_id: str
    recipient_name: str
    addresses: tuple[str, ...]
    subject: str
    body: str
    alerts: int
    state: str
    attempts: int
    next_at: Instant
    claimed_until: Instant
    error: str | None
    created_at: Instant
    sent_at: Instant | None


class Written(msgspec.Struct, frozen=True):
    """Subject and text."""

    subject: str
    body: str


def about_alerts(
    news: Sequence[tuple[str, Alert]], language: str, organisation: str, list_name: str, ui_url: str | None
) -> Written:
    """What is told of alerts: (step, alert), the worst first. There is at least one."""
    ordered = sorted(news, key=lambda each: (-SEVERITIES.index(Severity(each[1].severity)), each[1].first_at))
    step, first = ordered[0]
    worst = word(first.severity, language)
    if len(ordered) == 1:
        state = "" if step == "raised" else f"{word('cleared', language)}: "
        subject = f"[{worst}] {state}{summary_of(first, language)}"
    else:
        subject = f"[{worst}] {word('alerts', language, count=len(ordered))}"
    lines = [_line(step, alert, language) for step, alert in ordered[:LISTED]]
    if len(ordered) > LISTED:
        lines.append(word("more", language, count=len(ordered) - LISTED))
    if len(ordered) > 1:
        counts = Counter((alert.kind, step) for step, alert in ordered)
        lines += ["", f"{word('by_kind', language)}:"]
        lines += [f"  {kind}, {word(step, language)}: {count}" for (kind, step), count in sorted(counts.items())]
    lines += ["", *_foot(language, organisation, list_name, ui_url)]
    return Written(one_line(subject, LONGEST_SUBJECT), "\n".join(lines) + "\n")


def test_email(language: str, organisation: str, list_name: str, ui_url: str | None) -> Written:
    """What is sent to see whether e-mails arrive."""
    subject = f"[Stationmaster] {word('test_subject', language)}"
    told = word("test", language, organisation=organisation, name=list_name)
    return Written(
        one_line(subject, LONGEST_SUBJECT), "\n".join([told, "", *_foot(language, organisation, list_name, ui_url)])
    )


def _line(step: str, alert: Alert, language: str) -> str:
    at = alert.first_at if step == "raised" else alert.cleared_at or alert.last_at
    moment = format_instant(at)[:16].replace("T", " ")
    site = f" ({word('sites', language, site=alert.site_id)})" if alert.site_id else ""
    times = f" x{alert.count}" if alert.count > 1 else ""
    told = one_line(summary_of(alert, language), 500)
    return f"{moment} UTC  {word(step, language)}  [{word(alert.severity, language)}]  {told}{site}{times}"


def _foot(language: str, organisation: str, list_name: str, ui_url: str | None) -> list[str]:
    see = [] if ui_url is None else [word("see", language, url=f"{ui_url}/alerts")]
    return [*see, word("why", language, name=list_name, organisation=organisation)]
