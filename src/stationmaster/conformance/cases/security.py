"""Security: profiles, passwords, certificates, signed firmware, logs (handbook §5.9)."""

import asyncio
import ssl
import warnings
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from stationmaster.conformance.errors import HandshakeRefused
from stationmaster.conformance.kit import CaseFailed, Functionality, case, must
from stationmaster.conformance.lab import Lab, LabStation, now, same
from stationmaster.conformance.pki import new_root, new_station_request

__all__ = ["SUITES"]

SECURITY = Functionality.SECURITY
ACCEPTED = {"status": "Accepted"}
SUITES: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""The four suites of the whitepaper, by OpenSSL's names."""
ANYTHING_OLD: Final = "ALL:@SECLEVEL=0"
REFUSED: Final = 300
"""Statuses of HTTP from here on upgrade nothing."""
CENTRAL_SYSTEM_ROOT: Final = "CentralSystemRootCertificate"
PASSWORD_BYTES: Final = range(16, 21)
LONGEST_KEY: Final = 40
MINIMUM_RSA_BITS: Final = 2048
MINIMUM_EC_BITS: Final = 224
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


async def _refused(station: LabStation, words: str) -> HandshakeRefused:
    """How the connection is refused. Raises CaseFailed when it is accepted."""
    try:
        await station.connect()
    except HandshakeRefused as refusal:
        return refusal
    await station.disconnect()
    raise CaseFailed(words)


# TC_073: a new password


@case("TC_073", "Update charge point password for HTTP Basic Authentication", SECURITY, operator=True)
async def new_password(lab: Lab) -> None:
    """<< ChangeConfiguration AuthorizationKey; >> Accepted, reconnect with the new password."""
    try:
        await _renewed_password(lab)
    finally:
        # Whatever became of it: the cases that follow come in with the password of the set-up.
        await lab.restore_password()


async def _renewed_password(lab: Lab) -> None:
    async with lab.station() as station:
        lab.begin(lab.driver.renew_password(station.identity))
        sent = (await station.obey("ChangeConfiguration", ACCEPTED)).payload
        same(sent["key"], "AuthorizationKey", "key")
        must(len(sent["value"]) <= LONGEST_KEY, f"the value has {len(sent['value'])} characters")
        try:
            secret = bytes.fromhex(sent["value"])
        except ValueError:
            raise CaseFailed("the value is not hexadecimal") from None
        must(len(secret) in PASSWORD_BYTES, f"the password has {len(secret)} bytes")
        await lab.settled()
        await station.disconnect()
        station.use_password(secret)
        await station.connect()
        await station.boot()


# TC_074, TC_077: certificates of the station


async def _renewed(lab: Lab, answer: str) -> tuple[str, x509.Certificate]:
    """From the trigger to the station's answer; the private key and the certificate that came."""
    settings = lab.settings
    tls = lab.tls
    context = lab.tls_context(certificate=True)
    async with lab.station(url=tls.url, identity=settings.certificate_identity, password=None, tls=context) as station:
        lab.begin(lab.driver.renew_certificate(settings.certificate_identity))
        sent = (await station.obey("ExtendedTriggerMessage", ACCEPTED)).payload
        same(sent["requestedMessage"], "SignChargePointCertificate", "requestedMessage")
        must("connectorId" not in sent, "connectorId is there")
        key, request = new_station_request(settings.serial_number)
        answered = await station.call("SignCertificate", {"csr": request})
        same(answered["status"], "Accepted", "the answer to SignCertificate")
        chain = (await station.obey("CertificateSigned", {"status": answer})).payload["certificateChain"]
        certificate = _checked_certificate(chain, request, settings.serial_number)
        _check_algorithm(certificate, settings.certificate_algorithm)
        if answer == "Rejected":
            await _event(station, "InvalidChargePointCertificate")
    return key, certificate


def _checked_certificate(chain: str, request: str, serial_number: str) -> x509.Certificate:
    must("\r" not in chain, "the chain has carriage returns")
    try:
        certificate = x509.load_pem_x509_certificates(chain.encode())[0]
    except ValueError:
        raise CaseFailed("the chain is no PEM") from None
    wanted = x509.load_pem_x509_csr(request.encode())
    must(_raw(certificate.public_key()) == _raw(wanted.public_key()), "the key is not that of the request")
    names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    same(names, [serial_number], "the CN")
    _check_key(certificate)
    return certificate


def _check_algorithm(certificate: x509.Certificate, wanted: str) -> None:
    """Signed by an algorithm of the family that was configured."""
    name = certificate.signature_algorithm_oid._name  # noqa: SLF001 -- it has no public name
    must(not wanted or wanted.lower() in name.lower(), f"the certificate is signed with {name}, not {wanted}")


def _raw(key: Any) -> bytes:
    raw: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return raw


def _check_key(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        must(key.key_size >= MINIMUM_RSA_BITS, f"the RSA key has {key.key_size} bits")
        same(certificate.signature_hash_algorithm and certificate.signature_hash_algorithm.name, "sha256", "the hash")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        must(key.key_size >= MINIMUM_EC_BITS, f"the EC key has {key.key_size} bits")
    else:
        raise CaseFailed("the key is neither RSA nor EC")


async def _event(station: LabStation, kind: str) -> None:
    answer = await station.call("SecurityEventNotification", {"type": kind, "timestamp": now()})
    must(answer == {}, f"SecurityEventNotification was answered with {answer}")


@case("TC_074", "Update charge point certificate by request of the central system", SECURITY, operator=True)
async def renew_certificate(lab: Lab) -> None:
    """<< trigger; >> SignCertificate; << CertificateSigned; >> Accepted, reconnect with the new certificate."""
    key, certificate = await _renewed(lab, "Accepted")
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    context = lab.tls_context()
    with lab.files(pem, key) as (certificate_file, key_file):
        context.load_cert_chain(certificate_file, key_file)
    identity = lab.settings.certificate_identity
    async with lab.station(url=lab.tls.url, identity=identity, password=None, tls=context) as station:
        await station.boot()


@case("TC_077", "Invalid charge point certificate", SECURITY, operator=True)
async def invalid_station_certificate(lab: Lab) -> None:
    """<< CertificateSigned; >> Rejected and the event InvalidChargePointCertificate."""
    await _renewed(lab, "Rejected")


# TC_075, TC_076, TC_078: roots


async def _install(lab: Lab, station: LabStation, kind: str, answer: str) -> x509.Certificate:
    root = new_root()
    lab.press("InstallCertificate", {"certificateType": kind, "certificate": root}, station_id=station.identity)
    sent = (await station.obey("InstallCertificate", {"status": answer})).payload
    same(sent["certificateType"], kind, "certificateType")
    await lab.settled()
    try:
        certificate = x509.load_pem_x509_certificate(sent["certificate"].encode())
    except ValueError:
        raise CaseFailed("the certificate is no PEM") from None
    must(_is_root(certificate), "the certificate is not that of a root")
    must(certificate == x509.load_pem_x509_certificate(root.encode()), "it is not the certificate that was configured")
    return certificate


def _is_root(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and certificate.issuer == certificate.subject


def _hash_data(certificate: x509.Certificate, algorithm: str) -> dict[str, str]:
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, _HASHES[algorithm]).build()
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{certificate.serial_number:X}",
    }


async def _list(lab: Lab, station: LabStation, kind: str, answer: dict[str, Any]) -> None:
    lab.press("GetInstalledCertificateIds", {"certificateType": kind}, station_id=station.identity)
    sent = (await station.obey("GetInstalledCertificateIds", answer)).payload
    same(sent["certificateType"], kind, "certificateType")
    await lab.settled()


async def _installed_and_listed(lab: Lab, kind: str) -> None:
    async with lab.station() as station:
        certificate = await _install(lab, station, kind, "Accepted")
        found = {"status": "Accepted", "certificateHashData": [_hash_data(certificate, "SHA256")]}
        await _list(lab, station, kind, found)


@case("TC_075_1", "Install a certificate, ManufacturerRootCertificate", SECURITY, operator=True)
async def install_manufacturer_root(lab: Lab) -> None:
    """<< InstallCertificate, GetInstalledCertificateIds."""
    await _installed_and_listed(lab, "ManufacturerRootCertificate")


@case("TC_075_2", "Install a certificate, CentralSystemRootCertificate", SECURITY, operator=True)
async def install_central_system_root(lab: Lab) -> None:
    """<< InstallCertificate, GetInstalledCertificateIds."""
    await _installed_and_listed(lab, CENTRAL_SYSTEM_ROOT)


@case("TC_076", "Delete a specific certificate", SECURITY, operator=True)
async def delete_certificate(lab: Lab) -> None:
    """For each hash algorithm: << Install, list, DeleteCertificate with the very data that the station told."""
    kind = CENTRAL_SYSTEM_ROOT
    async with lab.station() as station:
        for algorithm in _HASHES:
            certificate = await _install(lab, station, kind, "Accepted")
            told = _hash_data(certificate, algorithm)
            await _list(lab, station, kind, {"status": "Accepted", "certificateHashData": [told]})
            lab.press("DeleteCertificate", {"certificateHashData": told})
            sent = (await station.obey("DeleteCertificate", ACCEPTED)).payload
            for name, value in told.items():
                same(str(sent["certificateHashData"][name]).lower(), value.lower(), name)
            await lab.settled()


@case("TC_078", "Invalid central system certificate", SECURITY, operator=True)
async def invalid_central_system_certificate(lab: Lab) -> None:
    """<< InstallCertificate; >> Rejected and the event InvalidCentralSystemCertificate."""
    async with lab.station() as station:
        await _install(lab, station, CENTRAL_SYSTEM_ROOT, "Rejected")
        await _event(station, "InvalidCentralSystemCertificate")


# TC_079: the security log


@case("TC_079", "Get security log", SECURITY, operator=True)
async def security_log(lab: Lab) -> None:
    """<< GetLog SecurityLog; >> Accepted, Uploading, Uploaded."""
    async with lab.station() as station:
        wish = {"logType": "SecurityLog", "requestId": 79, "log": {"remoteLocation": lab.settings.upload_url}}
        lab.press("GetLog", wish)
        sent = (await station.obey("GetLog", {"status": "Accepted", "filename": "security.log"})).payload
        same(sent["logType"], "SecurityLog", "logType")
        same(sent["log"]["remoteLocation"], lab.settings.upload_url, "remoteLocation")
        for word in ("Uploading", "Uploaded"):
            answer = await station.call("LogStatusNotification", {"status": word, "requestId": sent["requestId"]})
            must(answer == {}, f"LogStatusNotification was answered with {answer}")


# TC_080, TC_081: signed firmware


async def _signed_update(lab: Lab, station: LabStation, signature: str) -> int:
    firmware = {
        "location": lab.settings.firmware_url,
        "retrieveDateTime": now(),
        "signingCertificate": new_root(),
        "signature": signature,
    }
    lab.press("SignedUpdateFirmware", {"requestId": 80, "firmware": firmware})
    sent = (await station.obey("SignedUpdateFirmware", ACCEPTED)).payload
    for name in ("location", "signature", "signingCertificate"):
        same(sent["firmware"][name], firmware[name], name)
    return int(sent["requestId"])


async def _tell(station: LabStation, request_id: int, *words: str) -> None:
    for word in words:
        answer = await station.call("SignedFirmwareStatusNotification", {"status": word, "requestId": request_id})
        must(answer == {}, f"SignedFirmwareStatusNotification was answered with {answer}")


@case("TC_080", "Secure firmware update", SECURITY, operator=True)
async def signed_update(lab: Lab) -> None:
    """<< SignedUpdateFirmware; >> every state until Installed, with boot and the event FirmwareUpdated between."""
    async with lab.station() as station:
        request_id = await _signed_update(lab, station, "c2lnbmF0dXJl")
        await _tell(station, request_id, "Downloading", "Downloaded", "SignatureVerified")
        await station.statuses("Unavailable")
        await _tell(station, request_id, "Installing", "InstallRebooting")
        await station.disconnect()
        await station.connect()
        await station.boot()
        await _event(station, "FirmwareUpdated")
        await _tell(station, request_id, "Installed")


@case("TC_081", "Secure firmware update, invalid signature", SECURITY, operator=True)
async def invalid_signature(lab: Lab) -> None:
    """<< SignedUpdateFirmware with a wrong signature; >> InvalidSignature and its event."""
    async with lab.station() as station:
        request_id = await _signed_update(lab, station, "d3Jvbmc=")
        await _tell(station, request_id, "Downloading", "Downloaded", "InvalidSignature")
        await _event(station, "InvalidFirmwareSignature")


# TC_083: raising the profile


@case("TC_083", "Upgrade charge point security profile", SECURITY, operator=True)
async def raise_profile(lab: Lab) -> None:
    """<< ChangeConfiguration SecurityProfile, Reset; >> reconnect with the new profile; the old one is refused.

    Before it the state CertificateInstalled: the station is asked for its roots, has none, and gets one.
    """
    identity, tls = lab.settings.raising_identity, lab.tls
    async with lab.station(identity=identity) as station:
        await _list(lab, station, CENTRAL_SYSTEM_ROOT, {"status": "NotFound"})
        await _install(lab, station, CENTRAL_SYSTEM_ROOT, "Accepted")
        lab.begin(lab.driver.raise_profile(identity, 2))
        sent = (await station.obey("ChangeConfiguration", ACCEPTED)).payload
        same((sent["key"], sent["value"]), ("SecurityProfile", "2"), "key and value")
        await lab.settled()
        lab.press("Reset", {"type": "Hard"}, station_id=identity)
        await station.obey("Reset", ACCEPTED)
        await lab.settled()
    async with lab.station(url=tls.url, identity=identity, tls=lab.tls_context()) as station:
        await station.boot()
    old = LabStation(lab, lab.settings.url, identity, password=lab.settings.password)
    old.transcript = lab.transcript
    await _refused(old, "the old security profile was accepted")
    async with lab.station(url=tls.url, identity=identity, tls=lab.tls_context()) as station:
        await station.status("Available")


# TC_085 to TC_088: handshakes


@case("TC_085", "Basic authentication, valid user name and password", SECURITY)
async def basic_authentication(lab: Lab) -> None:
    """>> an upgrade without credentials is refused with 401; with them it is accepted."""
    bare = LabStation(lab, lab.settings.url, lab.settings.identity)
    bare.transcript = lab.transcript
    refusal = await _refused(bare, "a connection without credentials was accepted")
    same(refusal.status, 401, "the status of the refusal")
    async with lab.station() as station:
        await station.boot()


@case("TC_086", "TLS, server-side certificate", SECURITY)
async def server_certificate(lab: Lab) -> None:
    """>> TLS 1.2 with each of the four suites; the certificate is checked; then boot over TLS."""
    await _check_tls(lab)
    identity = lab.settings.tls_identity
    async with lab.station(url=lab.tls.url, identity=identity, tls=lab.tls_context()) as station:
        await station.boot()


async def _check_tls(lab: Lab, *, certificate: bool = False) -> None:
    """Each suite can be had with a good certificate of the server, and nothing below TLS 1.2."""
    for suite in SUITES:
        await _check_suite(lab, suite, certificate=certificate)
    context = lab.tls_context(certificate=certificate, ciphers=ANYTHING_OLD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        writer = await _secured(lab, context)
    except (ssl.SSLError, OSError):
        return
    writer.close()
    raise CaseFailed("a TLS older than 1.2 can be had")


async def _secured(lab: Lab, context: ssl.SSLContext) -> asyncio.StreamWriter:
    host, port = lab.tls_address()
    async with asyncio.timeout(lab.settings.patience_s):
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=lab.tls_name())
    return writer


async def _check_suite(lab: Lab, suite: str, *, certificate: bool) -> None:
    context = lab.tls_context(certificate=certificate, ciphers=suite)
    try:
        writer = await _secured(lab, context)
    except (ssl.SSLError, OSError) as error:
        raise CaseFailed(f"the suite {suite} is not to be had: {error}") from None
    raw: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    presented = x509.load_der_x509_certificate(raw)
    _check_key(presented)
    must(presented.serial_number > 0, "the certificate has no serial number")
    names = [str(each.value) for each in presented.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    same(names, [lab.tls_name()], "the CN of the server's certificate")


@case("TC_087", "TLS, client-side certificate", SECURITY)
async def client_certificate(lab: Lab) -> None:
    """>> as TC_086 with a client certificate; then boot. Without one nobody is let in."""
    await _check_tls(lab, certificate=True)
    identity = lab.settings.certificate_identity
    context = lab.tls_context(certificate=True)
    async with lab.station(url=lab.tls.url, identity=identity, password=None, tls=context) as station:
        await station.boot()
    bare = LabStation(lab, lab.tls.url, identity, tls=lab.tls_context())
    bare.transcript = lab.transcript
    await _refused(bare, "a connection without a client certificate was accepted")


@case("TC_088", "WebSocket subprotocol negotiation", SECURITY)
async def subprotocol(lab: Lab) -> None:
    """>> ocpp0.1 alone is refused; ocpp0.1 and ocpp1.6 gives ocpp1.6."""
    settings = lab.settings
    odd = LabStation(lab, settings.url, settings.identity, password=settings.password, subprotocols=["ocpp0.1"])
    odd.transcript = lab.transcript
    refusal = await _refused(odd, "a connection with the subprotocol ocpp0.1 was accepted")
    must(refusal.status >= REFUSED, f"it was not refused before the upgrade: {refusal}")
    async with lab.station(subprotocols=["ocpp0.1", "ocpp1.6"]) as station:
        same(station.link.subprotocol, "ocpp1.6", "the subprotocol")
        await station.boot()
