"""How e-mails leave."""

from pathlib import Path

import msgspec

__all__ = ["EmailSettings"]


class EmailSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How e-mails leave. `tls`: none, starttls (port 587) or implicit (port 465)."""

    host: str
    port: int = 587
    tls: str = "starttls"
    username: str | None = None
    password: str | None = None
    sender: str = "stationmaster@localhost"
    timeout_s: float = 20.0
    ca_file: Path | None = None
    gather_s: float = 30.0
    """How long alerts are gathered before they are told."""
    interval_s: float = 300.0
    """How far apart e-mails to one list are, unless one tells of something critical."""
    give_up_s: float = 24 * 3600.0
    ui_url: str | None = None
