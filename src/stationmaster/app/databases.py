"""Opening the database that a URL names. The one place that names SQLite and PostgreSQL."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stationmaster.app.config import Settings
from stationmaster.app.errors import StartError
from stationmaster.instants import Instant
from stationmaster.storage import Storage, StorageError
from stationmaster.storage.driver import Driver
from stationmaster.storage.migration import migrate
from stationmaster.storage.postgres import PostgresDriver
from stationmaster.storage.sqlite import SqliteDriver

__all__ = ["database_url", "migrated", "open_storage", "shown_url"]

FILE_NAME = "stationmaster.sqlite"


def database_url(settings: Settings) -> str:
    """The URL of the database; without a setting, a file in the data folder."""
    if settings.database.url is None:
        return f"sqlite:///{(settings.node.data / FILE_NAME).absolute()}"
    url = settings.database.url.get_secret_value()
    return url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url


def shown_url(url: str) -> str:
    """A URL without its password."""
    scheme, _, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{place}"


async def migrated(url: str) -> None:
    """Bring the tables up to date. Raises StartError."""
    try:
        _make_folder(url)
        await migrate(url)
    except (StorageError, OSError) as error:
        raise StartError(_why(url, error)) from error


async def open_storage(url: str, node_id: str, clock: Callable[[], Instant]) -> Storage:
    """The storage at `url`, open. Raises StartError."""
    storage = Storage(_driver(url), node_id, clock)
    try:
        await storage.open()
    except (StorageError, OSError) as error:
        raise StartError(_why(url, error)) from error
    return storage


def _driver(url: str) -> Driver:
    return SqliteDriver(_path(url)) if url.startswith("sqlite:") else PostgresDriver(url)


def _path(url: str) -> Path:
    """`sqlite:///relative` and `sqlite:////absolute`, as SQLAlchemy reads them."""
    return Path(unquote(urlsplit(url).path).removeprefix("/"))


def _make_folder(url: str) -> None:
    if url.startswith("sqlite:"):
        _path(url).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _why(url: str, error: Exception) -> str:
    words = (str(error) or type(error).__name__).splitlines()[0]
    return f"cannot open the database {shown_url(url)}: {words}"
