"""Certificate authorities: our own, made when first needed, and others that are trusted (handbook §4.4, §4.7).

The rule that shapes this file: a private key exists in clear only in memory. In the database it is sealed
under the pepper, which lies elsewhere. Each organisation has authorities of its own, one for each key family.
"""

import asyncio
from typing import Any, Final
from uuid import uuid4

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.certificates import AuthorityUse, CertificateState, StoredAuthority
from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound, Unavailable
from stationmaster.domain.identities import check_text
from stationmaster.services.context import ServiceContext
from stationmaster.services.signer import Signed, SigningRequest
from stationmaster.services.trust import Trust
from stationmaster.services.x509.authority import (
    Authority,
    Revoked,
    cross_sign,
    issue_root,
    issue_station,
    revocation_list,
)
from stationmaster.services.x509.keys import KeyFamily, PrivateKey, family_of, new_key, weakness_of
from stationmaster.services.x509.pem import chain_text, describe, is_authority, pem_of, read_certificates
from stationmaster.storage import errors as storage_errors

__all__ = ["CERTIFICATES", "LONGEST_CRL", "Authorities", "Issuer", "checked_list", "sealed", "unsealed"]

CERTIFICATES: Final = "certificates"
"""The kind of `Invalidate` that says: what the door knows of certificates has changed."""
LONGEST_NAME: Final = 100
LONGEST_PEM: Final = 64 * 1024
LONGEST_CRL: Final = 4 * 1024 * 1024
CRL_LIFETIME_S: Final = 7 * 86_400
USES_OF_OTHERS: Final = (AuthorityUse.TRUSTED, AuthorityUse.KNOWN)


class Issuer(msgspec.Struct, frozen=True):
    """One of our own authorities, ready to sign."""

    stored: StoredAuthority
    authority: Authority

    def above(self) -> list[x509.Certificate]:
        """What goes along with a leaf: how those who know only the root before this one get here."""
        cross = self.stored.cross_certificate
        return read_certificates(cross) if cross else []


class Authorities:
    """Keeps authorities, and signs with our own. It is a `Signer`."""

    def __init__(self, context: ServiceContext, trust: Trust) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._secrets = context.secrets
        self._settings = context.settings.certificates
        self._trust = trust
        self._issuers: dict[str, Issuer] = {}
        self._making = asyncio.Lock()

    async def ensure(self, organisation_id: str) -> list[StoredAuthority]:
        """The authorities that sign for an organisation, an RSA and an EC root; made if there are none."""
        return [(await self.issuer(organisation_id, family)).stored for family in KeyFamily]

    async def issuer(self, organisation_id: str, family: KeyFamily) -> Issuer:
        """The authority that signs keys of a family; made if there is none."""
        async with self._making:
            for stored in reversed(await self._storage.authorities.all(organisation_id)):
                if stored.use == AuthorityUse.ISSUING and stored.key_family == family:
                    return await self._opened(stored)
            # Two nodes that make the first one at once make the same row, and the second reads the first's.
            try:
                return await self._make(organisation_id, family, f"{organisation_id}:{family}:1")
            except storage_errors.Conflict:
                stored = await self.get(organisation_id, f"{organisation_id}:{family}:1")
                return await self._opened(stored)

    async def roll_over(self, organisation_id: str, family: KeyFamily) -> StoredAuthority:
        """Make a new root that the old one vouches for; from now on it signs, the old one stays trusted (§4.7)."""
        old = await self.issuer(organisation_id, family)
        new = await self._make(organisation_id, family, str(uuid4()), old)
        await self._storage.authorities.update(old.stored.id, {"use": AuthorityUse.RETIRED.value})
        self._issuers.pop(old.stored.id, None)
        await self.changed()
        return new.stored

    async def sign(self, request: SigningRequest) -> Signed:
        """See `Signer.sign`."""
        key = request.csr.public_key()
        family = family_of(key)
        if family is None:
            raise Unavailable("signing_failed", "The key of the request is of no kind that is signed here.")
        issuer = await self.issuer(request.organisation_id, family)
        leaf = await asyncio.to_thread(
            issue_station,
            key,
            issuer.authority,
            serial_number=request.common_name,
            organisation=request.organisation,
            serial=x509.random_serial_number(),
            now=self._clock(),
            lifetime_s=request.lifetime_s,
        )
        return Signed(leaf, chain_text(leaf, issuer.above()), issuer.stored.id)

    async def add(
        self, organisation_id: str, name: str, pem: str, use: str, crl_url: str | None = None
    ) -> StoredAuthority:
        """Keep somebody else's authority. Raises Invalid for what is none, Conflict for what is known."""
        label = check_text("name", name, LONGEST_NAME, required=True) or ""
        if use not in USES_OF_OTHERS:
            raise _invalid("use", f"`use` is one of {', '.join(USES_OF_OTHERS)}.")
        certificate = _read_authority(pem)
        words, now = describe(certificate), self._clock()
        stored = StoredAuthority(
            id=str(uuid4()),
            organisation_id=organisation_id,
            name=label,
            use=use,
            key_family=words.key_family or "",
            certificate=pem_of(certificate),
            fingerprint=words.fingerprint_sha256,
            subject=words.subject,
            not_before=words.not_before,
            not_after=words.not_after,
            crl_url=_checked_url(crl_url),
            created_at=now,
            updated_at=now,
        )
        try:
            await self._storage.authorities.create(stored, None)
        except storage_errors.Conflict as error:
            raise Conflict("authority_exists", "This certificate authority is kept already.") from error
        await self.changed()
        return stored

    async def update(self, organisation_id: str, authority_id: str, changes: dict[str, Any]) -> StoredAuthority:
        """Change name, use, revocation list or where it is fetched. Raises NotFound, Invalid, Conflict."""
        stored = await self.get(organisation_id, authority_id)
        given = dict(changes)
        if "name" in given:
            given["name"] = check_text("name", given["name"], LONGEST_NAME, required=True)
        if "use" in given and (stored.use not in USES_OF_OTHERS or given["use"] not in USES_OF_OTHERS):
            raise Conflict("authority_is_ours", "Only the use of somebody else's authority can be changed.")
        if given.get("crl") is not None:
            given["crl"] = checked_list(given["crl"].encode(), stored)
        if "crl_url" in given:
            given["crl_url"] = _checked_url(given["crl_url"])
        await self._storage.authorities.update(authority_id, given)
        await self.changed()
        return await self.get(organisation_id, authority_id)

    async def remove(self, organisation_id: str, authority_id: str) -> None:
        """Trust an authority no more. Raises NotFound, or Conflict for the one that signs."""
        stored = await self.get(organisation_id, authority_id)
        if stored.use == AuthorityUse.ISSUING:
            raise Conflict("authority_signs", "This authority signs at present: roll it over first.")
        await self._storage.authorities.delete(authority_id)
        self._issuers.pop(authority_id, None)
        await self.changed()

    async def get(self, organisation_id: str, authority_id: str) -> StoredAuthority:
        """An authority of the organisation. Raises NotFound."""
        found: StoredAuthority | None = await self._storage.authorities.get(authority_id)
        if found is None or found.organisation_id != organisation_id:
            raise NotFound("authority_unknown", "There is no such certificate authority.")
        return found

    async def revocation_list(self, organisation_id: str, authority_id: str) -> str:
        """The list of what was revoked, PEM: made now for our own, as it was brought for others. Raises NotFound."""
        stored = await self.get(organisation_id, authority_id)
        if await self._storage.authorities.sealed_key(authority_id) is None:
            if stored.crl is None:
                raise NotFound("crl_unknown", "There is no revocation list of this authority.")
            return stored.crl
        issuer = await self._opened(stored)
        revoked: list[Revoked] = []
        cursor: str | None = None
        while True:
            page = await self._storage.certificates.find(
                organisation_id, authority_id=authority_id, state=CertificateState.REVOKED, limit=500, cursor=cursor
            )
            revoked += [Revoked(int(each.serial_number, 16), each.updated_at) for each in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        now = self._clock()
        made = revocation_list(issuer.authority, revoked, number=now // 1_000_000, now=now, lifetime_s=CRL_LIFETIME_S)
        return made.public_bytes(serialization.Encoding.PEM).decode()

    async def changed(self) -> None:
        """Tell every node, this one first."""
        await self._trust.load()
        await self._bus.publish(INVALIDATE, encode(Invalidate(kind=CERTIFICATES, key="")))

    async def _make(
        self, organisation_id: str, family: KeyFamily, authority_id: str, old: Issuer | None = None
    ) -> Issuer:
        settings, now = self._settings, self._clock()
        key = await asyncio.to_thread(new_key, family, authority=True)
        number = len(await self._storage.authorities.all(organisation_id)) + 1
        name = f"{settings.operator_name} {family.upper()} Root {number}"
        authority = issue_root(
            key,
            common_name=name,
            organisation=settings.operator_name,
            serial=x509.random_serial_number(),
            now=now,
            lifetime_s=settings.root_lifetime_s,
            pss=settings.pss,
        )
        cross = None
        if old is not None:
            crossed = cross_sign(authority.certificate, old.authority, serial=x509.random_serial_number(), now=now)
            cross = pem_of(crossed)
        words = describe(authority.certificate)
        stored = StoredAuthority(
            id=authority_id,
            organisation_id=organisation_id,
            name=name,
            use=AuthorityUse.ISSUING.value,
            key_family=family.value,
            certificate=pem_of(authority.certificate),
            fingerprint=words.fingerprint_sha256,
            subject=words.subject,
            not_before=words.not_before,
            not_after=words.not_after,
            cross_certificate=cross,
            pss=settings.pss,
            created_at=now,
            updated_at=now,
        )
        await self._storage.authorities.create(stored, sealed(self._secrets, authority_id, key))
        issuer = self._issuers[authority_id] = Issuer(stored, authority)
        await self.changed()
        return issuer

    async def _opened(self, stored: StoredAuthority) -> Issuer:
        known = self._issuers.get(stored.id)
        if known is None:
            sealed_key = await self._storage.authorities.sealed_key(stored.id)
            if sealed_key is None:
                raise NotFound("authority_unknown", "There is no key of this certificate authority.")
            try:
                key = unsealed(self._secrets, stored.id, sealed_key)
            except ValueError as error:
                words = "The key of the authority was sealed under another pepper: restore the pepper from a backup."
                raise Unavailable("pepper_changed", words) from error
            certificate = read_certificates(stored.certificate)[0]
            known = self._issuers[stored.id] = Issuer(stored, Authority(certificate, key, stored.pss))
        return known


def sealed(secrets: Any, name: str, key: PrivateKey) -> bytes:
    """A private key as it is stored."""
    plain = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    data: bytes = secrets.seal(f"certificate key {name}", plain)
    return data


def unsealed(secrets: Any, name: str, data: bytes) -> PrivateKey:
    """The private key again. Raises ValueError when it was sealed under another pepper, or changed."""
    # Whoever can seal has made the key: to prove its primes anew would keep everybody waiting for a third of a second.
    plain = secrets.unseal(f"certificate key {name}", data)
    key: Any = serialization.load_der_private_key(plain, password=None, unsafe_skip_rsa_key_validation=True)
    private: PrivateKey = key
    return private


def _read_authority(pem: str) -> x509.Certificate:
    if len(pem) > LONGEST_PEM:
        raise _invalid("certificate", "The certificate is too long.")
    try:
        certificates = read_certificates(pem)
    except ValueError as error:
        raise _invalid("certificate", f"The certificate cannot be read: {error}.") from error
    if len(certificates) != 1:
        raise _invalid("certificate", "Bring one certificate at a time.")
    certificate = certificates[0]
    weakness = weakness_of(certificate.public_key())
    if weakness is not None:
        raise _invalid("certificate", f"The certificate cannot be used: {weakness}.")
    if not is_authority(certificate):
        raise _invalid("certificate", "This is no certificate of an authority (basicConstraints CA:TRUE).")
    return certificate


def checked_list(data: bytes, stored: StoredAuthority) -> str:
    """A revocation list of an authority, PEM or DER, as PEM. Raises Invalid for one that is none of its."""
    if len(data) > LONGEST_CRL:
        raise _invalid("crl", "The revocation list is too long.")
    try:
        pem = data.lstrip().startswith(b"-----BEGIN")
        listed = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
        key: Any = read_certificates(stored.certificate)[0].public_key()
        right = listed.is_signature_valid(key)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise _invalid("crl", "The revocation list cannot be read.") from error
    if not right:
        raise _invalid("crl", "The revocation list is not signed by this authority.")
    return listed.public_bytes(serialization.Encoding.PEM).decode()


def _checked_url(url: str | None) -> str | None:
    if url is not None and not url.startswith(("http://", "https://")):
        raise _invalid("crl_url", "A revocation list is fetched from http:// or https://.")
    return url


def _invalid(field: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, "invalid", words),))
