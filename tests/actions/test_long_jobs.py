"""Commands whose answer is only a promise: remote start and stop, transfers (handbook §3.1, §3.3.10, §3.9)."""

import asyncio
import json
from typing import Any

import pytest

from stationmaster.domain.jobs import Job
from stationmaster.storage.queries.reports import Variable
from tests.actions.line import Line, connect
from tests.services.node import ORGANISATION, SECOND, START, Clock, Node, open_node


async def send(node: Node, action: str, **payload: Any) -> Job:
    return await node.services.commands.send(ORGANISATION, "CP7", action, payload, requested_by="test", wait_s=5)


async def now(node: Node, job: Job) -> Job:
    found = await node.storage.jobs.get(job.id)
    assert found is not None
    return found


def told(job: Job) -> dict[str, Any]:
    progress: dict[str, Any] = json.loads(job.progress or "{}")
    return progress


async def start(line: Line, id_tag: str = "A1", connector_id: int = 1, at: str = "12:34:56") -> int:
    answer = await line.says(
        "StartTransaction",
        connectorId=connector_id,
        idTag=id_tag,
        meterStart=0,
        timestamp=f"2025-03-01T{at}Z",
    )
    transaction_id: int = answer["transactionId"]
    return transaction_id


# Remote start


async def test_a_remote_start_ends_with_the_transaction_that_begins(node: Node) -> None:
    line = await connect(node)
    line.will_answer("RemoteStartTransaction", status="Accepted")
    job = await send(node, "RemoteStartTransaction", idTag="A1", connectorId=1)
    assert (job.state, job.finished_at) == ("waiting", None)
    assert told(job)["awaits"] == {
        "kind": "transaction_start",
        "until": "2025-03-01T12:37:56.000Z",
        "id_tag": "A1",
        "evse_id": 1,
    }
    await line.says("Authorize", idTag="A1")
    await line.says("StatusNotification", connectorId=1, errorCode="NoError", status="Preparing")
    ocpp_id = await start(line, id_tag="a1")
    transaction = await node.storage.transactions.by_ocpp_id("CP7", str(ocpp_id))
    assert transaction is not None
    done = await now(node, job)
    assert (done.state, done.result, told(done)) == ("done", "Accepted", {"transaction_id": transaction.id})
    assert transaction.remote_start_job_id == job.id


@pytest.mark.parametrize(("id_tag", "connector_id"), [("B2", 1), ("A1", 2)])
async def test_another_start_does_not_fulfil_it(node: Node, id_tag: str, connector_id: int) -> None:
    line = await connect(node)
    line.will_answer("RemoteStartTransaction", status="Accepted")
    job = await send(node, "RemoteStartTransaction", idTag="A1", connectorId=1)
    await start(line, id_tag=id_tag, connector_id=connector_id)
    assert (await now(node, job)).state == "waiting"


async def test_one_start_fulfils_one_wish_the_older_first(node: Node) -> None:
    line = await connect(node)
    jobs = []
    for _ in range(2):
        line.will_answer("RemoteStartTransaction", status="Accepted")
        jobs.append(await send(node, "RemoteStartTransaction", idTag="A1"))
        node.clock.pass_s(1)
    await start(line)
    assert [(await now(node, job)).state for job in jobs] == ["done", "waiting"]
    await start(line, connector_id=2)
    assert [(await now(node, job)).state for job in jobs] == ["done", "done"]


async def test_a_resent_start_fulfils_nothing_more(node: Node) -> None:
    line = await connect(node)
    await start(line)
    line.will_answer("RemoteStartTransaction", status="Accepted")
    job = await send(node, "RemoteStartTransaction", idTag="A1")
    await start(line)
    assert (await now(node, job)).state == "waiting"


async def test_a_remote_start_lapses_when_no_transaction_begins(node: Node) -> None:
    line = await connect(node)
    line.will_answer("RemoteStartTransaction", status="Accepted")
    job = await send(node, "RemoteStartTransaction", idTag="A1")
    assert await node.services.sweeper.sweep(node.clock.pass_s(179)) == 0
    assert await node.services.sweeper.sweep(node.clock.pass_s(2)) == 1
    lapsed = await now(node, job)
    assert (lapsed.state, json.loads(lapsed.error or "")["code"]) == ("timeout", "no_transaction_started")
    await start(line)
    assert (await now(node, job)).state == "timeout"


async def test_the_wait_follows_the_stations_own_connection_timeout(node: Node) -> None:
    line = await connect(node)
    line.will_answer(
        "GetConfiguration", configurationKey=[{"key": "ConnectionTimeOut", "readonly": False, "value": "30"}]
    )
    await send(node, "GetConfiguration")
    line.will_answer("RemoteStartTransaction", status="Accepted")
    job = await send(node, "RemoteStartTransaction", idTag="A1")
    assert told(job)["awaits"]["until"] == "2025-03-01T12:36:26.000Z"


async def test_the_station_may_start_in_the_moment_it_says_yes(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The StartTransaction may come before the database knows that the job waits, or answers anything at all."""
    line = await connect(node)
    read = node.storage.configuration.of

    async def slow(station_id: str) -> list[Variable]:
        await asyncio.sleep(0.3 if line.heard else 0)
        return await read(station_id)

    monkeypatch.setattr(node.storage.configuration, "of", slow)
    line.will_answer("RemoteStartTransaction", status="Accepted")
    job = await node.services.commands.send(
        ORGANISATION, "CP7", "RemoteStartTransaction", {"idTag": "A1"}, requested_by="test", wait_s=0
    )
    while not line.heard:  # noqa: ASYNC110 -- turns of the loop are what is counted here
        await asyncio.sleep(0)
    for _ in range(2):  # the answer arrives, and its job is woken: what a socket gives at least
        await asyncio.sleep(0)
    await start(line)
    assert (await now(node, job)).state == "done"


async def test_a_restarted_node_still_knows_what_is_awaited(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as node:
        line = await connect(node)
        line.will_answer("RemoteStartTransaction", status="Accepted")
        job = await send(node, "RemoteStartTransaction", idTag="A1")
    async with open_node(sqlite_url, clock=Clock(START + 10 * SECOND)) as node:
        line = await connect(node)
        await start(line)
        assert (await now(node, job)).state == "done"


# Remote stop


async def test_an_end_fulfils_every_wish_for_it(node: Node) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    jobs = []
    for _ in range(2):
        line.will_answer("RemoteStopTransaction", status="Accepted")
        jobs.append(await send(node, "RemoteStopTransaction", transactionId=transaction_id))
    assert {job.state for job in jobs} == {"waiting"}
    await line.says("StopTransaction", transactionId=transaction_id, meterStop=9, timestamp="2025-03-01T12:35:00Z")
    assert {(await now(node, job)).state for job in jobs} == {"done"}


async def test_a_remote_stop_ends_with_the_end_of_the_transaction(node: Node) -> None:
    line = await connect(node)
    first, second = await start(line), await start(line, connector_id=2)
    line.will_answer("RemoteStopTransaction", status="Accepted")
    job = await send(node, "RemoteStopTransaction", transactionId=second)
    assert job.warnings == ()
    for transaction_id, state in ((first, "waiting"), (second, "done")):
        await line.says(
            "StopTransaction",
            transactionId=transaction_id,
            meterStop=5,
            timestamp="2025-03-01T12:35:30Z",
            reason="Remote",
        )
        assert (await now(node, job)).state == state


async def test_a_missed_end_is_found_at_the_deadline(node: Node) -> None:
    """The message that should have finished the job did not reach the node; the database knows better."""
    line = await connect(node)
    transaction_id = await start(line)
    line.will_answer("RemoteStopTransaction", status="Accepted")
    job = await send(node, "RemoteStopTransaction", transactionId=transaction_id)
    node.services.waiting._stations.clear()
    await line.says("StopTransaction", transactionId=transaction_id, meterStop=5, timestamp="2025-03-01T12:35:30Z")
    assert (await now(node, job)).state == "waiting"
    await node.services.sweeper.sweep(node.clock.pass_s(601))
    assert (await now(node, job)).state == "done"


async def test_missed_boots_and_starts_are_found_too(node: Node) -> None:
    line = await connect(node)
    line.will_answer("RemoteStartTransaction", status="Accepted")
    start_job = await send(node, "RemoteStartTransaction", idTag="A1")
    line.will_answer("Reset", status="Accepted")
    reset_job = await send(node, "Reset", type="Soft")
    await start(line)
    await node.storage.record([])
    assert (await now(node, start_job)).state == "done"
    node.services.waiting._stations.clear()
    node.clock.pass_s(5)
    await line.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    assert (await now(node, reset_job)).state == "waiting"
    await node.services.sweeper.sweep(node.clock.pass_s(901))
    assert (await now(node, reset_job)).state == "done"


# Transfers


async def test_firmware_is_followed_to_its_end_across_a_reboot(node: Node) -> None:
    line = await connect(node)
    line.will_answer("UpdateFirmware", {})
    job = await send(node, "UpdateFirmware", location="https://f/x", retrieveDate="2025-03-01T12:00:00Z")
    for status in ("Downloading", "Downloaded", "Installing"):
        assert await line.says("FirmwareStatusNotification", status=status) == {}
        assert (told(await now(node, job))["transfer_status"], (await now(node, job)).state) == (status, "waiting")
    line.hangs_up()
    line = await connect(node)
    await line.says("FirmwareStatusNotification", status="Installed")
    done = await now(node, job)
    assert (done.state, done.result) == ("done", "Installed")
    statuses = (await node.storage.transfer_statuses.find(ORGANISATION, job_id=job.id)).items
    assert [each.status for each in reversed(statuses)] == ["Downloading", "Downloaded", "Installing", "Installed"]


@pytest.mark.parametrize("status", ["Idle", "Downloading", "Installed"])
async def test_reports_without_a_job_are_confirmed(node: Node, status: str) -> None:
    line = await connect(node)
    assert await line.says("FirmwareStatusNotification", status=status) == {}
    assert await line.says("SignedFirmwareStatusNotification", status=status, requestId=9) == {}
    assert await line.says("DiagnosticsStatusNotification", status="Idle") == {}
    assert await line.says("LogStatusNotification", status="Uploading", requestId=9) == {}
    assert await line.says("LogStatusNotification", status="Idle") == {}
    assert {each.job_id for each in (await node.storage.transfer_statuses.find(ORGANISATION)).items} == {None}


async def test_idle_says_nothing_about_a_job(node: Node) -> None:
    line = await connect(node)
    line.will_answer("GetDiagnostics", fileName="d.zip")
    job = await send(node, "GetDiagnostics", location="ftp://f/x")
    await line.says("DiagnosticsStatusNotification", status="Idle")
    assert told(await now(node, job)) == {
        "awaits": {"kind": "transfer", "until": "2025-03-02T12:34:56.000Z"},
        "file_name": "d.zip",
    }
    await line.says("DiagnosticsStatusNotification", status="UploadFailed")
    done = await now(node, job)
    assert (done.state, done.result, told(done)["file_name"]) == ("done", "UploadFailed", "d.zip")


async def test_an_end_after_we_gave_up_wins(node: Node) -> None:
    line = await connect(node)
    line.will_answer("UpdateFirmware", {})
    job = await send(node, "UpdateFirmware", location="https://f/x", retrieveDate="2025-03-01T12:00:00Z")
    await node.services.sweeper.sweep(node.clock.pass_s(24 * 3600 + 1))
    assert (await now(node, job)).state == "timeout"
    await line.says("FirmwareStatusNotification", status="Installed")
    done = await now(node, job)
    assert (done.state, done.result, done.error) == ("done", "Installed", None)
    await line.says("FirmwareStatusNotification", status="InstallationFailed")
    assert (await now(node, job)).result == "Installed"


LOG = {"logType": "SecurityLog", "log": {"remoteLocation": "https://f/x"}}


async def test_a_log_belongs_to_its_request(node: Node) -> None:
    line = await connect(node)
    jobs = []
    for request_id in (5, 6):
        line.will_answer("GetLog", status="Accepted", filename="l")
        jobs.append(await send(node, "GetLog", requestId=request_id, **LOG))
        node.clock.pass_s(1)
    await line.says("LogStatusNotification", status="Uploaded", requestId=5)
    assert [(await now(node, job)).state for job in jobs] == ["done", "waiting"]
    await line.says("LogStatusNotification", status="Uploaded", requestId=77)
    assert [(await now(node, job)).state for job in jobs] == ["done", "waiting"]
    await line.says("LogStatusNotification", status="PermissionDenied", requestId=6)
    assert [(await now(node, job)).result for job in jobs] == ["Uploaded", "PermissionDenied"]


async def test_a_newer_log_that_cancels_the_older_says_so(node: Node) -> None:
    line = await connect(node)
    line.will_answer("GetLog", status="Accepted", filename="l")
    older = await send(node, "GetLog", requestId=5, **LOG)
    node.clock.pass_s(1)
    line.will_answer("GetLog", status="AcceptedCanceled", filename="m")
    newer = await send(node, "GetLog", requestId=6, **LOG)
    assert (await now(node, older)).state == "cancelled"
    assert newer.state == "waiting"


@pytest.mark.parametrize(("status", "older_is"), [("Accepted", "waiting"), ("AcceptedCanceled", "cancelled")])
async def test_a_newer_update_cancels_the_older_only_if_the_station_says_so(
    node: Node, status: str, older_is: str
) -> None:
    line = await connect(node)
    firmware = {
        "location": "https://f/x",
        "retrieveDateTime": "2025-03-01T12:00:00Z",
        "signingCertificate": "PEM",
        "signature": "c2ln",
    }
    line.will_answer("SignedUpdateFirmware", status="Accepted")
    older = await send(node, "SignedUpdateFirmware", requestId=3, firmware=firmware)
    line.will_answer("SignedUpdateFirmware", status=status)
    await send(node, "SignedUpdateFirmware", requestId=4, firmware=firmware)
    assert (await now(node, older)).state == older_is


async def test_signed_firmware_ends_with_a_bad_signature(node: Node) -> None:
    line = await connect(node)
    line.will_answer("SignedUpdateFirmware", status="Accepted")
    firmware = {
        "location": "https://f/x",
        "retrieveDateTime": "2025-03-01T12:00:00Z",
        "signingCertificate": "PEM",
        "signature": "c2ln",
    }
    job = await send(node, "SignedUpdateFirmware", requestId=3, firmware=firmware)
    for status in ("Downloading", "Downloaded", "InvalidSignature"):
        await line.says("SignedFirmwareStatusNotification", status=status, requestId=3)
    done = await now(node, job)
    assert (done.state, done.result) == ("done", "InvalidSignature")


async def test_jobs_of_a_node_that_died_do_not_stay_on_their_way(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as node:
        await connect(node)
        job = await node.services.commands.send(ORGANISATION, "CP7", "ClearCache", {}, requested_by="test", wait_s=0)
        node.at_the_end.clear()
        for running in node.services.commands._running:
            running.cancel()
    async with open_node(sqlite_url, clock=Clock(START + 10 * SECOND)) as node:
        assert await node.services.sweeper.sweep(node.clock.pass_s(300)) == 0
        await node.services.sweeper.sweep(node.clock() + 1000 * SECOND)
        lost = await now(node, job)
        assert (lost.state, json.loads(lost.error or "")["code"]) == ("not_delivered", "outcome_unknown")
