"""Whether the signature of an image is right, found before it is offered to a station (handbook §4.10).

The rule that shapes this file: the digest of the image is enough, so no image is read twice. What we
cannot check, we say we cannot check; an operator decides.
"""

from base64 import b64decode
from binascii import Error as Base64Error

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from stationmaster.domain.errors import FieldError, Invalid
from stationmaster.domain.firmware import SignatureState
from stationmaster.services.x509.pem import read_certificates

__all__ = ["check_certificate", "check_signature", "signature_state"]

LONGEST_CERTIFICATE = 5500
LONGEST_SIGNATURE = 800


def check_certificate(text: str | None) -> str | None:
    """A signing certificate as stations get it; raises Invalid when it is none, or longer than 5500 characters."""
    if text is None or not text.strip():
        return None
    plain = text.replace("\r\n", "\n").strip() + "\n"
    if len(plain) > LONGEST_CERTIFICATE:
        raise _invalid("signing_certificate", f"A signing certificate has at most {LONGEST_CERTIFICATE} characters.")
    try:
        read_certificates(plain)
    except ValueError as error:
        raise _invalid("signing_certificate", f"The signing certificate cannot be read: {error}.") from error
    return plain


def check_signature(text: str | None) -> str | None:
    """A signature in base64 without line ends; raises Invalid when it is none, or longer than 800 characters."""
    if text is None or not text.strip():
        return None
    plain = "".join(text.split())
    if len(plain) > LONGEST_SIGNATURE:
        raise _invalid("signature", f"A signature has at most {LONGEST_SIGNATURE} characters of base64.")
    try:
        b64decode(plain, validate=True)
    except (Base64Error, ValueError) as error:
        raise _invalid("signature", "The signature is not base64.") from error
    return plain


def signature_state(sha256: str, certificate: str | None, signature: str | None) -> SignatureState:
    """What there is to say of a signature over the image with this digest (hex). RSA-PSS and ECDSA are checked."""
    if certificate is None or signature is None:
        return SignatureState.NONE
    key = read_certificates(certificate)[0].public_key()
    digest, raw = bytes.fromhex(sha256), b64decode(signature)
    prehashed = Prehashed(hashes.SHA256())
    try:
        if isinstance(key, rsa.RSAPublicKey):
            scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
            key.verify(raw, digest, scheme, prehashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(raw, digest, ec.ECDSA(prehashed))
        else:
            return SignatureState.UNKNOWN
    except InvalidSignature:
        return SignatureState.INVALID
    return SignatureState.VALID


def _invalid(field: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, "unusable", words),))
