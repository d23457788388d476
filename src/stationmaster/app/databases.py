"""Opening the database that a URL names. The one place that names SQLite and PostgreSQL."""

from collections.abc import Callable

from stationmaster.app.config import Settings
from stationmaster.app.errors import StartError
from stationmaster.instants import Instant
from stationmaster.storage import Storage, StorageError
from stationmaster.storage.driver import Driver
from stationmaster.storage.migration import migrate
from stationmaster.storage.postgres import PostgresDriver
from stationmaster.storage.sqlite import SqliteDriver
from stationmaster.storage.urls import is_sqlite, sqlite_path

__all__ = ["database_url", "migrated", "open_storage", "shown_url"]

FILE_NAME = "stationmaster.sqlite"


def database_url(settings: Settings) -> str:
    """The URL of the database; without a setting, a file in the data folder."""
    if settings.database.url is None:
        return f"sqlite:///{(settings.node.data / FILE_NAME).absolute()}"
    url = settings.database.url.get_secret_value()
    return url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url


def shown_url(url: str) -> str:
    """A URL without its password and its options, which may hold one."""
    if is_sqlite(url):
        return url
    scheme, _, rest = url.partition("?")[0].partition("://")
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
    return SqliteDriver(sqlite_path(url)) if is_sqlite(url) else PostgresDriver(url)


def _make_folder(url: str) -> None:
    if is_sqlite(url):
        sqlite_path(url).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _why(url: str, error: Exception) -> str:
    words = (str(error) or type(error).__name__).splitlines()[0]
    return f"cannot open the database {shown_url(url)}: {words}"
