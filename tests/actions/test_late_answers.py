"""Answers that come after their time, as dialogues (handbook §1.7): the job stays as it ended, what we know may not.

Keys of the configuration are in `test_configuration.py`.
"""

import json
from typing import Any

import pytest

from stationmaster.domain.jobs import Job
from stationmaster.session.events import CallAnsweredLate
from tests.actions.line import SILENCE, CallErrorHeard, Line, away, connect
from tests.services.node import ORGANISATION, Node, until

ACCEPTED = {"status": "Accepted"}
RESERVE: dict[str, Any] = {"connectorId": 1, "expiryDate": "2030-01-01T00:00:00Z", "idTag": "A1", "reservationId": 7}
ROOT = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "ab" * 32,
    "issuerKeyHash": "cd" * 32,
    "serialNumber": "77",
}


async def is_in(node: Node, job: Job, state: str) -> bool:
    found = await node.storage.jobs.get(job.id)
    return found is not None and found.state == state


async def ask(node: Node, action: str, *, wait_s: float = 0, **payload: Any) -> Job:
    """An operator asks."""
    return await node.services.commands.send(ORGANISATION, "CP7", action, payload, requested_by="test", wait_s=wait_s)


async def under_way(node: Node, line: Line, action: str, **payload: Any) -> Job:
    """<< a command; the station says nothing yet."""
    line.will_answer(action, SILENCE)
    job = await ask(node, action, **payload)
    await until(lambda: is_in(node, job, "sent"))
    return job


async def unanswered(node: Node, line: Line, action: str, **payload: Any) -> Job:
    """<< a command; the station says nothing until its time is over."""
    job = await under_way(node, line, action, **payload)
    line.passes_s(31)
    await until(lambda: is_in(node, job, "timeout"))
    return job


async def answers(node: Node, line: Line, job: Job, **payload: Any) -> None:
    """>> the answer after all."""
    late = CallAnsweredLate(job.id, job.action, json.dumps(payload).encode(), 31_000_000)
    await node.actions.answered_late(line, late)


async def says(line: Line, word: str) -> None:
    await line.says("StatusNotification", connectorId=1, errorCode="NoError", status=word)


async def reservation(node: Node) -> tuple[str, str, bool] | None:
    """State, why, and whether it is being cancelled."""
    found = await node.storage.reservations.get("CP7", 7)
    return None if found is None else (found.state, found.history[-1].why, found.cancelling)


async def test_a_reservation_without_an_answer_may_be_held_until_the_station_shows_it(node: Node) -> None:
    line = await connect(node)
    job = await unanswered(node, line, "ReserveNow", **RESERVE)
    assert await reservation(node) == ("requested", "no_answer", False)
    await answers(node, line, job, **ACCEPTED)
    assert await reservation(node) == ("requested", "no_answer", False)
    await says(line, "Preparing")
    assert await reservation(node) == ("requested", "no_answer", False)
    await says(line, "Reserved")
    assert await reservation(node) == ("active", "confirmed", False)
    await says(line, "Available")
    assert await reservation(node) == ("ended_at_station", "became_available", False)


async def test_a_reservation_without_an_answer_is_confirmed_by_what_the_station_showed_meanwhile(node: Node) -> None:
    line = await connect(node)
    job = await under_way(node, line, "ReserveNow", **RESERVE)
    await says(line, "Reserved")
    line.passes_s(31)
    await until(lambda: is_in(node, job, "timeout"))
    assert await reservation(node) == ("active", "confirmed", False)


async def test_a_reservation_that_was_cut_off_may_be_held(node: Node) -> None:
    line = await connect(node)
    job = await under_way(node, line, "ReserveNow", **RESERVE)
    await away(line)
    await until(lambda: is_in(node, job, "not_delivered"))
    assert await reservation(node) == ("requested", "no_answer", False)
    line = await connect(node)
    start = {"connectorId": 1, "idTag": "A1", "meterStart": 0, "timestamp": "2025-03-01T12:36:00Z"}
    await line.says("StartTransaction", **start, reservationId=7)
    assert await reservation(node) == ("used", "named", False)


async def test_a_reservation_that_was_never_asked_for_is_none(node: Node) -> None:
    line = await connect(node)
    await unanswered(node, line, "ClearCache")
    await under_way(node, line, "GetLocalListVersion")
    waits = await ask(node, "ReserveNow", **RESERVE)
    await away(line)
    await until(lambda: is_in(node, waits, "not_delivered"))
    assert await reservation(node) is None


async def test_a_cancellation_without_an_answer_is_one_once_the_connector_is_free(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ReserveNow", **ACCEPTED)
    await ask(node, "ReserveNow", wait_s=5, **RESERVE)
    await says(line, "Reserved")
    job = await unanswered(node, line, "CancelReservation", reservationId=7)
    await answers(node, line, job, **ACCEPTED)
    assert await reservation(node) == ("active", "answered", True)
    await says(line, "Available")
    assert await reservation(node) == ("cancelled", "became_available", True)


async def test_a_cancellation_that_never_left_cancels_nothing(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ReserveNow", **ACCEPTED)
    await ask(node, "ReserveNow", wait_s=5, **RESERVE)
    await under_way(node, line, "GetLocalListVersion")
    waits = await ask(node, "CancelReservation", reservationId=7)
    await away(line)
    await until(lambda: is_in(node, waits, "not_delivered"))
    assert await reservation(node) == ("active", "answered", False)


@pytest.mark.parametrize("status", ["Accepted", "Scheduled"])
async def test_what_was_asked_of_a_connector_is_kept_with_the_answer(node: Node, status: str) -> None:
    line = await connect(node)
    job = await unanswered(node, line, "ChangeAvailability", connectorId=1, type="Inoperative")
    await answers(node, line, job, status=status)
    (connector,) = await node.storage.connectors.of("CP7")
    assert (connector.desired_operative, connector.availability_status) == (False, status)


async def test_what_was_triggered_may_come_while_the_station_is_pending(node: Node) -> None:
    line = await connect(node, operator_state="Pending")
    with pytest.raises(CallErrorHeard, match="SecurityError"):
        await says(line, "Available")
    job = await unanswered(node, line, "TriggerMessage", requestedMessage="StatusNotification", connectorId=1)
    with pytest.raises(CallErrorHeard, match="SecurityError"):
        await says(line, "Available")
    await answers(node, line, job, **ACCEPTED)
    await says(line, "Available")
    with pytest.raises(CallErrorHeard, match="SecurityError"):
        await says(line, "Available")


@pytest.mark.parametrize(
    ("action", "payload", "asked"),
    [
        (
            "InstallCertificate",
            {"certificateType": "ManufacturerRootCertificate", "certificate": "x"},
            ["ManufacturerRootCertificate"],
        ),
        (
            "DeleteCertificate",
            {"certificateHashData": ROOT},
            ["CentralSystemRootCertificate", "ManufacturerRootCertificate"],
        ),
    ],
)
@pytest.mark.parametrize("answer", ["Accepted", "Failed"])
@pytest.mark.parametrize("quiet", [False, True])
async def test_the_roots_are_read_again_where_one_came_or_went(
    node: Node, action: str, payload: dict[str, Any], asked: list[str], answer: str, quiet: bool
) -> None:
    line = await connect(node)
    await node.storage.stations.update("CP7", {"automation": not quiet})
    job = await unanswered(node, line, action, **payload)
    for _ in asked:
        line.will_answer("GetInstalledCertificateIds", status="Accepted", certificateHashData=[ROOT])
    line.heard.clear()
    await answers(node, line, job, status=answer)
    expected = [] if quiet or answer == "Failed" else asked

    async def all_read() -> bool:
        return len(await node.storage.certificates.roots_of("CP7")) == len(expected)

    await until(all_read)
    assert sorted(said["certificateType"] for _, said in line.heard) == expected


async def test_reported_roots_are_in_doubt_from_a_change_that_may_have_been_made_until_they_are_read_again(
    node: Node,
) -> None:
    line = await connect(node)

    async def read() -> None:
        node.clock.pass_s(1)
        line.will_answer("GetInstalledCertificateIds", status="Accepted", certificateHashData=[ROOT])
        await ask(node, "GetInstalledCertificateIds", wait_s=5, certificateType="CentralSystemRootCertificate")

    async def in_doubt() -> bool:
        (root,) = await node.services.certificates.installed(ORGANISATION, "CP7")
        return root.in_doubt

    await read()
    assert not await in_doubt()
    for answer, doubt in ((("InternalError", "no"), False), ({"status": "Rejected"}, False), (ACCEPTED, True)):
        node.clock.pass_s(1)
        line.will_answer("InstallCertificate", answer)
        wish = {"certificateType": "CentralSystemRootCertificate", "certificate": "x"}
        await ask(node, "InstallCertificate", wait_s=5, **wish)
        assert await in_doubt() is doubt
    await read()
    assert not await in_doubt()
    node.clock.pass_s(1)
    job = await unanswered(node, line, "DeleteCertificate", certificateHashData=ROOT)
    assert await in_doubt()
    await answers(node, line, job, status="Failed")
    assert not await in_doubt()
    await answers(node, line, await unanswered(node, line, "DeleteCertificate", certificateHashData=ROOT), **ACCEPTED)
    assert await in_doubt()
    await read()
    assert not await in_doubt()


@pytest.mark.parametrize(
    ("late", "response"),
    [
        (b'{"status":"Accepted","x":"\\ud800"}', '{"status":"Accepted","x":"\ufffd"}'),
        (b'{"status":["Accepted"]}', '{"status":["Accepted"]}'),
        (b"[]", None),
        (b"[" * 100_000, None),
    ],
)
async def test_what_is_kept_of_a_late_answer_can_be_read_by_everybody(
    node: Node, late: bytes, response: str | None
) -> None:
    line = await connect(node)
    job = await unanswered(node, line, "ChangeAvailability", connectorId=1, type="Inoperative")
    await node.actions.answered_late(line, CallAnsweredLate(job.id, job.action, late, 31_000_000))
    found = await node.storage.jobs.get(job.id)
    assert found is not None
    assert (found.state, found.response) == ("timeout", response)


SIGNED_UPDATE = {
    "requestId": 5,
    "firmware": {
        "location": "https://files.example/firmware.bin",
        "retrieveDateTime": "2025-03-01T12:00:00Z",
        "signingCertificate": "x",
        "signature": "x",
    },
}
LOG = {"requestId": 5, "logType": "SecurityLog", "log": {"remoteLocation": "https://files.example/"}}


@pytest.mark.parametrize(
    ("action", "payload", "report", "end"),
    [
        ("SignedUpdateFirmware", SIGNED_UPDATE, "SignedFirmwareStatusNotification", "Installed"),
        ("GetLog", LOG, "LogStatusNotification", "Uploaded"),
    ],
)
async def test_what_a_station_reports_of_a_request_that_it_accepted_late_is_of_its_job(
    node: Node, action: str, payload: dict[str, Any], report: str, end: str
) -> None:
    line = await connect(node)
    job = await unanswered(node, line, action, **payload)
    await answers(node, line, job, status="Accepted")
    await line.says(report, status=end, requestId=6)
    assert await is_in(node, job, "timeout")
    await line.says(report, status=end, requestId=5)
    found = await node.storage.jobs.get(job.id)
    assert found is not None
    assert (found.state, found.result) == ("done", end)


@pytest.mark.parametrize(("status", "older_is"), [("Accepted", "waiting"), ("AcceptedCanceled", "cancelled")])
async def test_an_older_update_is_over_if_the_station_says_late_that_it_dropped_it(
    node: Node, status: str, older_is: str
) -> None:
    line = await connect(node)
    line.will_answer("SignedUpdateFirmware", status="Accepted")
    send = node.services.commands.send
    wish = {**SIGNED_UPDATE, "requestId": 4}
    older = await send(ORGANISATION, "CP7", "SignedUpdateFirmware", wish, requested_by="test", wait_s=5)
    job = await unanswered(node, line, "SignedUpdateFirmware", **SIGNED_UPDATE)
    assert await is_in(node, older, "waiting")
    await answers(node, line, job, status=status)
    assert await is_in(node, older, older_is)
    assert await is_in(node, job, "timeout")
