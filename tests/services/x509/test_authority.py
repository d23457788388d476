"""Certificates as the handbook asks for them, checked by the openssl program where it can tell (§4.3, §4.7)."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from stationmaster.services.x509.authority import (
    Authority,
    Revoked,
    cross_sign,
    issue_root,
    issue_station,
    revocation_list,
)
from stationmaster.services.x509.hash_data import ALGORITHMS, hash_data_of
from stationmaster.services.x509.keys import KeyFamily, new_key
from stationmaster.services.x509.pem import chain_text, describe, is_self_signed, pem_of, read_certificates
from stationmaster.services.x509.requests import contains_whole, read_request

NOW = 1_790_000_000_000_000
YEAR_S = 365 * 86_400
FAMILIES = list(KeyFamily)


def root(family: KeyFamily, name: str = "Root") -> Authority:
    return issue_root(
        new_key(family), common_name=name, organisation="Lake Charging", serial=4095, now=NOW, lifetime_s=10 * YEAR_S
    )


def request(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, common_name: str = "SN-77", organisation: str = "Lake"
) -> str:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        ]
    )
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode()


def station(issuer: Authority) -> x509.Certificate:
    return issue_station(
        new_key(issuer.family).public_key(),
        issuer,
        serial_number="SN-77",
        organisation="Lake Charging",
        serial=77,
        now=NOW,
        lifetime_s=YEAR_S,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_openssl_accepts_a_stations_certificate_for_client_authentication(family: KeyFamily, tmp_path: Path) -> None:
    authority = root(family)
    (tmp_path / "root.pem").write_text(pem_of(authority.certificate))
    (tmp_path / "leaf.pem").write_text(pem_of(station(authority)))
    checked = subprocess.run(
        [
            "openssl",
            "verify",
            "-x509_strict",
            "-attime",
            str(NOW // 1_000_000),
            "-purpose",
            "sslclient",
            "-CAfile",
            "root.pem",
            "leaf.pem",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout == "leaf.pem: OK\n", checked.stderr


@pytest.mark.parametrize("family", FAMILIES)
def test_a_certificate_says_whose_it_is(family: KeyFamily) -> None:
    leaf = describe(station(root(family)))
    assert (leaf.common_name, leaf.organisation, leaf.serial_number) == ("SN-77", "Lake Charging", "4D")
    assert (leaf.is_authority, leaf.self_signed, leaf.key_family) == (False, False, family.value)
    assert leaf.not_before == NOW - 300_000_000
    assert leaf.signature_algorithm == ("sha256WithRSAEncryption" if family is KeyFamily.RSA else "ecdsa-with-SHA256")


def test_the_chain_goes_leaf_first_without_the_root_and_with_plain_line_ends() -> None:
    old, new = root(KeyFamily.EC, "Old"), root(KeyFamily.EC, "New")
    crossed = cross_sign(new.certificate, old, serial=9, now=NOW)
    text = chain_text(station(new), [crossed, old.certificate])
    assert "\r" not in text
    assert [c.serial_number for c in read_certificates(text)] == [77, 9]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cross_signed_root_leads_from_the_old_root_to_what_the_new_one_signed(family: KeyFamily) -> None:
    old, new = root(family, "Old"), root(family, "New")
    crossed = cross_sign(new.certificate, old, serial=9, now=NOW)
    crossed.verify_directly_issued_by(old.certificate)
    station(new).verify_directly_issued_by(crossed)
    assert not is_self_signed(crossed)
    assert is_self_signed(new.certificate)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_hash_data_is_hex_without_leading_zeros_and_compares_without_case(algorithm: str) -> None:
    authority = root(KeyFamily.RSA)
    data = hash_data_of(authority.certificate, authority.certificate, algorithm)
    assert data.serial_number == "FFF"
    digest = hashes.Hash({"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}[algorithm])
    digest.update(authority.certificate.issuer.public_bytes())
    assert data.issuer_name_hash == digest.finalize().hex()
    shouted = type(data)(algorithm, data.issuer_name_hash.upper(), data.issuer_key_hash.upper(), "0fff")
    assert data.matches(shouted)
    assert not data.matches(type(data)(algorithm, data.issuer_name_hash, data.issuer_key_hash, "no hex"))


def test_a_revocation_list_names_the_serial_number() -> None:
    authority = root(KeyFamily.EC)
    listed = revocation_list(authority, [Revoked(77, NOW)], number=1, now=NOW, lifetime_s=3600)
    assert listed.is_signature_valid(authority.certificate.public_key())  # type: ignore[arg-type]  # an EC key, as made above
    assert listed.get_revoked_certificate_by_serial_number(77) is not None
    assert listed.get_revoked_certificate_by_serial_number(78) is None


def test_a_request_with_other_names_is_served_with_warnings_and_refused_in_strict_mode() -> None:
    text = request(new_key(KeyFamily.EC), "somebody", "someone")
    lenient = read_request(text, serial_number="SN-77", organisation="Lake", strict=False)
    assert lenient.refusal is None
    assert len(lenient.warnings) == 2
    assert "SN-77" in str(read_request(text, serial_number="SN-77", organisation="Lake", strict=True).refusal)


def test_a_request_that_cannot_be_served_is_refused_in_words() -> None:
    weak = request(rsa.generate_private_key(65537, 1024))  # noqa: S505 - a weak key is the point
    assert "1024 bits" in str(read_request(weak, serial_number=None, organisation=None).refusal)
    for broken in (
        "",
        "hello",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "\udcff",
    ):
        assert "no readable PEM" in str(read_request(broken, serial_number=None, organisation=None).refusal)
    other = request(new_key(KeyFamily.EC)).splitlines()
    other[4] = other[4][::-1]
    assert read_request("\n".join(other), serial_number=None, organisation=None).refusal is not None


@pytest.mark.parametrize(
    ("text", "part", "whole"),
    [
        ("SN-77", "SN-77", True),
        ("acme SN-77", "SN-77", True),
        ("SN-771", "SN-77", False),
        ("XSN-77", "SN-77", False),
        ("A.77.B", "77", True),
        ("177 77", "77", True),
        ("any", "", False),
    ],
)
def test_a_serial_number_counts_only_as_a_whole_word(text: str, part: str, whole: bool) -> None:
    assert contains_whole(text, part) is whole
