"""A node of our own to be tested: fresh, on free ports of this machine, and nobody else's.

The rule that shapes this file: it takes nothing from the environment or from a configuration file, since these
are about a node that people use; and a database in which somebody's stations are is refused.
"""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stationmaster.app.config import Settings
    from stationmaster.app.node import Node
    from stationmaster.conformance.drivers import Driver
    from stationmaster.conformance.lab import LabSettings

__all__ = ["fresh_node"]

CERTIFICATE_LIFETIME_S = 86_400


@contextlib.asynccontextmanager
async def fresh_node(data: str | None, database_url: str | None) -> "AsyncIterator[tuple[LabSettings, Driver]]":
    """A node with TLS doors, and how to test it. Without `data` its folder is removed afterwards.

    Raises ConfigError, and StartError also when the database has stations that are not the kit's.
    """
    from stationmaster.app.config_sources import load_settings
    from stationmaster.app.logs import configure_logs
    from stationmaster.app.node import running_node
    from stationmaster.conformance.rest_driver import RestDriver
    from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID

    with contextlib.ExitStack() as stack:
        folder = data or stack.enter_context(tempfile.TemporaryDirectory(prefix="stationmaster-conformance-"))
        secrets = stack.enter_context(tempfile.TemporaryDirectory(prefix="stationmaster-conformance-"))
        flags = {
            "node.data": folder,
            "node.host": "127.0.0.1",
            "database.url": database_url,
            "ocpp.port": "0",
            "http.port": "0",
            "tls.port": "0",
            "tls.names": "localhost",
            "log.level": "error",
        }
        given = load_settings(flags=flags, default_file=None).settings
        configure_logs(given.log)
        await _check_fresh(given)
        async with running_node(given) as node:
            key = await node.services.api_keys.create(DEFAULT_ORGANISATION_ID, "conformance", "admin")
            settings = await _settings_of(node, given, Path(secrets))
            yield settings, RestDriver(f"http://127.0.0.1:{node.http_port}", key.text)


async def _check_fresh(given: "Settings") -> None:
    """Raise StartError when the database is in use: the cases leave stations, tokens and transactions behind."""
    from stationmaster.app.databases import database_url, open_storage
    from stationmaster.app.errors import StartError
    from stationmaster.app.node import clock
    from stationmaster.storage import StorageError
    from stationmaster.storage.migration import revision_of
    from stationmaster.storage.schema import REVISION

    url = database_url(given)
    try:
        revision = await revision_of(url)
    except (StorageError, OSError):
        # What is not there yet is made by the node, which also says best why it cannot be had.
        return
    if revision is None:
        return
    if revision == REVISION:
        storage = await open_storage(url, given.node.id, clock)
        try:
            page = await storage.stations.find(limit=1000)
        finally:
            await storage.close()
        if all(station.id.startswith("CONFORMANCE-") for station in page.items):
            return
    raise StartError("a fresh node needs a database of its own, and somebody's system is in this one")


async def _settings_of(node: "Node", given: "Settings", folder: Path) -> "LabSettings":
    """What the kit and a node of our own agree on: our roots, and a certificate of our authority for its station."""
    from cryptography import x509

    from stationmaster.conformance.lab import LabSettings, TlsSettings
    from stationmaster.conformance.pki import new_station_request
    from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
    from stationmaster.services.signer import SigningRequest

    settings = LabSettings(url=node.ocpp_url("127.0.0.1"), response_timeout_s=given.stations.call_timeout_s)
    private_key, request = new_station_request(settings.serial_number)
    wanted = SigningRequest(
        x509.load_pem_x509_csr(request.encode()),
        DEFAULT_ORGANISATION_ID,
        settings.certificate_identity,
        settings.serial_number,
        given.certificates.operator_name,
        CERTIFICATE_LIFETIME_S,
    )
    signed = await node.services.authorities.sign(wanted)
    roots = await node.services.authorities.ensure(DEFAULT_ORGANISATION_ID)
    files = {
        "roots.pem": "".join(each.certificate for each in roots),
        "station.pem": signed.chain,
        "key.pem": private_key,
    }
    for name, text in files.items():
        (folder / name).touch(0o600)
        (folder / name).write_text(text)
    ca_file, certificate_file, key_file = (str(folder / name) for name in files)
    tls = TlsSettings(f"wss://localhost:{node.port_of('tls')}{given.ocpp.path}", ca_file, certificate_file, key_file)
    return replace(settings, tls=tls)
