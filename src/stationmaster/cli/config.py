"""`stationmaster config`: what can be set, what is set, and where that was said."""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

from typing import Annotated

import typer

from stationmaster.cli.options import Config, Data, DatabaseUrl, loaded

__all__ = ["settings"]

settings = typer.Typer(help="Settings.", no_args_is_help=True)


@settings.command()
def show(
    config: Config = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    ocpp_port: Annotated[str | None, typer.Option(metavar="N", help="As for `serve`.")] = None,
    http_port: Annotated[str | None, typer.Option(metavar="N", help="As for `serve`.")] = None,
    host: Annotated[str | None, typer.Option(metavar="H", help="As for `serve`.")] = None,
) -> None:
    """Print every setting with its meaning, its default, its value and where that came from. Secrets are hidden.

    What is printed is a configuration file.
    """
    from stationmaster.app.config_text import shown

    found = loaded(
        config, node__data=data, node__host=host, database__url=database_url, ocpp__port=ocpp_port, http__port=http_port
    )
    typer.echo(shown(found), nl=False)


@settings.command(hidden=True)
def document() -> None:
    """Print docs/configuration.md."""
    from stationmaster.app.config_text import configuration_document

    typer.echo(configuration_document(), nl=False)
