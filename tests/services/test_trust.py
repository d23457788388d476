"""A client certificate is held against one station: every way in which it can fail to fit (§4.4, S-01, S-15)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stationmaster.domain.certificates import StationCertificate
from stationmaster.domain.errors import Conflict, DomainError, Invalid
from stationmaster.domain.stations import Station
from stationmaster.services.certificate_settings import CertificateSettings
from stationmaster.services.certificates import REQUESTS_WITHIN_US
from stationmaster.services.context import ServiceSettings
from stationmaster.services.x509.authority import Authority, Revoked, issue_root, issue_station, revocation_list
from stationmaster.services.x509.keys import KeyFamily, new_key
from stationmaster.services.x509.pem import moment, pem_of, read_certificates
from tests.app.secure_node import Identity
from tests.services.node import ORGANISATION, SECOND, START, Node, open_node

YEAR_S = 365 * 86_400
SETTINGS = CertificateSettings(operator_name="Lake Charging", deliver_after_s=0, root_lifetime_s=10 * YEAR_S)


@dataclass
class Factory:
    """A manufacturer's authority, and what it signs."""

    authority: Authority

    def signs(self, common_name: str = "SN-77", organisation: str = "Lake Charging", **words: Any) -> x509.Certificate:
        given = {"serial": 77, "now": START, "lifetime_s": YEAR_S, **words}
        return issue_station(
            new_key(KeyFamily.EC).public_key(),
            self.authority,
            serial_number=common_name,
            organisation=organisation,
            **given,
        )


def factory(name: str = "Factory Root") -> Factory:
    root = issue_root(
        new_key(KeyFamily.EC),
        common_name=name,
        organisation="Factory",
        serial=1,
        now=START,
        lifetime_s=10 * YEAR_S,
    )
    return Factory(root)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


@pytest.fixture
async def node(sqlite_url: str) -> AsyncIterator[Node]:
    async with open_node(sqlite_url, settings=ServiceSettings(certificates=SETTINGS)) as opened:
        yield opened


@pytest.fixture
async def maker(node: Node) -> Factory:
    """A factory that is trusted."""
    made = factory()
    await node.services.authorities.add(ORGANISATION, "Factory", pem_of(made.authority.certificate), "trusted")
    return made


async def a_station(node: Node, **words: Any) -> Station:
    return await node.station(**{"security_profile": 3, "serial_number": "SN-77", **words})


def fault(node: Node, station: Station, certificate: x509.Certificate) -> str | None:
    return node.services.trust.check(station, der(certificate))


async def test_one_that_fits_is_let_in(node: Node, maker: Factory) -> None:
    station = await a_station(node)
    for name in ("SN-77", "Acme_SN-77", "CP7"):
        assert fault(node, station, maker.signs(name)) is None


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"common_name": "SN-78"}, "CN"),
        ({"common_name": "SN-771"}, "CN"),
        ({"organisation": "Sea Charging"}, "O of"),
        ({"now": START - 2 * YEAR_S * SECOND}, "expired"),
        ({"now": START + YEAR_S * SECOND}, "not valid yet"),
    ],
)
async def test_one_that_does_not_fit_is_not(node: Node, maker: Factory, words: dict[str, Any], complaint: str) -> None:
    station = await a_station(node)
    assert complaint in str(fault(node, station, maker.signs(**words)))


async def test_nobody_else_signs_for_us(node: Node, maker: Factory) -> None:
    station = await a_station(node)
    assert "trusted" in str(fault(node, station, factory().signs()))  # the same name, another key
    assert "trusted" in str(fault(node, station, factory("Other").signs()))
    await node.services.authorities.add(
        "elsewhere", "Factory", pem_of(factory("Theirs").authority.certificate), "trusted"
    )
    assert "authority" in str(fault(node, station, maker.authority.certificate))
    assert node.services.trust.check(station, b"no certificate") == "The client certificate cannot be read."


async def test_an_authority_of_another_organisation_opens_no_door_here(node: Node) -> None:
    theirs = factory("Theirs")
    await node.services.authorities.add("elsewhere", "Theirs", pem_of(theirs.authority.certificate), "trusted")
    assert "trusted" in str(fault(node, await a_station(node), theirs.signs()))


async def test_known_is_not_trusted_and_removed_is_neither(node: Node, maker: Factory) -> None:
    station, authorities = await a_station(node), node.services.authorities
    (kept,) = await node.storage.authorities.all(ORGANISATION)
    await authorities.update(ORGANISATION, kept.id, {"use": "known"})
    assert "trusted" in str(fault(node, station, maker.signs()))
    await authorities.update(ORGANISATION, kept.id, {"use": "trusted"})
    assert fault(node, station, maker.signs()) is None
    await authorities.remove(ORGANISATION, kept.id)
    assert "trusted" in str(fault(node, station, maker.signs()))


@pytest.mark.parametrize(("usage", "complaint"), [("server", "client authentication"), ("ca", "authority")])
async def test_a_certificate_for_something_else_is_refused(
    node: Node, maker: Factory, usage: str, complaint: str
) -> None:
    key, root = new_key(KeyFamily.EC), maker.authority
    names = [(NameOID.COMMON_NAME, "SN-77"), (NameOID.ORGANIZATION_NAME, "Lake Charging")]
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, text) for oid, text in names]))
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(moment(START))
        .not_valid_after(moment(START + YEAR_S * SECOND))
        .add_extension(x509.BasicConstraints(ca=usage == "ca", path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(root.key, hashes.SHA256())
    )
    assert complaint in str(fault(node, await a_station(node), made))


async def test_the_authoritys_list_counts_and_a_missing_one_only_where_policy_says_so(
    node: Node, maker: Factory, sqlite_url: str
) -> None:
    station = await a_station(node)
    (kept,) = await node.storage.authorities.all(ORGANISATION)
    listed = revocation_list(maker.authority, [Revoked(77, START)], number=1, now=START, lifetime_s=3600)
    pem = listed.public_bytes(serialization.Encoding.PEM).decode()
    await node.services.authorities.update(ORGANISATION, kept.id, {"crl": pem})
    assert "revoked by its authority" in str(fault(node, station, maker.signs()))
    assert fault(node, station, maker.signs(serial=78)) is None
    forged = revocation_list(factory().authority, [], number=2, now=START, lifetime_s=3600)
    with pytest.raises(Invalid, match="not signed by this authority"):
        await node.services.authorities.update(
            ORGANISATION, kept.id, {"crl": forged.public_bytes(serialization.Encoding.PEM).decode()}
        )
    hard = CertificateSettings(operator_name="Lake Charging", hard_fail=True)
    async with open_node(sqlite_url, settings=ServiceSettings(certificates=hard), node_id="node-b") as strict:
        assert fault(strict, station, maker.signs(serial=78)) is None
        strict.clock.pass_s(3601)
        assert "no present word" in str(fault(strict, station, maker.signs(serial=78)))


async def test_a_certificate_belongs_to_one_station_and_so_does_its_key(node: Node, maker: Factory) -> None:
    station = await a_station(node)
    other = await a_station(node, station_id="CP8")
    certificate = maker.signs()
    assert fault(node, other, certificate) is None
    await node.services.certificates.came_in(station, der(certificate))
    assert "another station" in str(fault(node, other, certificate))
    assert fault(node, station, certificate) is None


async def test_cn_alone_or_one_pinned_certificate_where_an_operator_says_so(node: Node, maker: Factory) -> None:
    certificate = maker.signs("anything", "anybody")
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    by_cn = await a_station(node, client_cert_check="cn")
    assert fault(node, by_cn, maker.signs("SN-77", "anybody")) is None
    assert fault(node, by_cn, certificate) is not None
    pinned = await a_station(node, station_id="CP8", client_cert_check="pinned", pinned_fingerprint=fingerprint)
    assert fault(node, pinned, certificate) is None
    assert "pinned" in str(fault(node, pinned, maker.signs()))


async def test_an_older_certificate_works_until_the_grace_is_over(node: Node, maker: Factory) -> None:
    station, certificates = await a_station(node), node.services.certificates
    old, new = maker.signs(serial=1), maker.signs(serial=2)
    await certificates.came_in(station, der(old))
    await certificates.came_in(station, der(new))
    assert fault(node, station, old) is None
    node.clock.pass_s(SETTINGS.grace_s + 1)
    assert "newer" in str(fault(node, station, old))
    assert fault(node, station, new) is None


async def test_expiry_is_told_once_and_not_of_what_has_a_successor(node: Node, maker: Factory) -> None:
    station, certificates = await a_station(node), node.services.certificates
    await certificates.came_in(station, der(maker.signs(lifetime_s=20 * 86_400)))
    for _ in range(2):
        await certificates.look_after(node.clock())
    events = (await node.storage.security_events.find(ORGANISATION)).items
    assert [(each.type, each.source) for each in events] == [("CertificateExpiring", "csms")]


async def test_authorities_that_open_the_door_are_warned_of_once(node: Node) -> None:
    for name, use, years in (("Soon", "trusted", 0.05), ("Known", "known", 0.05), ("Late", "trusted", 5)):
        root = issue_root(
            new_key(KeyFamily.EC),
            common_name=name,
            organisation="Factory",
            serial=1,
            now=START,
            lifetime_s=round(years * YEAR_S),
        )
        await node.services.authorities.add(ORGANISATION, name, pem_of(root.certificate), use)
    for _ in range(2):
        await node.services.certificates.look_after(node.clock.pass_s(3600))
    events = (await node.storage.security_events.find(ORGANISATION)).items
    assert [(each.type, "Soon" in str(each.technical_info)) for each in events] == [("AuthorityExpiring", True)]


async def test_keys_of_authorities_are_sealed_and_others_peppers_open_none(node: Node) -> None:
    stored = await node.services.authorities.ensure(ORGANISATION)
    assert [each.key_family for each in stored] == ["rsa", "ec"]
    for each in stored:
        sealed = await node.storage.authorities.sealed_key(each.id)
        assert sealed is not None
        with pytest.raises(ValueError, match=r"DER|ASN|parse|deserialize"):
            serialization.load_der_private_key(sealed, None)
    assert await node.services.authorities.ensure(ORGANISATION) == stored
    with pytest.raises(Conflict):
        await node.services.authorities.remove(ORGANISATION, stored[0].id)


async def test_a_new_root_is_vouched_for_by_the_old_one_and_both_are_trusted(node: Node) -> None:
    authorities = node.services.authorities
    old = (await authorities.ensure(ORGANISATION))[1]
    new = await authorities.roll_over(ORGANISATION, KeyFamily.EC)
    assert new.cross_certificate is not None
    crossed = read_certificates(new.cross_certificate)[0]
    crossed.verify_directly_issued_by(read_certificates(old.certificate)[0])
    uses = {each.id: each.use for each in await node.storage.authorities.all(ORGANISATION)}
    assert (uses[old.id], uses[new.id]) == ("retired", "issuing")
    assert {old.certificate, new.certificate} <= set(node.services.trust.anchors())


@pytest.mark.parametrize("pem", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
async def test_what_is_no_authority_is_refused_in_words(node: Node, pem: str) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        await node.services.authorities.add(ORGANISATION, "Nobody", pem, "trusted")


async def test_a_leaf_is_no_authority_and_two_are_too_many(node: Node, maker: Factory) -> None:
    for pem in (pem_of(maker.signs()), pem_of(maker.authority.certificate) * 2):
        with pytest.raises(DomainError):
            await node.services.authorities.add(ORGANISATION, "Nobody", pem, "trusted")


def test_nothing_secret_is_in_a_certificate_that_is_told() -> None:
    assert "sealed_key" not in StationCertificate.__struct_fields__


async def test_the_clock_makes_the_first_authorities_once(node: Node) -> None:
    assert await node.storage.authorities.all() == []
    for _ in range(2):
        await node.services.certificates.look_after(node.clock())
    made = await node.storage.authorities.all(ORGANISATION)
    assert sorted((each.key_family, each.use) for each in made) == [("ec", "issuing"), ("rsa", "issuing")]


async def complaints(node: Node) -> list[str]:
    """Of requests for certificates that were refused, the newest last."""
    page = await node.storage.security_events.find(ORGANISATION)
    return [str(each.technical_info) for each in reversed(page.items) if each.type == "CertificateRequestRefused"]


async def test_a_station_gets_no_certificate_for_the_key_of_another(node: Node, tmp_path: Path) -> None:
    """It has the public key from the wire; who had a certificate for it could say that it is the other one."""
    identity = Identity(tmp_path)
    owner = await a_station(node, station_id="CP1")
    await node.services.certificates.sign_by_hand(owner, identity.request())
    thief = await node.present("CP2", serial_number="SN-78")
    assert not await node.services.signing.accepts(thief, identity.request())
    assert await complaints(node) == ["the key in the request is that of another station"]
    again = await node.services.certificates.sign_by_hand(owner, identity.request())
    assert again.station_id == "CP1"


async def test_a_station_that_asks_for_certificates_without_end_is_refused_for_a_while(
    node: Node, tmp_path: Path
) -> None:
    station = await node.present("CP1", serial_number="SN-77")
    other = await node.present("CP2", serial_number="SN-78")
    request = Identity(tmp_path).request()
    signing = node.services.signing
    assert [await signing.accepts(station, request) for _ in range(8)] == [True] * 5 + [False] * 3
    assert await complaints(node) == ["it asks too often"], "what is told of one moment is told once"
    assert await signing.accepts(other, request), "others are not concerned"
    node.clock.pass_s(REQUESTS_WITHIN_US / SECOND)
    assert await signing.accepts(station, request)
