"""Where a database is, by its URL. Everybody who opens one asks here, so that all mean the same file or server."""

from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

__all__ = ["check_url", "is_sqlite", "sqlite_path"]

_SQLITE: Final = "sqlite:///"


def is_sqlite(url: str) -> bool:
    """Whether the URL names a file."""
    return url.startswith("sqlite:")


def sqlite_path(url: str) -> Path:
    """The file of `sqlite:///relative` or `sqlite:////absolute`: whatever follows, letter by letter."""
    return Path(url.removeprefix(_SQLITE))


def check_url(url: str) -> None:
    """Raises ValueError, in words for whoever wrote it, for a URL that names no single database."""
    if is_sqlite(url):
        _check_sqlite(url)
    elif url.startswith(("postgresql:", "postgres:")):
        _check_postgresql(url)
    else:
        raise ValueError("a database URL begins with sqlite:/// or postgresql://")


def _check_sqlite(url: str) -> None:
    path = url.removeprefix(_SQLITE)
    if not url.startswith(_SQLITE) or not path.strip("/"):
        raise ValueError("a SQLite URL names a file: sqlite:///relative/FILE or sqlite:////absolute/FILE")
    if path == ":memory:":
        raise ValueError("a database in memory forgets what was confirmed: name a file")
    if "?" in path or "#" in path or "\0" in path:
        raise ValueError("a SQLite URL is a file's name alone, without options")


def _check_postgresql(url: str) -> None:
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
        port = parts.port
    except ValueError:
        words = "the port or the options cannot be read; special letters in a password are written like %2F or %23"
        raise ValueError(words) from None
    if port == 0:
        raise ValueError("no server listens on port 0")
    if parts.fragment or "\0" in url:
        raise ValueError("special letters in a password are written like %2F or %23")
    if not parts.hostname and "host" not in query:
        raise ValueError("a PostgreSQL URL names the server: postgresql://USER:PASSWORD@HOST/NAME")
    if not parts.path.strip("/") and "dbname" not in query:
        raise ValueError("a PostgreSQL URL names the database: postgresql://USER:PASSWORD@HOST/NAME")
    if parts.path.count("/") > 1:
        raise ValueError("a / in a user's name or password is written %2F")
