"""The flags that several commands share. They are text; the configuration says what is wrong with one."""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from stationmaster.app.config_sources import Loaded

__all__ = ["Config", "Data", "DatabaseUrl", "loaded"]

Data = Annotated[str | None, typer.Option("--data", metavar="DIR", help="Folder for everything that the node keeps.")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/NAME.")
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A TOML file with settings.")]


def loaded(config: Path | None, **flags: Any) -> "Loaded":
    """The settings in force; `flags` by `section__name`. Raises ConfigError."""
    from stationmaster.app.config_sources import load_settings

    return load_settings(
        flags={key.replace("__", "."): value for key, value in flags.items()}, environment=os.environ, file=config
    )
