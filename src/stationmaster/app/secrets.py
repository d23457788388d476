"""Secrets that are made at the first start: the pepper, and the first administrator's way in.

There is no default password. The pepper is a file that only its owner reads; the secret is printed
once, when everything else works, and only hashes of it are kept.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from stationmaster.app.config import SecuritySettings
from stationmaster.app.config_checks import PEPPER_BYTES
from stationmaster.app.errors import StartError
from stationmaster.domain.errors import Conflict
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.services.authorities import unsealed
from stationmaster.services.organisations import Organisations
from stationmaster.services.secrets import SecretKeeper
from stationmaster.storage import Storage

__all__ = ["check_pepper", "first_secret", "pepper_of"]

FIRST_USERNAME = "admin"
_GENERATED_BYTES = 32


def pepper_of(settings: SecuritySettings, data: Path) -> bytes:
    """The key under which secrets are hashed: the setting, else the file in the data folder, made if missing.

    Raises StartError when the file cannot be read or made, or holds something else.
    """
    if settings.pepper is not None:
        return settings.pepper.get_secret_value().encode()
    file = data / "pepper"
    try:
        pepper = _read_or_make(file)
    except OSError as error:
        raise StartError(f"cannot use the secret file {file}: {error.strerror}") from None
    if not PEPPER_BYTES[0] <= len(pepper) <= PEPPER_BYTES[1]:
        raise StartError(f"{file} does not hold {PEPPER_BYTES[0]} to {PEPPER_BYTES[1]} bytes; restore it from a backup")
    return pepper


def _read_or_make(file: Path) -> bytes:
    # Written aside and linked into place: a file that is there is whole, and whoever comes second reads it.
    if not file.exists():
        aside = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(secrets.token_hex(_GENERATED_BYTES).encode())
                opened.flush()
                os.fsync(opened.fileno())
            with suppress(FileExistsError):
                os.link(aside, file)
        finally:
            aside.unlink()
    return file.read_bytes().strip()


async def check_pepper(storage: Storage, secrets: SecretKeeper, settings: SecuritySettings) -> None:
    """Raises StartError when the database was made under another pepper: no key and no password would count.

    It is seen by the keys of our own certificate authorities, which are sealed under it.
    """
    sealed = [(each.id, await storage.authorities.sealed_key(each.id)) for each in await storage.authorities.all()]
    keys = [(authority_id, key) for authority_id, key in sealed if key is not None]
    if settings.pepper_lost or not keys or any(_opens(secrets, *each) for each in keys):
        return
    raise StartError(
        "the database was made with another pepper: bring back the file `pepper` of its data folder, "
        "or what security.pepper was; if it is lost, see security.pepper_lost"
    )


def _opens(secrets: SecretKeeper, authority_id: str, key: bytes) -> bool:
    try:
        unsealed(secrets, authority_id, key)
    except ValueError:
        return False
    return True


async def first_secret(storage: Storage, organisations: Organisations) -> str | None:
    """The way in for the first administrator, if there never was any key or user; None otherwise.

    It is an API key and the first password of the user `admin`.
    """
    if (await storage.api_keys.find(limit=1)).items or (await storage.users.find(limit=1)).items:
        return None
    try:
        return (await organisations.first_administrator(DEFAULT_ORGANISATION_ID, FIRST_USERNAME)).secret
    except Conflict:
        return None  # another node that started in the same moment was faster, and has told it
