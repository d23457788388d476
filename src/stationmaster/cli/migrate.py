"""`stationmaster migrate`: the tables of the database, brought up to date."""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

import asyncio

import typer

from stationmaster.cli.options import Config, Data, DatabaseUrl, loaded

__all__ = ["migrate"]


def migrate(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Bring the tables up to date, before new nodes are started. What is up to date already stays as it is."""
    settings = loaded(config, node__data=data, database__url=database_url).settings
    from stationmaster.app.databases import database_url as url_of
    from stationmaster.app.databases import migrated, shown_url

    url = url_of(settings)
    asyncio.run(migrated(url))
    typer.echo(f"The tables of {shown_url(url)} are up to date.")
