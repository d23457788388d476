"""Key families and what makes a key strong enough (handbook §4.7: RSA >= 2048 bits, EC >= 224 bits)."""

from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

__all__ = ["MINIMUM_BITS", "KeyFamily", "PrivateKey", "family_of", "new_key", "weakness_of"]

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""A key that signs certificates or proves who a server is."""


class KeyFamily(StrEnum):
    """RSA or elliptic curves: a station may know but one of them (§4.3)."""

    RSA = "rsa"
    EC = "ec"


MINIMUM_BITS: Final = {KeyFamily.RSA: 2048, KeyFamily.EC: 224}
_RSA_BITS: Final = {"authority": 3072, "leaf": 2048}
_RSA_EXPONENT: Final = 65537


def new_key(family: KeyFamily, *, authority: bool = False) -> PrivateKey:
    """Draw a key pair: P-256, or RSA of 2048 bits (3072 for an authority)."""
    if family is KeyFamily.EC:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS["authority" if authority else "leaf"])


def family_of(key: CertificatePublicKeyTypes) -> KeyFamily | None:
    """The family of a public key; None for kinds that charging does not use."""
    if isinstance(key, rsa.RSAPublicKey):
        return KeyFamily.RSA
    if isinstance(key, ec.EllipticCurvePublicKey):
        return KeyFamily.EC
    return None


def weakness_of(key: CertificatePublicKeyTypes) -> str | None:
    """Why a public key cannot be used, in words; None when it can."""
    family = family_of(key)
    if family is None:
        return "the key is neither RSA nor of an elliptic curve"
    bits = key.key_size  # type: ignore[union-attr]  # both families have it
    if bits < MINIMUM_BITS[family]:
        return f"the {family.value.upper()} key has {bits} bits; at least {MINIMUM_BITS[family]} are asked for"
    return None
