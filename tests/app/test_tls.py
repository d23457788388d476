"""The doors with TLS: suites, server certificates, and new ones without a dropped connection (§4.3, TC_086)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import trustme
from cryptography import x509

from stationmaster.app.errors import StartError
from stationmaster.app.node import Node
from stationmaster.services.x509.keys import KeyFamily
from tests.app.secure_node import ORGANISATION, PASSWORD, client_context, register, roots, secure_node, station
from tests.services.node import until

WANTED = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "ec",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "ec",
    "AES128-GCM-SHA256": "rsa",
    "AES256-GCM-SHA384": "rsa",
}


@pytest.fixture
async def node(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Node]:
    async with secure_node(tmp_path, sqlite_url) as running:
        yield running


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    file = tmp_path / "stationmaster.sqlite"
    file.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{file}"


async def shown(node: Node, context: ssl.SSLContext) -> tuple[str, x509.Certificate]:
    """The suite that was agreed on, and the certificate that we show."""
    _, writer = await asyncio.open_connection(
        "localhost", node.port_of("tls"), ssl=context, server_hostname="localhost"
    )
    tls = writer.get_extra_info("ssl_object")
    found = tls.cipher()[0], x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))
    writer.close()
    return found


async def test_each_suite_of_the_whitepaper_is_spoken_with_the_right_certificate(node: Node) -> None:
    for suite, family in WANTED.items():
        agreed, certificate = await shown(node, await client_context(node, suite=suite))
        assert agreed == suite
        assert certificate.subject.rfc4514_string() == "CN=localhost,O=Lake Charging"
        assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        ) == ["localhost"]
        key = certificate.public_key()
        assert (key.key_size >= 2048) is (family == "rsa")  # type: ignore[union-attr]  # both families have a size


async def test_older_versions_and_weaker_suites_get_nowhere(node: Node) -> None:
    old = await client_context(node)
    with pytest.warns(DeprecationWarning, match="deprecated"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    weak = await client_context(node, suite="AES128-SHA:ECDHE-RSA-AES128-SHA")
    for context in (old, weak):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await shown(node, context)


async def test_a_rolled_over_root_is_shown_at_once_and_old_connections_stay(node: Node) -> None:
    await register(node, "CP1", security_profile=2)
    before = await client_context(node)
    async with station(node, "CP1", tls=before, password=PASSWORD) as connected:
        for family in KeyFamily:
            await node.services.authorities.roll_over(ORGANISATION, family)
        assert node.doors is not None
        await node.doors.refresh(0)
        new_issuers = {each.subject for each in await node.services.authorities.ensure(ORGANISATION)}
        _, certificate = await shown(node, before)
        assert certificate.issuer.rfc4514_string() in new_issuers
        _, certificate = await shown(node, ssl.create_default_context(cadata=await roots(node)))
        assert certificate.issuer.rfc4514_string() in new_issuers
        assert "currentTime" in await connected.call("Heartbeat")


async def test_the_same_certificates_are_used_after_a_restart(tmp_path: Path, sqlite_url: str) -> None:
    async with secure_node(tmp_path, sqlite_url) as first:
        _, before = await shown(first, await client_context(first))
    async with secure_node(tmp_path, sqlite_url) as second:
        _, after = await shown(second, await client_context(second))
    assert before == after


async def test_a_broken_file_is_one_line_at_the_start(tmp_path: Path, sqlite_url: str) -> None:
    (tmp_path / "rsa.pem").write_text("no certificate")
    with pytest.raises(StartError, match="cannot use the certificates for TLS"):
        async with secure_node(tmp_path, sqlite_url, tls__rsa_certificate=str(tmp_path / "rsa.pem")):
            pass


def bring(folder: Path, authority: trustme.CA) -> dict[str, str]:
    """A certificate of each family as files of an operator; the settings that name them."""
    for family, kind in (("rsa", trustme.KeyType.RSA), ("ec", trustme.KeyType.ECDSA)):
        issued = authority.issue_cert("localhost", key_type=kind)
        issued.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{family}.pem"))
    return {f"tls__{family}_certificate": str(folder / f"{family}.pem") for family in ("rsa", "ec")}


async def test_a_new_file_is_shown_at_once_old_connections_stay_and_a_broken_one_changes_nothing(
    tmp_path: Path, sqlite_url: str
) -> None:
    authority = trustme.CA()
    contexts = {}
    for suite, family in list(WANTED.items())[1:3]:
        contexts[family] = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        contexts[family].maximum_version = ssl.TLSVersion.TLSv1_2
        contexts[family].set_ciphers(suite)

    async def serials(running: Node) -> set[int]:
        return {(await shown(running, context))[1].serial_number for context in contexts.values()}

    async with secure_node(tmp_path, sqlite_url, **bring(tmp_path, authority)) as running:
        (look,) = [each for each in running.runner._pieces if each.name == "tls-certificates"]
        assert not look.shared, "each node looks for itself"
        await register(running, "CP1", security_profile=2)
        before = await serials(running)
        async with station(running, "CP1", tls=contexts["ec"], password=PASSWORD) as connected:
            good = bring(tmp_path, authority)
            assert await running.runner.run_once(look)
            after = await serials(running)
            assert len(before | after) == 4, "both are new"
            for path in good.values():
                Path(path).write_text("half of a file")  # noqa: ASYNC240 -- a test waits for nobody else
            assert not await running.runner.run_once(look)
            assert running.runner.failures == 1
            assert await serials(running) == after
            assert "currentTime" in await connected.call("Heartbeat")


async def warnings_of(node: Node) -> list[str]:
    page = await node.storage.security_events.find(ORGANISATION)
    return [str(each.technical_info) for each in page.items if each.type == "ServerCertificateExpiring"]


async def is_warned(node: Node) -> bool:
    return bool(await warnings_of(node))


async def test_a_file_that_ends_soon_is_told_of_once_and_one_that_does_not_is_not(
    tmp_path: Path, sqlite_url: str
) -> None:
    """Nobody renews it but the operator."""
    authority = trustme.CA()
    for family, days in (("rsa", 20), ("ec", 200)):
        kind = trustme.KeyType.RSA if family == "rsa" else trustme.KeyType.ECDSA
        ends = datetime.now(UTC) + timedelta(days=days)
        issued = authority.issue_cert("localhost", key_type=kind, not_after=ends)
        issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / f"{family}.pem"))
    files = {f"tls__{family}_certificate": str(tmp_path / f"{family}.pem") for family in ("rsa", "ec")}

    for _ in range(2):
        async with secure_node(tmp_path, sqlite_url, **files) as running:
            await until(partial(is_warned, running))
            (words,) = await warnings_of(running)
            assert "RSA" in words
