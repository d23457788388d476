"""The sections about telling others: e-mails and webhooks."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from stationmaster.app.config_checks import check_base_url
from stationmaster.app.config_section import Seconds, Section

__all__ = ["SmtpSettings", "WebhookSettings"]

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class SmtpSettings(Section):
    """The mail server that takes e-mails about alerts. Without a host there are none."""

    host: str | None = Field(default=None, min_length=1, description="Name of the mail server; empty: no e-mails.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=587, description="Port of the mail server.")
    tls: Literal["none", "starttls", "implicit"] = Field(
        default="starttls",
        description="starttls: encrypt after the greeting (port 587); implicit: from the start (port 465); "
        "none: not at all, and then without a password unless the server is on this machine.",
    )
    username: str | None = Field(default=None, min_length=1, description="Who we are to it; empty: nobody.")
    password: SecretStr | None = Field(default=None, description="Password of that user.")
    sender: str = Field(
        default="stationmaster@localhost",
        max_length=200,
        pattern=r"^([^<>@\x00-\x1f\x7f\",;:]+ <[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+>|[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+)$",
        description="From whom e-mails are: `alerts@example.org` or `Stationmaster <alerts@example.org>`.",
    )
    timeout_s: Seconds = Field(default=20, description="How long the server may take for each step.")
    ca_file: Path | None = Field(
        default=None, description="PEM file with authorities that are believed instead of those of the system."
    )
    gather_s: float = Field(
        default=30, ge=0, le=3600, description="How long alerts are gathered, so that a flood of them is one e-mail."
    )
    interval_s: float = Field(
        default=300,
        ge=0,
        le=86400,
        description="How far apart e-mails to one list are, unless one tells of something critical.",
    )
    give_up_hours: float = Field(
        default=24, gt=0, le=720, description="How long an e-mail is tried before it is given up."
    )
    ui_url: Annotated[str, AfterValidator(check_base_url)] | None = Field(
        default=None, description="Address of the UI, put into e-mails, such as https://csms.example.org."
    )

    @model_validator(mode="after")
    def _keeps_the_password(self) -> Self:
        if self.username is not None and self.tls == "none" and self.host not in THIS_MACHINE:
            raise ValueError("a password is not sent without TLS: set tls to starttls or implicit")
        return self


class WebhookSettings(Section):
    """Webhooks: events, told to other programs. Which addresses they may have: security.private_hosts."""

    timeout_s: float = Field(default=10, gt=0, le=60, description="How long a receiver may take to answer.")
    concurrency: int = Field(default=20, ge=1, le=200, description="Deliveries at a time.")
    give_up_hours: float = Field(
        default=24, gt=0, le=720, description="A webhook that could not be reached for so long is switched off."
    )
