"""`stationmaster user`: people who may sign in, made and kept on the machine of the node.

A password is never an argument, which everybody on the machine could read: one is made and printed,
or read from standard input.
"""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from stationmaster.cli.api_key import Role
from stationmaster.cli.options import Config, Data, DatabaseUrl, loaded

if TYPE_CHECKING:
    from stationmaster.app.administration import Administration
    from stationmaster.app.config import Settings

__all__ = ["user"]

user = typer.Typer(help="People who may sign in.", no_args_is_help=True)

T = TypeVar("T")
Username = Annotated[str, typer.Argument(metavar="USERNAME")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input; else one is made and printed.")
]


@user.command()
def create(
    username: Username,
    role: Annotated[Role, typer.Option(help="What the user may do.")],
    organisation: Annotated[str, typer.Option(metavar="ID", help="Whose user it is.")] = "default",
    password_stdin: PasswordStdin = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Make a user and print the password that was made, alone. It cannot be shown again."""
    given = _password(password_stdin)
    _done(
        loaded(config, node__data=data, database__url=database_url).settings,
        lambda found: found.create_user(organisation, username, role.value, given),
        f"{username} may sign in.",
    )


@user.command("list")
def list_users(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """List all users, disabled ones included."""
    settings = loaded(config, node__data=data, database__url=database_url).settings
    for line in _run(settings, lambda found: found.users()):
        typer.echo(line)


@user.command("set-password")
def set_password(
    username: Username,
    password_stdin: PasswordStdin = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Give a user a new password, print it if it was made, and sign them out everywhere."""
    given = _password(password_stdin)
    _done(
        loaded(config, node__data=data, database__url=database_url).settings,
        lambda found: found.set_password(username, given),
        f"{username} has a new password.",
    )


@user.command()
def disable(username: Username, data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Keep a user out, from now on and everywhere."""
    settings = loaded(config, node__data=data, database__url=database_url).settings
    _run(settings, lambda found: found.set_disabled(username, True))
    typer.echo(f"{username} cannot sign in any more.")


@user.command()
def enable(username: Username, data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Let a disabled user in again."""
    settings = loaded(config, node__data=data, database__url=database_url).settings
    _run(settings, lambda found: found.set_disabled(username, False))
    typer.echo(f"{username} may sign in again.")


@user.command("remove-totp")
def remove_totp(username: Username, data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Let in a user who has lost their authenticator app and the recovery codes, by the password alone."""
    settings = loaded(config, node__data=data, database__url=database_url).settings
    _run(settings, lambda found: found.take_away_totp(username))
    typer.echo(f"{username} is asked for no code any more.")


def _password(from_stdin: bool) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else None


def _done(settings: "Settings", work: "Callable[[Administration], Awaitable[str | None]]", words: str) -> None:
    made = _run(settings, work)
    typer.echo(words if made is None else made)


def _run(settings: "Settings", work: "Callable[[Administration], Awaitable[T]]") -> T:
    from stationmaster.app.administration import administration

    async def worked() -> T:
        async with administration(settings) as found:
            return await work(found)

    return asyncio.run(worked())
