"""The seat of the certificate authority that signs what stations ask to have signed (handbook §4.7).

Nobody sits here until one is configured; then a station's SignCertificate is Accepted and the
signed chain follows in a command of its own, after the answer.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from stationmaster.services.presence import PresentStation

__all__ = ["CertificateAuthority", "Deliver"]

Deliver = Callable[[str], Awaitable[None]]
"""Sends the chain (PEM, leaf first, no root) to the station that asked."""


class CertificateAuthority(Protocol):
    """One who signs."""

    async def accepts(self, station: PresentStation, csr: str) -> bool:
        """Whether the request can be processed; cheap checks only, for the station waits (A02.FR.04)."""

    async def issue(self, station: PresentStation, csr: str, deliver: Deliver) -> None:
        """Sign and deliver; called once the station has its answer. Failures are told to the operator."""
