"""E-mails about alerts, taken by a real SMTP server on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from stationmaster.domain.alerts.emails import Email
from stationmaster.domain.alerts.recipients import QuietHours
from stationmaster.domain.errors import Conflict, Unavailable
from stationmaster.domain.facts import SecurityEventReported, StationDisconnected
from stationmaster.services.context import ServiceSettings
from stationmaster.services.email_settings import EmailSettings
from stationmaster.services.emails.mailer import Mailer
from stationmaster.services.emails.recipients import NewRecipient
from tests.services.node import ORGANISATION, Clock, Node, open_node

PASSWORD = "the password of the mail server"
HOUR = 3600


class MailServer:
    """Takes mails, unless `answer` says otherwise."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answer = "250 taken as number 7"
        self.port = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- the name that aiosmtpd calls
        if self.answer.startswith("2"):
            self.mails.append(message_from_bytes(envelope.content or b"", policy=default))  # type: ignore[arg-type]  # of that policy
            self.recipients.append(list(envelope.rcpt_tos))
        return self.answer

    def authenticate(self, *given: Any) -> AuthResult:
        return AuthResult(success=given[-1].password == PASSWORD.encode(), handled=False)


@asynccontextmanager
async def listening(server: MailServer, **options: Any) -> AsyncIterator[MailServer]:
    loop = asyncio.get_running_loop()
    implicit = options.pop("ssl", None)
    made = await loop.create_server(
        lambda: SMTP(server, hostname="mail.test", **options), "127.0.0.1", server.port, ssl=implicit
    )
    server.port = made.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        made.close()


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with listening(MailServer()) as server:
        yield server


def to_server(server: MailServer, **words: Any) -> ServiceSettings:
    given = {"host": "127.0.0.1", "port": server.port, "tls": "none", "sender": "Lake <alerts@lake.test>", **words}
    return ServiceSettings(emails=EmailSettings(**given))


@pytest.fixture
async def node(database_url: str, mail: MailServer) -> AsyncIterator[Node]:
    async with open_node(database_url, settings=to_server(mail)) as running:
        running.clock.pass_s(1)
        yield running


async def told(node: Node, **words: Any) -> str:
    new = NewRecipient(**{"name": "Night shift", "addresses": ("a@lake.test", "b@lake.test"), **words})
    return (await node.services.alert_recipients.create(ORGANISATION, new)).id


async def tampered(node: Node, station_id: str = "CP7", info: str = "open") -> None:
    now = node.clock()
    event = SecurityEventReported(
        organisation_id=ORGANISATION, station_id=station_id, received_at=now, type="TamperDetectionActivated",
        occurred_at=now, technical_info=info, critical=True,
    )  # fmt: skip
    await node.storage.record([event])
    await node.services.alert_evaluator.advance(node.clock())


async def passed(node: Node, seconds: float) -> None:
    await node.services.mailer.advance(node.clock.pass_s(seconds))


async def emails(node: Node) -> list[Email]:
    return list((await node.storage.emails.find(ORGANISATION)).items)


async def test_an_alert_is_told_after_a_moment_and_once(node: Node, mail: MailServer) -> None:
    await node.station()
    await told(node)
    await tampered(node)
    await passed(node, 10)
    assert mail.mails == []
    await passed(node, 25)
    await passed(node, HOUR)
    (found,) = mail.mails
    assert found["Subject"] == "[critical] Security event TamperDetectionActivated at CP7: open"
    assert found["From"] == "Lake <alerts@lake.test>"
    assert mail.recipients == [["a@lake.test", "b@lake.test"]]
    text = found.get_content()
    assert "[critical]  Security event TamperDetectionActivated at CP7: open" in text
    assert "Night shift" in text
    (kept,) = await emails(node)
    assert (kept.state, kept.attempts, kept.alerts) == ("sent", 1, 1)


async def test_two_thousand_stations_that_go_offline_at_once_are_one_email(
    node: Node, mail: MailServer, database_url: str
) -> None:
    # What is counted is the e-mails; on the slower database a tenth shows that its statements say the same.
    count = 2000 if database_url.startswith("sqlite") else 200
    await told(node, language="de")
    await asyncio.gather(*(node.storage.stations.create(_station(f"CP-{number:04d}")) for number in range(count)))
    now = node.clock()
    for start in range(0, count, 100):
        await node.storage.record(
            [
                StationDisconnected(
                    organisation_id=ORGANISATION, station_id=f"CP-{number:04d}", received_at=now, connection_id=number,
                    epoch=1, close_code=1006, reason="-",
                )
                for number in range(start, start + 100)
            ]
        )  # fmt: skip
    await node.services.alert_evaluator.advance(node.clock())
    await node.services.alert_evaluator.advance(node.clock.pass_s(16 * 60))
    await passed(node, 31)
    await passed(node, 400)
    (found,) = mail.mails
    assert found["Subject"] == f"[Warnung] {count} Meldungen"
    text = found.get_content()
    assert f"station_offline, Neu: {count}" in text
    assert len(text.splitlines()) < 70
    (kept,) = await emails(node)
    assert kept.alerts == count


def _station(station_id: str) -> Any:
    from stationmaster.domain.stations import Station  # noqa: PLC0415 - only here

    return Station(id=station_id, organisation_id=ORGANISATION)


async def test_hostile_names_write_no_headers_and_no_second_mail(node: Node, mail: MailServer) -> None:
    await node.station("CP7", name="Deck")
    await told(node)
    await tampered(node, info="x\r\nBcc: everybody@lake.test\r\n\r\n.\r\nMAIL FROM:<evil@lake.test>\x00\u2028")
    await passed(node, 31)
    (found,) = mail.mails
    assert found["Bcc"] is None
    assert "\n" not in found["Subject"]
    assert mail.recipients == [["a@lake.test", "b@lake.test"]]


async def test_a_server_that_was_away_gets_the_email_when_it_is_back(node: Node, mail: MailServer) -> None:
    await node.station()
    await told(node)
    await tampered(node)
    mail.answer = "451 come back later"
    await passed(node, 31)
    (kept,) = await emails(node)
    assert (kept.state, kept.attempts, kept.error) == ("waiting", 1, "451 come back later")
    await passed(node, 30)
    assert (await emails(node))[0].attempts == 1, "it is not tried before its time"
    mail.answer = "250 taken"
    await passed(node, 31)
    assert len(mail.mails) == 1
    assert (await emails(node))[0].state == "sent"


async def test_an_email_that_nobody_takes_is_given_up_shown_and_told_by_an_alert(
    database_url: str, mail: MailServer
) -> None:
    mail.answer = "451 come back later"
    async with open_node(database_url, settings=to_server(mail, give_up_s=HOUR)) as node:
        node.clock.pass_s(1)
        await node.station()
        await told(node)
        await tampered(node)
        for _ in range(8):
            await passed(node, 1800)
        failed = [each for each in await emails(node) if each.state == "failed"]
        assert len(failed) == 1
        await node.services.alert_evaluator.advance(node.clock())
        found = await node.storage.alerts.find(ORGANISATION, kind=["email_undeliverable"])
        assert found.items[0].summary == (
            "An e-mail to the list Night shift could not be delivered: 451 come back later"
        )
        mail.answer = "250 taken"
        await node.services.mailer.retry(ORGANISATION, failed[0].id)
        await passed(node, 1)
        assert len(mail.mails) == 1
        await node.services.alert_evaluator.advance(node.clock())
        found = await node.storage.alerts.find(ORGANISATION, kind=["email_undeliverable"])
        assert found.items[0].state == "cleared"


async def test_quiet_hours_hold_back_and_lose_nothing(node: Node, mail: MailServer) -> None:
    await node.station()
    # It is 12:34 UTC, 13:34 in Berlin.
    quiet = QuietHours(time_zone="Europe/Berlin", start=13 * 60, end=7 * 60, except_critical=False)
    await told(node, quiet_hours=quiet)
    await tampered(node)
    await passed(node, 17 * HOUR)
    assert mail.mails == []
    await passed(node, HOUR)
    assert len(mail.mails) == 1


async def test_critical_alerts_may_break_quiet_hours(node: Node, mail: MailServer) -> None:
    await node.station()
    quiet = QuietHours(time_zone="Europe/Berlin", start=13 * 60, end=7 * 60)
    await told(node, quiet_hours=quiet)
    await tampered(node)
    await passed(node, 31)
    assert len(mail.mails) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_password_is_told_to_the_right_server_over_tls_only(tmp_path: Path, tls: str, sqlite_url: str) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    server = MailServer()
    options: dict[str, Any] = {"authenticator": server.authenticate}
    options |= {"tls_context": context} if tls == "starttls" else {"ssl": context, "auth_require_tls": False}
    async with listening(server, **options):
        words = {"host": "localhost", "tls": tls, "username": "lake", "password": PASSWORD}
        right = to_server(server, ca_file=tmp_path / "ca.pem", **words)
        async with open_node(sqlite_url, settings=right) as node:
            recipient = await node.services.alert_recipients.get(ORGANISATION, await told(node))
            assert await node.services.mailer.test(recipient) == "250 taken as number 7"
            assert server.mails[0]["Subject"] == "[Stationmaster] Test"
            wrong = to_server(server, ca_file=tmp_path / "ca.pem", **words | {"password": "another"})
            stranger = to_server(server, ca_file=tmp_path / "other.pem", **words)
            for settings, said in ((wrong, "535"), (stranger, "CERTIFICATE_VERIFY_FAILED")):
                mailer = Mailer(_with(node, settings))
                with pytest.raises(Unavailable, match=said):
                    await mailer.test(recipient)
    assert len(server.mails) == 1


def _with(node: Node, settings: ServiceSettings) -> Any:
    from dataclasses import replace  # noqa: PLC0415 - only here

    return replace(node.context, settings=settings)


async def test_without_a_server_nothing_piles_up_and_a_test_says_so(sqlite_url: str) -> None:
    async with open_node(sqlite_url, clock=Clock()) as node:
        await node.station()
        recipient = await node.services.alert_recipients.get(ORGANISATION, await told(node))
        await tampered(node)
        assert len(await node.storage.emails.waiting()) == 1
        await passed(node, 60)
        assert await node.storage.emails.waiting() == []
        with pytest.raises(Conflict, match=r"smtp\.host"):
            await node.services.mailer.test(recipient)
