"""`stationmaster api-key`: keys of the API, made, listed and revoked on the machine of the node.

`create` prints the key alone on standard output, so that it can be put where it is needed.
"""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.cli.options import Config, Data, DatabaseUrl, loaded

if TYPE_CHECKING:
    from stationmaster.app.administration import Administration
    from stationmaster.app.config import Settings

__all__ = ["keys"]

keys = typer.Typer(help="Keys of the API.", no_args_is_help=True)


class Role(StrEnum):
    """What a key may do, from the least to the most."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    SECURITY_ADMIN = "security_admin"
    ADMIN = "admin"


@keys.command()
def create(
    role: Annotated[Role, typer.Option(help="What the key may do.")],
    name: Annotated[str, typer.Option(help="Who uses it, for lists and logs.")] = "made on the command line",
    days: Annotated[float | None, typer.Option(help="It expires after so many days.", min=0.001, max=36500)] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Make a key and print it, alone. It cannot be shown again."""
    settings = loaded(config, node__data=data, database__url=database_url).settings
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)

    async def work() -> str:
        async with _administration(settings) as administration:
            return await administration.create_api_key(name, role.value, expires_at)

    typer.echo(asyncio.run(work()))


@keys.command("list")
def list_keys(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """List all keys, revoked and expired ones included."""
    settings = loaded(config, node__data=data, database__url=database_url).settings

    async def work() -> list[str]:
        async with _administration(settings) as administration:
            return await administration.api_keys()

    for line in asyncio.run(work()):
        typer.echo(line)


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the key, as `list` shows it.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """End a key, at once."""
    settings = loaded(config, node__data=data, database__url=database_url).settings

    async def work() -> None:
        async with _administration(settings) as administration:
            await administration.revoke_api_key(key_id)

    asyncio.run(work())
    typer.echo(f"The key {key_id} opens nothing any more.")


@asynccontextmanager
async def _administration(settings: "Settings") -> "AsyncIterator[Administration]":
    from stationmaster.app.administration import administration

    async with administration(settings) as found:
        yield found
