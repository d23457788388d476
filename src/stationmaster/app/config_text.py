"""The settings as text: as `config show` prints them, and as `docs/configuration.md` tells them.

What `config show` prints is itself a valid configuration file; secrets and whatever is at its
default stand in comments.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from stationmaster.app.config import Settings
from stationmaster.app.config_sources import FLAGS, Loaded, Setting, each_field, environment_name, is_secret, sections

__all__ = ["ToldSetting", "configuration_document", "shown", "told_settings"]

HIDDEN = "********"
_WIDTH = 100


def shown(loaded: Loaded) -> str:
    """Every setting with its help, default and source, as TOML."""
    lines: list[str] = []
    section = None
    for setting in loaded.each():
        if setting.section != section:
            section = setting.section
            lines += ["", f"# {sections()[section].__doc__}", f"[{section}]"]
        lines += ["", *_setting_lines(setting)]
    return "\n".join(lines).lstrip("\n") + "\n"


class ToldSetting(NamedTuple):
    """A setting as the API tells it."""

    key: str
    description: str
    value: str | None
    default: str | None
    source: str
    secret: bool
    variable: str


def told_settings(settings: Settings, sources: Mapping[str, str]) -> list[ToldSetting]:
    """Every setting with its value and where that came from; secrets are hidden."""
    return [_told(setting) for setting in Loaded(settings, sources).each()]


def _told(setting: Setting) -> ToldSetting:
    hidden = HIDDEN if setting.secret and setting.value is not None else None
    return ToldSetting(
        key=setting.key,
        description=setting.info.description or "",
        value=hidden or _plain(setting.value),
        default=_plain(setting.info.default),
        source=setting.source,
        secret=setting.secret,
        variable=environment_name(setting.section, setting.name),
    )


def _plain(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else literal(value)


def configuration_document() -> str:
    """`docs/configuration.md`."""
    return "\n".join(_document_lines()) + "\n"


def _setting_lines(setting: Setting) -> Iterator[str]:
    yield from textwrap.wrap(setting.info.description or "", _WIDTH, initial_indent="# ", subsequent_indent="# ")
    yield f"# default: {literal(setting.info.default)}; from: {setting.source}"
    comment = "# " if setting.source == "default" or setting.secret or setting.value is None else ""
    value = HIDDEN if setting.secret and setting.value is not None else literal(setting.value)
    yield f"{comment}{setting.name} = {value}"


def literal(value: Any) -> str:
    """A value as TOML writes it; "none" where TOML has no word."""
    match value:
        case None:
            return "none"
        case SecretStr():
            return HIDDEN
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case Path():
            return json.dumps(str(value))
    return json.dumps(value, ensure_ascii=False)


_HEAD = """\
# Configuration

<!-- Written by `stationmaster config document`; a test holds it to the code. -->

A setting is taken from the first of these that names it: a flag of `stationmaster serve`, the environment variable
`STATIONMASTER_<SECTION>_<NAME>`, the TOML file (`--config FILE`, or the one that `STATIONMASTER_CONFIG` names, or
`stationmaster.toml` in the working directory), the default. Secrets may also be read from a file: put `_FILE` behind
the name of the variable and let it name the file.

`stationmaster config show` prints every setting with its value and where that came from, secrets hidden. A value that
is not allowed or a name that nobody knows is told in one line, and nothing starts (exit code 2).

A configuration file looks like this:

```toml
[ocpp]
port = 9000

[database]
url = "postgresql://stationmaster@db.example/stationmaster"
```"""


def _document_lines() -> Iterator[str]:
    yield _HEAD
    current = None
    for section, name, info in each_field():
        if section != current:
            current = section
            yield from ["", f"## [{section}]", "", sections()[section].__doc__ or "", ""]
            yield from ["| setting | meaning | value | default |", "|---|---|---|---|"]
        names = [f"`{name}`", f"`{environment_name(section, name)}`"]
        if flag := FLAGS.get(f"{section}.{name}"):
            names.append(f"`--{flag}`")
        default = "" if info.default is None else f"`{literal(info.default)}`"
        yield f"| {'<br>'.join(names)} | {info.description} | {_allowed(info)} | {default} |"


def _allowed(info: FieldInfo) -> str:
    """What may be written, in words."""
    if get_origin(info.annotation) is Literal:
        return ", ".join(f"`{kind}`" for kind in get_args(info.annotation))
    if is_secret(info):
        return "secret"
    kinds = [kind for kind in (get_args(info.annotation) or (info.annotation,)) if kind is not NoneType]
    names = {
        bool: "true or false",
        int: "whole number",
        float: "number",
        str: "text",
        Path: "path",
        SecretStr: "secret",
    }
    words = ", ".join(names.get(kind, "text") for kind in kinds)
    limits = [_limit(limit) for limit in info.metadata]
    return " ".join([words, *(limit for limit in limits if limit)])


def _limit(limit: Any) -> str:
    for attribute, words in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below")):
        if (bound := getattr(limit, attribute, None)) is not None:
            return f"{words} {bound:g}" if isinstance(bound, float) else f"{words} {bound}"
    return ""
