"""What may be chosen about files: where they lie, how large they get, how stations reach them."""

from pathlib import Path

import msgspec

__all__ = ["FileSettings", "FtpAddress"]

MIB = 1024 * 1024


class FtpAddress(msgspec.Struct, frozen=True):
    """Where stations reach our FTP server. `host` None: where they reach us over HTTP."""

    port: int
    host: str | None = None


class FileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of the file service."""

    folder: Path = Path("data/files")
    """Nodes of a cluster share it."""
    base_url: str | None = None
    """How stations reach our HTTP port; None: as the one who asks for the transfer does."""
    firmware_limit_bytes: int = 512 * MIB
    upload_limit_bytes: int = 256 * MIB
    keep_free_bytes: int = 256 * MIB
    """No file may leave less than this on the disk: the database may lie there too."""
    pass_lifetime_s: int = 24 * 3600
    ftp: FtpAddress | None = None
