"""One node of a name at a data folder: a second one would take the stations of the first for its own, and for gone."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from stationmaster.app.config import Settings
from stationmaster.app.errors import StartError
from stationmaster.app.node import data_folder

__all__ = ["only_node"]


@contextmanager
def only_node(settings: Settings) -> Iterator[None]:
    """Keep other processes from being this node. Raises StartError when one is. However it ends, its hold ends too."""
    folder, name = data_folder(settings), settings.node.id
    try:
        file = (folder / f"{name}.lock").open("a")
    except OSError as error:
        raise StartError(f"cannot use the data folder {folder}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"a node `{name}` runs at the data folder {folder} already: stop it, or give this one another --data"
            ) from None
        except OSError:
            pass  # A file system that knows no locks, such as some network ones, is no reason not to start.
        yield
