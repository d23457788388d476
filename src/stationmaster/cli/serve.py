"""`stationmaster serve`: a node."""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

from typing import Annotated

import typer

from stationmaster.cli.options import Config, Data, DatabaseUrl, loaded

__all__ = ["serve"]


def serve(
    data: Data = None,
    database_url: DatabaseUrl = None,
    ocpp_port: Annotated[
        str | None, typer.Option(metavar="N", help="Port for stations; 9000 if nothing is said.")
    ] = None,
    http_port: Annotated[
        str | None, typer.Option(metavar="N", help="Port for the API and the UI; 8080 if nothing is said.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="H", help="Address on which to listen; all if nothing is said.")
    ] = None,
    config: Config = None,
    accept_unknown: Annotated[
        bool,
        typer.Option(
            "--accept-unknown",
            help="Let every station in that comes without TLS, registered or not. For laboratories only.",
        ),
    ] = False,
) -> None:
    """Serve stations and the API until told to stop.

    Every setting may also be given in the environment or in a TOML file: see `stationmaster config show`.
    """
    found = loaded(
        config,
        node__data=data,
        node__host=host,
        database__url=database_url,
        ocpp__port=ocpp_port,
        ocpp__accept_unknown=accept_unknown or None,
        http__port=http_port,
    )
    from stationmaster.app.lifecycle import run
    from stationmaster.app.logs import configure_logs

    configure_logs(found.settings.log)
    raise typer.Exit(run(found.settings, sources=found.sources))
