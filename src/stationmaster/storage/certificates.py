"""Writing certificates of stations and the roots that they report: the last in a batch counts, but for a revocation."""

import sqlalchemy as sa

from stationmaster.domain.certificates import (
    CertificateChanged,
    CertificateState,
    InstalledRootsReported,
    StationCertificate,
)
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables.certificates import installed_root, station_certificate

__all__ = ["store_certificates", "store_roots"]

_COLUMNS = tuple(column.name for column in station_certificate.columns)
_ROOT_COLUMNS = tuple(column.name for column in installed_root.columns)
_ROOT_KEYS = tuple(column.name for column in installed_root.primary_key.columns)
_STORE = insert_into(
    station_certificate,
    _COLUMNS,
    keys=("id",),
    where=f"station_certificate.state <> '{CertificateState.REVOKED.value}'",
)
_STORE_ROOT = insert_into(installed_root, _ROOT_COLUMNS, keys=_ROOT_KEYS)


def store_certificates(_batch: Batch, facts: list[CertificateChanged]) -> Program[None]:
    """Keep certificates as they are now. Revoked is the end: whoever read one before that cannot bring it back."""
    latest: dict[str, StationCertificate] = {}
    for fact in facts:
        before = latest.get(fact.certificate.id)
        if before is None or before.state != CertificateState.REVOKED:
            latest[fact.certificate.id] = fact.certificate
    yield Execute(_STORE, [tuple(getattr(each, name) for name in _COLUMNS) for each in latest.values()])


def store_roots(_batch: Batch, facts: list[InstalledRootsReported]) -> Program[None]:
    """A report replaces what was known of that use at that station."""
    latest = {(fact.station_id, fact.use): fact for fact in facts}
    for (station_id, use), fact in latest.items():
        r = installed_root.c
        yield Execute(sa.delete(installed_root).where(r.station_id == station_id, r.use == use))
        if fact.roots:
            yield Execute(_STORE_ROOT, [tuple(getattr(each, name) for name in _ROOT_COLUMNS) for each in fact.roots])
