"""TLS for stations: contexts of the listeners, and new certificates without a dropped connection (handbook §4.3).

The rule that shapes this file: a context lives as long as its listener. What is new is loaded into it, so
that the next handshake has it and open connections go on; it is tried on the side first, so that a broken
file changes nothing.
"""

import hashlib
import secrets
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog

from stationmaster.app.config import TlsSettings
from stationmaster.app.errors import StartError
from stationmaster.instants import Instant
from stationmaster.services.server_certificates import KeyPair
from stationmaster.services.trust import Trust
from stationmaster.services.x509.pem import describe, read_certificates

__all__ = ["SUITES", "TlsDoors"]

log = structlog.get_logger(__name__)

SUITES: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""The four that the whitepaper asks for, two of them without forward secrecy, and their better kin."""

Pairs = Callable[[bytes], Awaitable[list[KeyPair]]]
"""Our own certificates, their keys encrypted with a password."""


class TlsDoors:
    """The contexts of a node: one that asks for a client certificate, one that insists on it."""

    def __init__(self, settings: TlsSettings, trust: Trust, own: Pairs) -> None:
        self._settings = settings
        self._trust = trust
        self._own = own
        self.shared = _context(ssl.CERT_OPTIONAL)
        self.certificate_only = _context(ssl.CERT_REQUIRED)
        self._loaded: dict[str, str] = {}
        self._anchors: set[str] = set()
        trust.on_load(self._load_anchors)

    async def prepare(self) -> None:
        """Load everything for the first time. Raises StartError with one line."""
        try:
            await self.refresh(0)
        except (OSError, ValueError) as error:
            raise StartError(f"cannot use the certificates for TLS: {error}") from None

    async def refresh(self, _now: Instant) -> None:
        """Load what has changed: files, our own certificates, who is trusted. Raises OSError for a broken file."""
        for pair in await self._pairs():
            # Not the key: the own ones are encrypted anew each time.
            digest = hashlib.sha256(pair.chain.encode()).hexdigest()
            if self._loaded.get(pair.family) == digest:
                continue
            self._load(pair)
            self._loaded[pair.family] = digest
            log.info("tls.certificate_loaded", family=pair.family)
        self._load_anchors()

    async def ends(self) -> dict[str, Instant]:
        """When certificates that are given as files end, by the family of their keys; ours are renewed in time."""
        if self._settings.rsa_certificate is None and self._settings.ec_certificate is None:
            return {}
        return {pair.family: describe(read_certificates(pair.chain)[0]).not_after for pair in await self._pairs()}

    async def _pairs(self) -> list[KeyPair]:
        settings = self._settings
        files = {
            "rsa": (settings.rsa_certificate, settings.rsa_key),
            "ec": (settings.ec_certificate, settings.ec_key),
        }
        given = {family: paths for family, paths in files.items() if paths[0] is not None}
        if not given:
            return await self._own(secrets.token_hex(32).encode())
        return [
            KeyPair(family, certificate.read_text(), (key or certificate).read_bytes(), b"")
            for family, (certificate, key) in given.items()
            if certificate is not None
        ]

    def _load(self, pair: KeyPair) -> None:
        """The library reads files only. Own keys are on disk for a moment, encrypted with a password that is not."""
        with tempfile.TemporaryDirectory(prefix="stationmaster-") as folder:
            chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
            chain.write_text(pair.chain)
            key.touch(mode=0o600)
            key.write_bytes(pair.key)
            for context in (_context(ssl.CERT_OPTIONAL), self.shared, self.certificate_only):
                context.load_cert_chain(chain, key, password=pair.password or None)

    def _load_anchors(self) -> None:
        """Who is no longer trusted stays in the context and is turned away by `Trust.check`."""
        for anchor in self._trust.anchors():
            if anchor not in self._anchors:
                self._anchors.add(anchor)
                for context in (self.shared, self.certificate_only):
                    context.load_verify_locations(cadata=anchor)


def _context(verify: ssl.VerifyMode) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(SUITES))
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.verify_mode = verify
    return context
