"""Where settings come from: flags, then the environment, then a TOML file, then the defaults.

The rule that shapes this file: a mistake in a setting is one line that names the setting, the
place where it was said and what is wrong, and nothing starts. A name that nobody knows is a
mistake too, since it is nearly always a misspelt one.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from stationmaster.api.words import fault
from stationmaster.app.config import Settings

__all__ = ["ConfigError", "Loaded", "Setting", "environment_name", "load_settings"]

PREFIX = "STATIONMASTER_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
NOT_SETTINGS = re.compile(rf"{PREFIX}(CONFIG|TEST_.*|PORT|PORT_\d+_.*|SERVICE_(HOST|PORT)(_.*)?)")
"""The file of settings, what our tests are told, and what Kubernetes puts into a pod beside a service of our name."""
DEFAULT_FILE = Path("stationmaster.toml")
LONGEST_FILE_BYTES = 1024 * 1024
_LONGEST_SHOWN = 60


class ConfigError(Exception):
    """A setting is wrong; the text is one line for the person who made it."""


@dataclass(frozen=True)
class Setting:
    """One setting: section and name, its type and help, and what it is now."""

    section: str
    name: str
    info: FieldInfo
    value: Any
    source: str

    @property
    def key(self) -> str:
        """As in the TOML file: `section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def secret(self) -> bool:
        """Whether the value must not be shown."""
        return is_secret(self.info)


@dataclass(frozen=True)
class Loaded:
    """The settings in force and, for each that is not the default, where it came from."""

    settings: Settings
    sources: Mapping[str, str] = field(default_factory=dict)

    def each(self) -> Iterator[Setting]:
        """Every setting, in the order of the classes."""
        for section, name, info in each_field():
            value = getattr(getattr(self.settings, section), name)
            yield Setting(section, name, info, value, self.sources.get(f"{section}.{name}", "default"))


def each_field() -> Iterator[tuple[str, str, FieldInfo]]:
    """(section, name, field) of everything that can be set."""
    for section, model in sections().items():
        for name, info in model.model_fields.items():
            yield section, name, info


def sections() -> dict[str, type[BaseModel]]:
    """The sections by name."""
    found: dict[str, type[BaseModel]] = {}
    for section, info in Settings.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found[section] = info.annotation
    return found


def environment_name(section: str, name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{section}_{name}".upper()


def load_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
    default_file: Path | None = DEFAULT_FILE,
) -> Loaded:
    """Gather and check the settings.

    `flags` maps `section.name` to a value and a None is no flag. `file` must exist; without it
    STATIONMASTER_CONFIG names one, else `default_file` is read if there is one.

    Raises:
        ConfigError: a value is not allowed, a name is unknown, a file cannot be read.
    """
    environment = environment or {}
    values: dict[str, dict[str, Any]] = {section: {} for section in Settings.model_fields}
    sources: dict[str, str] = {}
    for given in (
        _from_file(_chosen_file(file, environment, default_file)),
        _from_environment(environment),
        [(key, value, _flag_name(key)) for key, value in (flags or {}).items() if value is not None],
    ):
        for key, value, source in given:
            section, _, name = key.partition(".")
            values[section][name] = value
            sources[key] = source
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_in_words(error, sources)) from None
    return Loaded(settings, sources)


# The file.


def _chosen_file(file: Path | None, environment: Mapping[str, str], default_file: Path | None) -> Path | None:
    if file is not None:
        return file
    if named := environment.get(CONFIG_VARIABLE):
        return Path(named)
    return default_file if default_file is not None and default_file.is_file() else None


def _from_file(file: Path | None) -> Iterator[tuple[str, Any, str]]:
    if file is None:
        return
    for section, content in _read_toml(file).items():
        known = sections().get(section)
        if known is None:
            raise ConfigError(f"{file}: unknown section [{section}]{_did_you_mean(section, sections())}")
        if not isinstance(content, dict):
            raise ConfigError(f"{file}: {section} is a section; write [{section}] and its settings below it")
        for name, value in content.items():
            if name not in known.model_fields:
                raise ConfigError(
                    f"{file}: unknown setting {section}.{name}{_did_you_mean(name, known.model_fields, section)}"
                )
            yield f"{section}.{name}", value, str(file)


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(LONGEST_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the configuration file {file}: {error.strerror}") from None
    if len(content) > LONGEST_FILE_BYTES:
        raise ConfigError(f"{file} is longer than {LONGEST_FILE_BYTES} bytes, so it is no configuration file")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))  # editors of Windows begin with a mark
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not written in UTF-8 (byte {error.start})") from None
    except (ValueError, RecursionError) as error:  # a ValueError that is no TOMLDecodeError: a number of 5,000 digits
        raise ConfigError(f"{file} is not TOML: {error}") from None


# The environment.


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Any, str]]:
    known = {environment_name(section, name): (section, name, info) for section, name, info in each_field()}
    for variable, text in environment.items():
        if variable in known:
            section, name, info = known[variable]
            yield f"{section}.{name}", _read_text(info, text), variable
        elif variable.endswith("_FILE") and _is_secret_variable(variable.removesuffix("_FILE"), known):
            section, name, _ = known[variable.removesuffix("_FILE")]
            yield f"{section}.{name}", _read_secret(variable, Path(text)), variable
        elif variable.startswith(PREFIX) and not NOT_SETTINGS.fullmatch(variable):
            raise ConfigError(f"unknown setting {variable} in the environment{_did_you_mean(variable, known)}")


def _is_secret_variable(variable: str, known: Mapping[str, tuple[str, str, FieldInfo]]) -> bool:
    return variable in known and is_secret(known[variable][2])


def _read_text(info: FieldInfo, text: str) -> Any:
    """The text as pydantic takes it: an empty one unsets what may be unset."""
    if text == "" and type(None) in get_args(info.annotation):
        return None
    return text


def _read_secret(variable: str, file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{variable} names {file}, which cannot be read: {_reason(error)}") from None


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "" if isinstance(error, OSError) else "it is not text"


# Words.


def _flag_name(key: str) -> str:
    return "--" + FLAGS.get(key, key.replace(".", "-")).replace("_", "-")


FLAGS = {
    "node.data": "data",
    "node.host": "host",
    "database.url": "database-url",
    "ocpp.port": "ocpp-port",
    "ocpp.accept_unknown": "accept-unknown",
    "http.port": "http-port",
}
"""The settings that have a flag of their own, and its name."""


def _in_words(error: ValidationError, sources: Mapping[str, str]) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"][:2])
    said = sources.get(key)
    place = f" (from {said})" if said else ""
    shown = "the value" if _hidden(key) else _short(first["input"])
    return f"{key}{place}: {shown} {fault(first)}"


def _hidden(key: str) -> bool:
    return any(key == f"{section}.{name}" and is_secret(info) for section, name, info in each_field())


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def is_secret(info: FieldInfo) -> bool:
    return "SecretStr" in str(info.annotation)


def _did_you_mean(name: str, known: Mapping[str, Any], section: str | None = None) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    prefix = f"{section}." if section else ""
    return f"; did you mean {prefix}{close[0]}?" if close else ""
