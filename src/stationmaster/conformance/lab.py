"""The laboratory of one run: stations, tokens, what was configured, and the reusable states of handbook §5.1.

A case gets a `Lab` and tells its dialogue with it. Every station that it makes is checked when it leaves:
nothing wrong was said, nothing unexpected was asked.
"""

import asyncio
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from stationmaster.conformance.drivers import Driver, StationNeeded, TokenNeeded
from stationmaster.conformance.kit import CaseFailed, NotApplicable, must
from stationmaster.conformance.station import Request, ScriptedStation
from stationmaster.conformance.transcript import Transcript

__all__ = ["Lab", "LabSettings", "LabStation", "Measurement", "TlsSettings", "in_s", "now", "same"]


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What is needed for profiles 2 and 3. Files are PEM; the client certificate is for the station of profile 3."""

    url: str
    ca_file: str
    client_certificate_file: str | None = None
    client_key_file: str | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class LabSettings:
    """What the tool and the central system must agree on (handbook §9.2)."""

    url: str
    identity: str = "CONFORMANCE-1"
    tls_identity: str = "CONFORMANCE-2"
    certificate_identity: str = "CONFORMANCE-3"
    raising_identity: str = "CONFORMANCE-4"
    silent_identity: str = "CONFORMANCE-5"
    """The station that never answers, by which the response timeout is measured; "" leaves that out."""
    password: str = field(default_factory=lambda: secrets.token_hex(20).upper())
    """Drawn for each run; 40 hexadecimal digits."""
    serial_number: str = "SN-CONFORMANCE-3"
    connector_id: int = 1
    connectors: int = 2
    valid_id_tag: str = "CONF-VALID"
    second_id_tag: str = "CONF-SECOND"
    parent_id_tag: str = "CONF-PARENT"
    invalid_id_tag: str = "CONF-NOBODY"
    expired_id_tag: str = "CONF-EXPIRED"
    blocked_id_tag: str = "CONF-BLOCKED"
    stack_level: int = 0
    charging_rate_unit: str = "A"
    """A or W: 6 A or 6000 W are asked for."""
    number_phases: int = 3
    duration_s: int = 86_400
    composite_duration_s: int = 300
    certificate_algorithm: str = ""
    """RSA or ECDSA: how certificates of stations are signed. Empty: as the system likes."""
    firmware_url: str = "https://firmware.example.org/image.bin"
    upload_url: str = "https://files.example.org/upload"
    reservation_s: float = 5.0
    wait_s: float = 0.2
    """How long a simulated station takes between two steps."""
    quiet_s: float = 0.2
    """How long nothing more may come when a dialogue is over."""
    patience_s: float = 30.0
    """How long the central system may take to answer or to send what it was told to (§5.0: at least 30 s)."""
    case_limit_s: float = 120.0
    """How long a case may take in all."""
    tls: TlsSettings | None = None
    response_timeout_s: float | None = None
    """As configured in the system under test, if that is known: for the report."""

    def stations(self) -> list[StationNeeded]:
        """What must be registered."""
        needed = [StationNeeded(self.identity, 1, self.password)]
        if self.silent_identity:
            needed.append(StationNeeded(self.silent_identity, 1, self.password))
        if self.tls is not None:
            needed += [
                StationNeeded(self.tls_identity, 2, self.password),
                StationNeeded(self.certificate_identity, 3, self.password, self.serial_number),
                StationNeeded(self.raising_identity, 1, self.password, f"{self.serial_number}-R"),
            ]
        return needed

    def tokens(self) -> list[TokenNeeded]:
        """What must be registered; the invalid one must not."""
        return [
            TokenNeeded(self.valid_id_tag, parent_id_tag=self.parent_id_tag),
            TokenNeeded(self.second_id_tag, parent_id_tag=self.parent_id_tag),
            TokenNeeded(self.parent_id_tag, parent_id_tag=self.parent_id_tag),
            TokenNeeded(self.expired_id_tag, expires_at="2020-01-01T00:00:00Z"),
            TokenNeeded(self.blocked_id_tag, status="Blocked"),
        ]


@dataclass(slots=True)
class Measurement:
    """Answer times of one kind of request, in seconds."""

    action: str
    seconds: list[float] = field(default_factory=list)


class Lab:
    """One case's view of the run."""

    def __init__(
        self, settings: LabSettings, driver: Driver, transcript: Transcript, times: dict[str, Measurement]
    ) -> None:
        self.settings = settings
        self.driver = driver
        self.transcript = transcript
        self.times = times
        self.warnings: list[str] = []
        """What a person should know although it fails nothing."""
        self._pressed: list[asyncio.Task[None]] = []

    # Stations.

    @asynccontextmanager
    async def station(self, **changes: Any) -> AsyncIterator["LabStation"]:
        """The station of profile 1, connected; checked when it leaves."""
        settings = self.settings
        made = LabStation(
            self,
            changes.pop("url", settings.url),
            changes.pop("identity", settings.identity),
            password=changes.pop("password", settings.password),
            patience_s=settings.patience_s,
            **changes,
        )
        made.transcript = self.transcript
        async with made:
            yield made
            await self.settled()
            if made.connected:
                await made.silence(settings.quiet_s)

    @property
    def tls(self) -> TlsSettings:
        """The set-up for profiles 2 and 3. Raises NotApplicable."""
        if self.settings.tls is None:
            raise NotApplicable("no TLS listener was named")
        return self.settings.tls

    def tls_context(self, *, certificate: bool = False, ciphers: str | None = None) -> ssl.SSLContext:
        """A client's context: trusting the central system's root, with a client certificate or without."""
        tls = self.tls
        context = ssl.create_default_context(cafile=tls.ca_file)
        if ciphers is not None:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
        if certificate:
            if tls.client_certificate_file is None:
                raise NotApplicable("no client certificate was named")
            context.load_cert_chain(tls.client_certificate_file, tls.client_key_file)
        return context

    def tls_name(self) -> str:
        """The name under which the TLS listener is trusted."""
        return self.tls.server_name or urlsplit(self.tls.url).hostname or ""

    def tls_address(self) -> tuple[str, int]:
        """Host and port of the TLS listener."""
        parts = urlsplit(self.tls.url)
        return parts.hostname or "", parts.port or 443

    @contextmanager
    def files(self, *texts: str) -> Iterator[tuple[str, ...]]:
        """Texts as files that only we may read, as long as the block lasts."""
        with TemporaryDirectory() as folder:
            paths = [Path(folder) / str(index) for index in range(len(texts))]
            for path, text in zip(paths, texts, strict=True):
                path.touch(0o600)
                path.write_text(text)
            yield tuple(str(path) for path in paths)

    async def restore_password(self) -> None:
        """The station of profile 1 has its configured password again, for the cases that follow."""
        await self.driver.prepare([self.settings.stations()[0]], [])

    # Buttons.

    def press(self, action: str, payload: Mapping[str, Any], *, station_id: str | None = None) -> None:
        """Have the operator send something; what comes is seen at the station."""
        self.begin(self.driver.press(station_id or self.settings.identity, action, dict(payload)))

    def begin(self, pressing: Awaitable[None]) -> None:
        """Press any button; a refusal fails the case."""
        self._pressed.append(asyncio.ensure_future(pressing))

    async def settled(self) -> None:
        """The central system has taken in every answer that it waited for. Raises what a button raised."""
        pressed, self._pressed = self._pressed, []
        if pressed:
            done, late = await asyncio.wait(pressed, timeout=self.settings.patience_s)
            for task in late:
                task.cancel()
            for task in done:
                task.result()
            must(not late, "the central system did not take in the station's answer in time")

    async def drop(self) -> None:
        """The case is over, whatever became of it."""
        for task in self._pressed:
            task.cancel()
        await asyncio.gather(*self._pressed, return_exceptions=True)
        self._pressed = []

    async def pause(self) -> None:
        """What a station takes between two steps."""
        await asyncio.sleep(self.settings.wait_s)


class LabStation(ScriptedStation):
    """A scripted station that knows the lab's words and measures how fast it is answered."""

    def __init__(self, lab: Lab, url: str, identity: str, **options: Any) -> None:
        super().__init__(url, identity, **options)
        self.lab = lab

    async def call(self, action: str, payload: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Ask, and note how long the answer took."""
        began = time.perf_counter()
        answer = await super().call(action, payload, **options)
        self.lab.times.setdefault(action, Measurement(action)).seconds.append(time.perf_counter() - began)
        return answer

    async def obey(self, action: str, payload: Mapping[str, Any], *, within_s: float | None = None) -> Request:
        """Expect a request that an operator was told to send; a button that was refused says so at once."""
        waiting = asyncio.ensure_future(super().obey(action, payload, within_s=within_s))
        pressed = [task for task in self.lab._pressed if not task.done()]  # noqa: SLF001 -- its own lab
        try:
            while not waiting.done():
                await asyncio.wait([waiting, *pressed], return_when=asyncio.FIRST_COMPLETED)
                for task in [each for each in pressed if each.done()]:
                    pressed.remove(task)
                    if task.exception() is not None and not waiting.done():
                        task.result()
            return waiting.result()
        finally:
            waiting.cancel()

    def use_password(self, password: bytes) -> None:
        """What is presented from the next connection on."""
        self.target = replace(self.target, password=password)

    # The reusable states of §5.1.

    async def boot(self) -> None:
        """Booted: Accepted, and every connector is available."""
        await self.boot_only()
        await self.statuses("Available")

    async def boot_only(self) -> None:
        """Accepted; nothing is said of the connectors yet."""
        answer = await self.call(
            "BootNotification",
            {
                "chargePointVendor": "Stationmaster",
                "chargePointModel": "Conformance",
                "chargePointSerialNumber": self.lab.settings.serial_number[:25],
                "firmwareVersion": "1.0",
            },
        )
        must(answer["status"] == "Accepted", f"BootNotification was answered with {answer['status']}")
        must(answer["interval"] > 0, f"the heartbeat interval is {answer['interval']}")

    async def statuses(self, word: str, *, besides: int | None = None) -> None:
        """The same status for the station and each connector, but for `besides`."""
        for number in range(self.lab.settings.connectors + 1):
            if number != besides:
                await self.status(word, number)

    async def status(self, word: str, connector_id: int | None = None, error_code: str = "NoError") -> None:
        """A status of a connector."""
        number = self.lab.settings.connector_id if connector_id is None else connector_id
        body = {"connectorId": number, "errorCode": error_code, "status": word, "timestamp": now()}
        answer = await self.call("StatusNotification", body)
        must(answer == {}, f"StatusNotification was answered with {answer}")

    async def authorize(self, id_tag: str | None = None, wanted: str = "Accepted") -> dict[str, Any]:
        """Authorized, or not."""
        tag = id_tag or self.lab.settings.valid_id_tag
        info: dict[str, Any] = (await self.call("Authorize", {"idTag": tag}))["idTagInfo"]
        must(info["status"] == wanted, f"Authorize of {tag} was answered with {info['status']}, not {wanted}")
        return info

    async def start(self, id_tag: str | None = None, wanted: str = "Accepted", **more: Any) -> int:
        """A transaction begins; its id."""
        body = {
            "connectorId": self.lab.settings.connector_id,
            "idTag": id_tag or self.lab.settings.valid_id_tag,
            "meterStart": 1000,
            "timestamp": now(),
            **more,
        }
        answer = await self.call("StartTransaction", body)
        status = answer["idTagInfo"]["status"]
        must(status == wanted, f"StartTransaction was answered with {status}, not {wanted}")
        must(answer["transactionId"] > 0, f"the transaction id is {answer['transactionId']}")
        return int(answer["transactionId"])

    async def charge(self, **more: Any) -> int:
        """Charging; the id of the transaction."""
        await self.authorize()
        await self.status("Preparing")
        transaction_id = await self.start(**more)
        await self.status("Charging")
        return transaction_id

    async def stop(self, transaction_id: int, reason: str, **more: Any) -> None:
        """A transaction ends; the central system confirms."""
        body = {"transactionId": transaction_id, "meterStop": 2000, "timestamp": now(), "reason": reason, **more}
        await self.call("StopTransaction", body)


def now() -> str:
    """The present."""
    return in_s(0)


def in_s(seconds: float) -> str:
    """A moment so many seconds from now, as stations write it."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def same(sent: object, wanted: object, name: str) -> None:
    """Raise CaseFailed unless a field has the value that was asked for."""
    if sent != wanted:
        raise CaseFailed(f"{name} is {sent!r}, not {wanted!r}")
