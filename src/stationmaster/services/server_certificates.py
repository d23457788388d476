"""Our own certificates for stations that connect over TLS: one for each key family, made and renewed here (§4.3).

All nodes use the same ones. They are renewed after two thirds of their life, or when the names change.
"""

import asyncio
from ipaddress import ip_address

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from stationmaster.domain.certificates import ServerCertificate
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.services.authorities import Authorities, sealed, unsealed
from stationmaster.services.context import ServiceContext
from stationmaster.services.x509.authority import issue_server
from stationmaster.services.x509.keys import KeyFamily, new_key
from stationmaster.services.x509.pem import chain_text, describe

__all__ = ["KeyPair", "ServerCertificates"]


class KeyPair(msgspec.Struct, frozen=True):
    """A certificate chain and its private key, both PEM; the key is encrypted with `password`."""

    family: str
    chain: str
    key: bytes
    password: bytes


class ServerCertificates:
    """Makes and keeps them."""

    def __init__(self, context: ServiceContext, authorities: Authorities) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._secrets = context.secrets
        self._settings = context.settings.certificates
        self._authorities = authorities

    async def current(self, password: bytes) -> list[KeyPair]:
        """Both, made or renewed if need be; their keys encrypted with `password`."""
        stored = {each.key_family: each for each in await self._storage.authorities.servers()}
        pairs = []
        for family in KeyFamily:
            certificate = stored.get(family)
            if certificate is None or await self._is_due(certificate):
                certificate = await self._make(family)
            pairs.append(self._pair(certificate, password))
        return pairs

    async def _is_due(self, certificate: ServerCertificate) -> bool:
        issuer = await self._authorities.issuer(DEFAULT_ORGANISATION_ID, KeyFamily(certificate.key_family))
        life = certificate.not_after - certificate.not_before
        return (
            certificate.names != self._settings.server_names
            or certificate.authority_id != issuer.stored.id
            or self._clock() > certificate.not_before + life * 2 // 3
        )

    async def _make(self, family: KeyFamily) -> ServerCertificate:
        settings = self._settings
        issuer = await self._authorities.issuer(DEFAULT_ORGANISATION_ID, family)
        key = await asyncio.to_thread(new_key, family)
        leaf = issue_server(
            key.public_key(),
            issuer.authority,
            names=[_general_name(name) for name in settings.server_names],
            common_name=settings.server_names[0],
            organisation=settings.operator_name,
            serial=x509.random_serial_number(),
            now=self._clock(),
            lifetime_s=settings.server_lifetime_s,
        )
        words = describe(leaf)
        made = ServerCertificate(
            key_family=family.value,
            organisation_id=DEFAULT_ORGANISATION_ID,
            authority_id=issuer.stored.id,
            names=settings.server_names,
            chain=chain_text(leaf, issuer.above()),
            sealed_key=sealed(self._secrets, f"server {family}", key),
            not_before=words.not_before,
            not_after=words.not_after,
        )
        await self._storage.authorities.save_server(made)
        return made

    def _pair(self, certificate: ServerCertificate, password: bytes) -> KeyPair:
        key = unsealed(self._secrets, f"server {certificate.key_family}", certificate.sealed_key)
        written = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password),
        )
        return KeyPair(certificate.key_family, certificate.chain, written, password)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
