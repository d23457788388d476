"""Certificate signing requests of stations: cheap checks, done before the station is answered (handbook §4.7)."""

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from stationmaster.services.x509.keys import weakness_of

__all__ = ["RequestReading", "contains_whole", "read_request"]

_DELIMITERS = frozenset("-_.: ")


class RequestReading(msgspec.Struct, frozen=True):
    """What was found in a request: with a `refusal` it is answered Rejected; `warnings` are for the operator."""

    request: x509.CertificateSigningRequest | None
    refusal: str | None
    warnings: tuple[str, ...] = ()


def read_request(
    text: str, *, serial_number: str | None, organisation: str | None, strict: bool = False
) -> RequestReading:
    """Read a PEM PKCS#10 request and check signature, key and names.

    Names that do not fit are warnings, since the certificate is issued with our own subject;
    `strict` makes them refusals.
    """
    try:
        request = x509.load_pem_x509_csr(text.encode())
        signed = request.is_signature_valid
        weakness = weakness_of(request.public_key())
    except (ValueError, UnicodeEncodeError, UnsupportedAlgorithm, InvalidSignature):
        return RequestReading(None, "the request is no readable PEM certificate signing request")
    if not signed:
        return RequestReading(None, "the signature of the request does not fit its key")
    if weakness:
        return RequestReading(None, weakness)
    warnings = tuple(_name_problems(request.subject, serial_number, organisation))
    if strict and warnings:
        return RequestReading(None, "; ".join(warnings))
    return RequestReading(request, None, warnings)


def _name_problems(subject: x509.Name, serial_number: str | None, organisation: str | None) -> list[str]:
    problems = []
    names = [str(attribute.value) for attribute in subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if serial_number and not any(contains_whole(name, serial_number) for name in names):
        problems.append(f"the request's CN does not contain the station's serial number {serial_number}")
    organisations = [str(a.value) for a in subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)]
    if organisation and organisation not in organisations:
        problems.append(f"the request's O is not {organisation}")
    return problems


def contains_whole(text: str, part: str) -> bool:
    """Whether `part` is in `text` as a whole word, between delimiters or ends, never as a bare substring (§4.4)."""
    start = text.find(part)
    while part and start >= 0:
        end = start + len(part)
        if (start == 0 or text[start - 1] in _DELIMITERS) and (end == len(text) or text[end] in _DELIMITERS):
            return True
        start = text.find(part, start + 1)
    return False
