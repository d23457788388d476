"""A node with every kind of door, and stations that come to them over real TLS."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from stationmaster.app.config import Settings
from stationmaster.app.config_sources import load_settings
from stationmaster.app.node import Node, running_node
from stationmaster.conformance.station import ScriptedStation
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.services.stations import NewStation
from stationmaster.services.x509.keys import KeyFamily, PrivateKey, new_key

ORGANISATION = DEFAULT_ORGANISATION_ID
PASSWORD = "a password of sixteen bytes"


def secure_settings(data: Path, database_url: str, **flags: Any) -> Settings:
    """Settings of a node with a plain port, a shared TLS port, and one for certificates alone."""
    given = {
        "node.data": str(data),
        "node.host": "127.0.0.1",
        "database.url": database_url,
        "ocpp.port": 0,
        "http.port": 0,
        "http.drain_timeout_s": 2,
        "tls.port": 0,
        "tls.certificate_port": 0,
        "tls.names": "localhost, 127.0.0.1",
        "certificates.operator_name": "Lake Charging",
        **{name.replace("__", "."): value for name, value in flags.items()},
    }
    return load_settings(flags=given).settings


@asynccontextmanager
async def secure_node(data: Path, database_url: str, **flags: Any) -> AsyncIterator[Node]:
    """A node that runs."""
    async with running_node(secure_settings(data, database_url, **flags)) as node:
        yield node


class Identity:
    """A key of a station, and the files that its TLS reads."""

    def __init__(self, folder: Path, family: KeyFamily = KeyFamily.EC) -> None:
        self.folder = folder
        self.key: PrivateKey = new_key(family)
        self.chain = ""

    def request(self, common_name: str = "SN-77", organisation: str = "Lake Charging") -> str:
        """A signing request, PEM."""
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            ]
        )
        made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self.key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


async def roots(node: Node) -> str:
    """The roots that a station of the node trusts, PEM."""
    return "".join(each.certificate for each in await node.services.authorities.ensure(ORGANISATION))


async def client_context(node: Node, identity: Identity | None = None, suite: str | None = None) -> ssl.SSLContext:
    """What a station connects with: our roots, its certificate if it has one, one suite if it knows but one."""
    context = ssl.create_default_context(cadata=await roots(node))
    if suite is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
    if identity is not None:
        (identity.folder / "chain.pem").write_text(identity.chain)
        (identity.folder / "key.pem").write_bytes(identity.key_pem())
        context.load_cert_chain(identity.folder / "chain.pem", identity.folder / "key.pem")
    return context


async def register(node: Node, station_id: str, **words: Any) -> None:
    """Register a station with the usual password."""
    new = NewStation(id=station_id, **{"password": PASSWORD, "serial_number": "SN-77", **words})
    await node.services.stations.create(ORGANISATION, new)


def station(
    node: Node,
    station_id: str,
    door: str = "tls",
    tls: ssl.SSLContext | None = None,
    password: str | bytes | None = None,
) -> ScriptedStation:
    """A station at one of the doors."""
    scheme = "ws" if door == "plain" else "wss"
    url = f"{scheme}://localhost:{node.port_of(door)}/ocpp"
    return ScriptedStation(url, station_id, password=password, tls=tls, patience_s=10)
