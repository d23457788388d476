"""Jobs, transfers, security events and vendor messages, as they are written and read."""

from typing import Any

import msgspec
import pytest

from stationmaster.domain.facts import (
    DataTransferReceived,
    JobChanged,
    SecurityEventReported,
    TransferStatusReported,
)
from stationmaster.domain.jobs import Job
from stationmaster.storage import AlreadyStored, Storage
from tests.storage.facts import at, head


def job(id: str, state: str = "queued", station_id: str = "CP1", seconds: float = 0, **more: Any) -> JobChanged:
    fields: dict[str, Any] = {
        "action": "Reset",
        "protocol": "ocpp1.6",
        "payload": '{"type":"Soft"}',
        "requested_by": "ann",
        "queued_at": at(seconds),
    } | more
    return JobChanged(**head(station_id, seconds), id=id, state=state, **fields)


async def test_a_job_is_as_it_was_last(storage: Storage) -> None:
    await storage.record([job("j1"), job("j1", "sent", sent_at=at(1))])
    end = job(
        "j1",
        "error",
        sent_at=at(1),
        answered_at=at(2),
        finished_at=at(2),
        response="{}",
        result="GenericError",
        error={"code": "GenericError", "description": "no", "details": {}},
        warnings=("slow",),
        persistent=True,
        site_id="site",
    )
    await storage.record([end])
    fields = {name: getattr(end, name) for name in Job.__struct_fields__}
    fields["error"] = msgspec.json.encode(end.error).decode()
    assert await storage.jobs.get("j1") == Job(**fields)
    assert await storage.jobs.get("j2") is None


async def test_jobs_are_listed(storage: Storage) -> None:
    for i in range(5):
        ended: dict[str, Any] = {"state": "done", "finished_at": at(9)} if i < 2 else {}
        await storage.record([job(f"j{i}", seconds=i, action="Reset" if i % 2 else "Unlock", site_id="s", **ended)])
    await storage.record([job("k", station_id="CP2", seconds=2)])

    async def ids(**filters: Any) -> list[str]:
        return [found.id for found in (await storage.jobs.find(**filters)).items]

    assert await ids() == ["j4", "j3", "k", "j2", "j1", "j0"]
    assert await ids(station_id="CP2") == ["k"]
    assert await ids(state=["done", "error"]) == ["j1", "j0"]
    assert await ids(action="Unlock", since=at(1), until=at(4)) == ["j2"]
    assert await ids(site_ids=["s"], requested_by="bob") == []
    first = await storage.jobs.find(limit=3)
    assert [found.id for found in (await storage.jobs.find(limit=9, cursor=first.next_cursor)).items] == [
        "j2",
        "j1",
        "j0",
    ]
    latest = await storage.jobs.latest("CP1", "Unlock")
    assert latest is not None
    assert latest.id == "j4"
    assert await storage.jobs.latest("CP1", ["Nothing"]) is None
    assert [found.id for found in await storage.jobs.unfinished()] == ["j2", "k", "j3", "j4"]
    assert [found.id for found in await storage.jobs.unfinished("CP2")] == ["k"]


async def test_transfer_statuses_are_a_history(storage: Storage) -> None:
    steps = ("Downloading", "Downloaded", "Installed")
    for i, step in enumerate(steps):
        fact = TransferStatusReported(**head("CP1", i), transfer="firmware", status=step, job_id="j1")
        await storage.record([fact])
    page = await storage.transfer_statuses.find("default", station_id="CP1", transfer="firmware")
    assert [found.status for found in page.items] == list(reversed(steps))
    assert len((await storage.transfer_statuses.find(job_id="j1", since=at(1), until=at(2))).items) == 1
    first = await storage.transfer_statuses.find(limit=2)
    assert len((await storage.transfer_statuses.find(limit=2, cursor=first.next_cursor)).items) == 1
    with pytest.raises(ValueError, match="nonsense"):
        await storage.transfer_statuses.find(nonsense=1)


async def test_a_security_event_that_is_told_again_is_dropped(storage: Storage) -> None:
    def event(
        kind: str = "SettingSystemTime", info: str | None = "x", station_id: str = "CP1"
    ) -> SecurityEventReported:
        return SecurityEventReported(
            **head(station_id), type=kind, occurred_at=at(1), technical_info=info, critical=True
        )

    told: list[object] = []
    storage.on_committed(lambda committed: told.extend(item.fact for item in committed))
    assert await storage.record([event(), event("Other")]) == [None, None]
    others = [event(info=None), event(station_id="CP2"), event()]
    assert await storage.record(others) == [None, None, AlreadyStored()]
    assert await storage.record([event(), event("New"), event("New")]) == [AlreadyStored(), None, AlreadyStored()]
    assert len(told) == 5
    page = await storage.security_events.find(critical=True)
    assert len(page.items) == 5
    assert (page.items[-1].type, page.items[-1].critical, page.items[-1].source) == (
        "SettingSystemTime",
        True,
        "station",
    )
    assert len((await storage.security_events.find(type=["Other", "New"])).items) == 2


async def test_vendor_messages_are_kept(storage: Storage) -> None:
    fact = DataTransferReceived(**head("CP1"), vendor_id="v", message_id=None, data="x" * 900_000, status="Accepted")
    await storage.record([fact])
    found = (await storage.data_transfers.find(vendor_id="v")).items[0]
    assert (found.data, found.status, found.message_id) == (fact.data, "Accepted", None)
