"""The command `stationmaster`. It reads what a person typed; the work is done below.

A mistake of the person is one line on standard error and exit code 2.
"""

import importlib.util
import sys

import typer
import typer.exceptions

from stationmaster.cli.api_key import keys
from stationmaster.cli.audit import audit
from stationmaster.cli.config import settings
from stationmaster.cli.migrate import migrate
from stationmaster.cli.serve import serve
from stationmaster.cli.user import user

__all__ = ["main"]

app = typer.Typer(
    name="stationmaster",
    help="A charging station management system: the central system of OCPP 1.6-J.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(serve)
app.command()(migrate)
app.add_typer(user, name="user")
app.add_typer(keys, name="api-key")
app.add_typer(audit, name="audit")
app.add_typer(settings, name="config")

for _name in ("demo", "simulate", "conformance"):
    # Each of these modules has a command, or a group of them, of its own name.
    if importlib.util.find_spec(f"{__name__}.{_name}") is not None:
        _command = getattr(importlib.import_module(f"{__name__}.{_name}"), _name)
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name)
        else:
            app.command(_name)(_command)


def main() -> None:
    """Run the command line."""
    for argument in sys.argv[1:]:
        if not _is_text(argument):
            _mistaken(f"{argument!a} is not text in UTF-8")
    # The other layers are imported by the commands that need them, so their errors are known by name only.
    try:
        code = app(standalone_mode=False, prog_name="stationmaster")
    except typer.exceptions.TyperException as mistake:
        _mistaken(_in_one_line(mistake))
    except typer.Abort:
        sys.exit(1)
    except Exception as error:
        if type(error).__name__ not in ("ConfigError", "StartError"):
            raise
        _mistaken(str(error))
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _is_text(argument: str) -> bool:
    """Bytes that are no UTF-8 come as lone surrogates, which can be written nowhere."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mistaken(line: str) -> None:
    if line:
        print(f"stationmaster: {line}", file=sys.stderr)  # noqa: T201 - the line for the person
    sys.exit(2)


def _in_one_line(mistake: typer.exceptions.TyperException) -> str:
    """What is wrong with what was typed, and where help is; empty where the help itself has just been printed."""
    words = " ".join(mistake.format_message().split()).rstrip(".").replace("Value error, ", "")
    context = getattr(mistake, "ctx", None)
    return f"{words} (try `{context.command_path} --help`)" if words and context is not None else words
