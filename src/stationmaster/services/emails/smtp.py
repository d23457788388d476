"""One conversation with a mail server (RFC 5321), in a thread of its own, and what the server says to it."""

import smtplib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from stationmaster.domain.alerts.words import one_line
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant
from stationmaster.services.email_settings import EmailSettings

__all__ = ["SmtpRefusal", "message_of", "send"]

_OK: Final = range(200, 400)
_PERMANENT: Final = 500


class SmtpRefusal(Exception):
    """The e-mail did not leave; the text says why in the server's words. `permanent`: it never will like this."""

    def __init__(self, words: str, *, permanent: bool = False) -> None:
        super().__init__(one_line(words, 500))
        self.permanent = permanent


def message_of(
    settings: EmailSettings, addresses: Sequence[str], subject: str, body: str, message_id: str, now: Instant
) -> EmailMessage:
    """The message. No text can become a header: each is one line, and the library refuses what is not."""
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.sender
    message["To"] = ", ".join(addresses)
    message["Subject"] = one_line(subject)
    message["Date"] = format_datetime(datetime.fromtimestamp(now // MICROSECONDS_PER_SECOND, UTC))
    message["Message-ID"] = f"<{message_id}@{settings.sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


def send(settings: EmailSettings, addresses: Sequence[str], message: EmailMessage) -> str:
    """Hand a message to the server; its last words. It blocks. Raises SmtpRefusal."""
    try:
        with _connected(settings) as server:
            return _spoken(server, settings, addresses, message)
    except smtplib.SMTPResponseException as error:
        words = f"{error.smtp_code} {_text(error.smtp_error)}"
        raise SmtpRefusal(words) from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # An error of TLS is an OSError too, and one of a certificate a ValueError.
        raise SmtpRefusal(f"{type(error).__name__}: {error}") from error


def _connected(settings: EmailSettings) -> smtplib.SMTP:
    if settings.tls == "implicit":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_s, context=_context(settings))
    server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
    if settings.tls == "starttls":
        try:
            server.starttls(context=_context(settings))
        except BaseException:
            server.close()
            raise
    return server


def _spoken(server: smtplib.SMTP, settings: EmailSettings, addresses: Sequence[str], message: EmailMessage) -> str:
    server.ehlo_or_helo_if_needed()
    if settings.username is not None:
        server.login(settings.username, settings.password or "")
    sender = settings.sender.rpartition("<")[2].rstrip(">")
    _taken(*server.mail(sender))
    refused: list[str] = []
    for address in addresses:
        code, words = server.rcpt(address)
        if code not in _OK:
            refused.append(f"{address}: {code} {_text(words)}")
    if len(refused) == len(addresses):
        raise SmtpRefusal("; ".join(refused), permanent=all(f": {_PERMANENT // 100}" in each for each in refused))
    answer = _taken(*server.data(message.as_bytes()))
    return answer if not refused else f"{answer} (not to {'; '.join(refused)})"


def _taken(code: int, words: bytes) -> str:
    told = f"{code} {_text(words)}"
    if code not in _OK:
        raise SmtpRefusal(told, permanent=code >= _PERMANENT)
    return one_line(told, 500)


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words


def _context(settings: EmailSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.ca_file)
