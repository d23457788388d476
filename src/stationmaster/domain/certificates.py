"""Certificates as a charging network keeps them: who signs, what was signed, what stations hold (handbook §4.4, §4.7).

The rule that shapes this file: a private key is never part of what is told. Where one is kept it is
sealed, and it stands beside the noun, not in it.
"""

from enum import StrEnum
from typing import Any, ClassVar, Final

import msgspec

from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant

__all__ = [
    "DAY_US",
    "AuthorityUse",
    "CertificateChanged",
    "CertificateCheck",
    "CertificateState",
    "InstalledRoot",
    "InstalledRootsReported",
    "RootUse",
    "ServerCertificate",
    "StationCertificate",
    "StoredAuthority",
]

DAY_US: Final = 86_400 * 1_000_000


class AuthorityUse(StrEnum):
    """What an authority is to us: one that signs now, one of ours that did, or somebody else's."""

    ISSUING = "issuing"
    RETIRED = "retired"
    TRUSTED = "trusted"
    """Client certificates that it signed are accepted, such as those from the factory."""
    KNOWN = "known"
    """Kept to be installed in stations, and to give names to what they report."""


class CertificateState(StrEnum):
    """The life of a station's certificate."""

    ISSUED = "issued"
    """Signed, and not known to be used."""
    ACTIVE = "active"
    """The station has come in with it."""
    REFUSED = "refused"
    """The station did not take it."""
    SUPERSEDED = "superseded"
    """The station has come in with a newer one."""
    REVOKED = "revoked"


class CertificateCheck(StrEnum):
    """How a client certificate must fit its station; its path is validated in any case (§4.4)."""

    STRICT = "strict"
    CN = "cn"
    PINNED = "pinned"


class RootUse(StrEnum):
    """What a root installed in a station vouches for."""

    CENTRAL_SYSTEM = "central_system"
    MANUFACTURER = "manufacturer"


class StoredAuthority(msgspec.Struct, frozen=True, kw_only=True):
    """An authority. `certificate` and `cross_certificate` (its key signed by the root before it) are PEM."""

    id: str
    organisation_id: str
    name: str
    use: str
    key_family: str
    certificate: str
    fingerprint: str
    subject: str
    not_before: Instant
    not_after: Instant
    cross_certificate: str | None = None
    pss: bool = False
    crl: str | None = None
    """The revocation list of an authority that is not ours, PEM."""
    crl_url: str | None = None
    crl_fetched_at: Instant | None = None
    created_at: Instant = 0
    updated_at: Instant = 0


class StationCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A station's client certificate. `serial_number` is the certificate's, hexadecimal; `chain` is PEM, leaf first."""

    id: str
    organisation_id: str
    station_id: str
    authority_id: str | None
    serial_number: str
    fingerprint: str
    subject: str
    issuer: str
    common_name: str | None
    key_family: str | None
    public_key_hash: str
    not_before: Instant
    not_after: Instant
    chain: str
    state: str
    state_reason: str | None = None
    job_id: str | None = None
    alerted_at: Instant | None = None
    created_at: Instant = 0
    updated_at: Instant = 0


class ServerCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """Our own certificate for one key family, the same on all nodes; `names` are what it stands for."""

    key_family: str
    organisation_id: str
    authority_id: str
    names: tuple[str, ...]
    chain: str
    sealed_key: bytes
    not_before: Instant
    not_after: Instant


class InstalledRoot(msgspec.Struct, frozen=True, kw_only=True):
    """A root that a station reports, by its hash data (§4.7)."""

    station_id: str
    organisation_id: str
    use: str
    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
    reported_at: Instant


class CertificateChanged(Fact, frozen=True, kw_only=True, gc=False):
    """A station's certificate is now like this."""

    event_type: ClassVar[str | None] = "certificate.changed"

    certificate: StationCertificate


class InstalledRootsReported(Fact, frozen=True, kw_only=True, gc=False):
    """A station told which roots of one use it holds: these and no others."""

    event_type: ClassVar[str | None] = "station.roots"

    use: str
    roots: tuple[InstalledRoot, ...]


def described(words: Any, **more: Any) -> dict[str, Any]:
    """The fields that a description of a certificate and the nouns here share."""
    shared = ("serial_number", "subject", "issuer", "common_name", "key_family", "not_before", "not_after")
    return {name: getattr(words, name) for name in shared} | {"fingerprint": words.fingerprint_sha256} | more
