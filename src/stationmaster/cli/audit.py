"""`stationmaster audit`: the audit log, proved and exported."""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.cli.options import Config, Data, DatabaseUrl, loaded

if TYPE_CHECKING:
    from stationmaster.services.audit import Proof

__all__ = ["audit"]

audit = typer.Typer(help="The audit log.", no_args_is_help=True)


@audit.command()
def verify(
    expect: Annotated[
        list[str] | None,
        typer.Option(metavar="ORGANISATION:LENGTH:HASH", help="A head that was written down before; may be repeated."),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Prove that no entry was changed, left out or put in; exit code 1 and what is wrong, if one was.

    The head of each chain is printed, and the node writes it into its log every hour: given back with
    --expect, it proves that nothing was cut off since.
    """
    settings = loaded(config, node__data=data, database__url=database_url).settings
    from stationmaster.app.administration import administration, head_of

    heads = [head_of(text) for text in expect or []]

    async def work() -> "list[Proof]":
        async with administration(settings) as found:
            return await found.prove(heads)

    proofs = asyncio.run(work())
    for proof in proofs:
        typer.echo(f"{'broken' if proof.flaws else 'whole'}  {proof.head}")
        for flaw in proof.flaws:
            typer.echo(f"  entry {flaw.sequence}: {flaw.words}")
    if any(proof.flaws for proof in proofs):
        raise typer.Exit(1)


@audit.command()
def export(
    organisation: Annotated[str, typer.Option(metavar="ID", help="Whose audit log.")] = "default",
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Print every entry as a line of JSON, the oldest first. Whoever has them can prove the chain by themselves."""
    settings = loaded(config, node__data=data, database__url=database_url).settings
    from stationmaster.app.administration import administration

    async def work() -> None:
        async with administration(settings) as found:
            async for line in found.audit_lines(organisation):
                typer.echo(line)

    asyncio.run(work())
