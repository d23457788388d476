"""`stationmaster simulate`: stations that live ordinary lives, against any central system."""

# ruff: noqa: PLC0415 - what a simulation needs is loaded only when there is one

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from stationmaster.conformance.life import Population

__all__ = ["line", "read_passwords", "simulate"]

REPORT_EVERY_S = 5.0


def simulate(  # noqa: PLR0913, PLR0917 - each argument is an option of the command line
    url: Annotated[str, typer.Argument(help="Where stations connect, without the identity: ws://HOST:9000/ocpp")],
    stations: Annotated[int, typer.Option(min=1, max=100_000, help="How many stations.")] = 10,
    prefix: Annotated[str, typer.Option(help="Identities are this and a number of four digits or more.")] = "SIM-",
    password: Annotated[str | None, typer.Option(help="Password of every station; none: no credentials.")] = None,
    passwords: Annotated[
        Path | None, typer.Option(help="File with IDENTITY,PASSWORD lines; its identities are the stations.")
    ] = None,
    id_tag: Annotated[
        list[str] | None, typer.Option(help="A tag that drivers come with; give it once for each.")
    ] = None,
    sessions_per_hour: Annotated[float, typer.Option(min=0, max=3600, help="Drivers at a free connector.")] = 1.0,
    connects_per_second: Annotated[float, typer.Option(min=0.1, max=10_000, help="How fast stations appear.")] = 20.0,
    history_hours: Annotated[float, typer.Option(min=0, max=8760, help="Begin so long ago and catch up.")] = 0.0,
    speed: Annotated[float, typer.Option(min=1, max=1000, help="How fast the past goes by.")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same stations and drivers.")] = 1,
    duration: Annotated[float | None, typer.Option(min=0, help="Stop after so many seconds.")] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="File with the root certificates that stations trust, PEM; else the system's.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Trust whoever answers at a wss:// address.")] = False,
) -> None:
    """Let simulated stations boot, charge and obey, against any OCPP 1.6-J central system."""
    import uvloop

    from stationmaster.conformance.life import Clock, Habits, Population, Resident
    from stationmaster.conformance.link import Target, now

    tls = trusting(ca_file, insecure=insecure) if is_secure(url) else None
    if passwords is not None:
        credentials = read_passwords(passwords)
    else:
        credentials = {f"{prefix}{number:04d}": password for number in range(1, stations + 1)}
    residents = [Resident(Target(url, identity, secret, tls=tls)) for identity, secret in credentials.items()]
    clock = Clock(now() - round(history_hours * 3600 * 1_000_000), speed if history_hours else 1.0)

    async def live() -> bool:
        habits = Habits(id_tag or [f"TAG{number:04d}" for number in range(1, 21)], sessions_per_hour)
        population = Population(residents, habits, clock, seed=seed, connects_per_second=connects_per_second)
        return await _watched(population, duration)

    with contextlib.suppress(KeyboardInterrupt):
        if not uvloop.run(live()):
            raise typer.Exit(1)


def is_secure(url: str) -> bool:
    """Whether stations connect over TLS. Raises `typer.BadParameter` for what is no address of a central system."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        if parts.scheme in ("ws", "wss") and parts.hostname and parts.port != 0:
            return parts.scheme == "wss"
    except ValueError:
        pass  # no port, or no name that can be looked up
    raise typer.BadParameter(f"{url} is no address such as ws://HOST:9000/ocpp", param_hint="URL")


def trusting(ca_file: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """How stations check who answers. Raises `typer.BadParameter`."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # an SSLError is one
        raise typer.BadParameter(f"cannot read {ca_file}: {error}", param_hint="--ca-file") from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def read_passwords(file: Path) -> dict[str, str | None]:
    """IDENTITY,PASSWORD lines; blank lines and lines that begin with # are passed over. Raises `typer.BadParameter`."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot read {file}: {error}", param_hint="--passwords") from error
    credentials: dict[str, str | None] = dict(_credentials(file, lines))
    if not credentials:
        raise typer.BadParameter(f"{file} names no station", param_hint="--passwords")
    return credentials


def line(seconds: float, books: Counter[str], stations: int, trouble: str | None = None) -> str:
    """One line about how it goes, with the reason of a refusal at its end."""
    return (
        f"{seconds:6.0f} s  {books['online']} of {stations} online, {books['charging']} charging; "
        f"{books['messages']:,} messages, {books['transactions']:,} transactions, {books['commands']:,} commands, "
        f"{books['failed']:,} failed, {books['refused']:,} connections refused" + (f" ({trouble})" if trouble else "")
    )


def _credentials(file: Path, lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for number, text in enumerate(lines, start=1):
        if not text.strip() or text.startswith("#"):
            continue
        identity, comma, secret = text.partition(",")
        if not comma or not identity.strip():
            raise typer.BadParameter(f"{file}, line {number}: IDENTITY,PASSWORD is expected", param_hint="--passwords")
        yield identity.strip(), secret.strip()


async def _watched(population: "Population", duration_s: float | None) -> bool:
    """Run, and print a line every few seconds and one at the end; whether any station ever came in."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    running = asyncio.create_task(population.run())
    try:
        while not running.done():
            left_s = REPORT_EVERY_S if duration_s is None else min(REPORT_EVERY_S, began + duration_s - loop.time())
            if left_s <= 0:
                break
            await asyncio.wait([running], timeout=left_s)
            seconds = loop.time() - began
            typer.echo(line(seconds, population.books(), len(population.stations), population.trouble()))
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    return population.books()["connections"] > 0
