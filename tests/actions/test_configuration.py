"""GetConfiguration and ChangeConfiguration as dialogues (handbook §3.3.3, §3.3.7, §4.5, §4.6)."""

import json
from typing import Any

import pytest

from stationmaster.domain.jobs import Job
from stationmaster.domain.stations import Station
from stationmaster.session.events import CallAnsweredLate
from tests.actions.line import SILENCE, Line, connect
from tests.services.node import ORGANISATION, Node, until

OLD, NEW = "00" * 20, "AB" * 20


async def send(
    node: Node, action: str, payload: dict[str, Any] | None = None, *, wait_s: float = 5, **more: Any
) -> Job:
    return await node.services.commands.send(
        ORGANISATION, "CP7", action, {**(payload or {}), **more}, requested_by="test", wait_s=wait_s
    )


async def read(
    node: Node, line: Line, keys: dict[str, tuple[str | None, bool]], asked: list[str] | None = None
) -> None:
    line.will_answer(
        "GetConfiguration",
        configurationKey=[
            {"key": key, "readonly": readonly} | ({} if value is None else {"value": value})
            for key, (value, readonly) in keys.items()
        ],
        unknownKey=[key for key in asked or [] if key not in keys],
    )
    await send(node, "GetConfiguration", {} if asked is None else {"key": asked})
    node.clock.pass_s(1)


async def known(node: Node) -> dict[str, tuple[str | None, bool | None, bool, str | None]]:
    return {
        each.variable: (each.value, each.readonly, each.supported, each.write_status)
        for each in await node.storage.configuration.of("CP7")
    }


async def station(node: Node) -> Station:
    found = await node.storage.stations.get("CP7")
    assert found is not None
    return found


# The mirror


async def test_a_full_read_replaces_and_a_partial_one_merges(node: Node) -> None:
    line = await connect(node)
    await read(node, line, {"A": ("1", False), "B": ("2", True), "C": (None, False)})
    await read(node, line, {"B": ("3", True)}, asked=["B", "Z"])
    assert await known(node) == {
        "A": ("1", False, True, None),
        "B": ("3", True, True, None),
        "C": (None, False, True, None),
        "Z": (None, None, False, None),
    }
    await read(node, line, {"D": ("4", False)})
    assert await known(node) == {"D": ("4", False, True, None)}


@pytest.mark.parametrize(
    ("status", "value", "write_status"),
    [
        ("Accepted", "60", "accepted"),
        ("RebootRequired", "30", "reboot_required"),
        ("Rejected", "30", None),
        ("NotSupported", "30", None),
    ],
)
async def test_a_change_counts_when_the_station_takes_it(
    node: Node, status: str, value: str, write_status: str | None
) -> None:
    line = await connect(node)
    await read(node, line, {"MeterValueSampleInterval": ("30", False)})
    line.will_answer("ChangeConfiguration", status=status)
    await send(node, "ChangeConfiguration", key="metervaluesampleinterval", value="60")
    assert (await known(node))["MeterValueSampleInterval"][::3] == (value, write_status)
    assert line.heard[-1] == ("ChangeConfiguration", {"key": "metervaluesampleinterval", "value": "60"})


async def pending(node: Node) -> dict[str, tuple[str | None, str | None]]:
    return {each.variable: (each.value, each.pending_value) for each in await node.storage.configuration.of("CP7")}


async def test_a_value_for_the_next_boot_waits_for_it(node: Node) -> None:
    line = await connect(node)
    await read(node, line, {"ConnectionTimeOut": ("30", False)})
    line.will_answer("ChangeConfiguration", status="RebootRequired")
    await send(node, "ChangeConfiguration", key="ConnectionTimeOut", value="90")
    assert await pending(node) == {"ConnectionTimeOut": ("30", "90")}
    node.clock.pass_s(1)
    await line.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    assert await pending(node) == {"ConnectionTimeOut": ("90", None)}


async def test_a_key_is_one_key_however_it_is_asked_for(node: Node) -> None:
    line = await connect(node)
    await read(node, line, {"HeartbeatInterval": ("30", False)})
    await read(node, line, {"heartbeatinterval": ("60", False)}, asked=["heartbeatinterval"])
    assert await known(node) == {"HeartbeatInterval": ("60", False, True, None)}


async def test_a_full_read_removes_what_was_only_set(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ChangeConfiguration", status="Accepted")
    await send(node, "ChangeConfiguration", key="Imagined", value="1")
    line.will_answer("ChangeConfiguration", status="Accepted")
    await send(node, "ChangeConfiguration", key="AuthorizationKey", value=NEW)
    node.clock.pass_s(1)
    await read(node, line, {"HeartbeatInterval": ("30", False)})
    assert set(await known(node)) == {"AuthorizationKey", "HeartbeatInterval"}


async def test_nothing_is_sent_that_nobody_asked_for(node: Node) -> None:
    """Quiet mode: no read-back, no read after connect (§3.1)."""
    line = await connect(node)
    await line.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    line.will_answer("ChangeConfiguration", status="Accepted")
    await send(node, "ChangeConfiguration", key="HeartbeatInterval", value="60")
    await line.says("StartTransaction", connectorId=1, idTag="A", meterStart=0, timestamp="2025-03-01T12:34:56Z")
    assert [action for action, _ in line.heard] == ["ChangeConfiguration"]


async def test_a_value_for_the_next_boot_that_is_told_too_late_leaves_what_is_in_force(node: Node) -> None:
    line = await connect(node)
    await read(node, line, {"HeartbeatInterval": ("30", False)})
    line.will_answer("ChangeConfiguration", SILENCE)
    job = await send(node, "ChangeConfiguration", wait_s=0, key="heartbeatInterval", value="60")
    await until(lambda: _is(node, job, "sent"))
    line.passes_s(31)
    await until(lambda: _is(node, job, "timeout"))
    late = CallAnsweredLate(job.id, "ChangeConfiguration", b'{"status":"RebootRequired"}', 31_000_000)
    await node.actions.answered_late(line, late)
    assert await pending(node) == {"HeartbeatInterval": ("30", "60")}


async def test_an_answer_that_comes_too_late_leaves_the_value_in_doubt(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ChangeConfiguration", SILENCE)
    job = await send(node, "ChangeConfiguration", wait_s=0, key="HeartbeatInterval", value="60")
    await until(lambda: _is(node, job, "sent"))
    line.passes_s(31)
    await until(lambda: _is(node, job, "timeout"))
    late = CallAnsweredLate(job.id, "ChangeConfiguration", b'{"status":"Accepted"}', 31_000_000)
    await node.actions.answered_late(line, late)
    await node.actions.answered_late(line, late)
    assert (await known(node))["HeartbeatInterval"] == ("60", None, True, "unknown")
    found = await node.storage.jobs.get(job.id)
    assert found is not None
    assert (found.state, found.result, found.response) == ("timeout", "Accepted", '{"status":"Accepted"}')


async def _is(node: Node, job: Job, state: str) -> bool:
    found = await node.storage.jobs.get(job.id)
    return found is not None and found.state == state


# The password


async def with_password(node: Node) -> Line:
    return await connect(node, security_profile=1, password=OLD)


def opens(node: Node, record: Station, password: str) -> str | None:
    return node.services.security.which_password(record, bytes.fromhex(password))


@pytest.mark.parametrize(
    ("answer", "old", "new"),
    [
        ({"status": "Accepted"}, None, "current"),
        ({"status": "Rejected"}, "current", None),
        ({"status": "NotSupported"}, "current", None),
        ({"status": "RebootRequired"}, "current", "pending"),
        (("InternalError", ""), "current", "pending"),
        ({"status": "Perhaps"}, "current", "pending"),
    ],
)
async def test_a_new_password_counts_as_the_answer_says(
    node: Node, answer: Any, old: str | None, new: str | None
) -> None:
    line = await with_password(node)
    line.will_answer("ChangeConfiguration", answer)
    await send(node, "ChangeConfiguration", key="AuthorizationKey", value=NEW)
    record = await station(node)
    assert (opens(node, record, OLD), opens(node, record, NEW)) == (old, new)


async def test_while_no_answer_has_come_both_passwords_count(node: Node) -> None:
    line = await with_password(node)
    line.will_answer("ChangeConfiguration", SILENCE)
    job = await send(node, "ChangeConfiguration", wait_s=0, key="AuthorizationKey", value=NEW)
    await until(lambda: _is(node, job, "sent"))
    record = await station(node)
    assert (opens(node, record, OLD), opens(node, record, NEW)) == ("current", "pending")
    line.hangs_up()
    await until(lambda: _is(node, job, "not_delivered"))
    record = await station(node)
    assert (opens(node, record, OLD), opens(node, record, NEW)) == ("current", "pending")


async def test_a_password_that_was_never_sent_never_counts(node: Node) -> None:
    line = await with_password(node)
    line.will_answer("ClearCache", SILENCE)
    await send(node, "ClearCache", wait_s=0)
    job = await send(node, "ChangeConfiguration", wait_s=0, key="AuthorizationKey", value=NEW)
    line.hangs_up()
    await until(lambda: _is(node, job, "not_delivered"))
    record = await station(node)
    assert (opens(node, record, OLD), opens(node, record, NEW)) == ("current", None)


@pytest.mark.parametrize(("used", "old", "new"), [("pending", None, "current"), ("current", "current", None)])
async def test_the_one_a_station_comes_in_with_is_the_one_that_stays(
    node: Node, used: str, old: str | None, new: str | None
) -> None:
    line = await with_password(node)
    line.will_answer("ChangeConfiguration", ("GenericError", ""))
    await send(node, "ChangeConfiguration", key="AuthorizationKey", value=NEW)
    await node.services.security.came_in(await station(node), 1, used)
    record = await station(node)
    assert (opens(node, record, OLD), opens(node, record, NEW)) == (old, new)


async def test_the_password_is_nowhere_to_be_seen(node: Node) -> None:
    line = await with_password(node)
    line.will_answer("ChangeConfiguration", status="Accepted")
    job = await send(node, "ChangeConfiguration", key="AuthorizationKey", value=NEW)
    line.will_answer(
        "GetConfiguration", configurationKey=[{"key": "AuthorizationKey", "readonly": False, "value": NEW}]
    )
    shown = await send(node, "GetConfiguration")
    assert json.loads(job.payload) == {"key": "AuthorizationKey", "value": "***"}
    assert NEW not in repr((job, shown, await known(node)))
    events = await node.storage.events.after(0, ORGANISATION, 100)
    assert NEW not in repr(events)
    assert line.heard[0] == ("ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW})


async def test_passwords_in_addresses_are_masked(node: Node) -> None:
    line = await connect(node)
    line.will_answer("GetDiagnostics", {})
    job = await send(node, "GetDiagnostics", location="ftp://user:secret@files.example/in")
    assert json.loads(job.payload) == {"location": "ftp://user:***@files.example/in"}
    assert line.heard[0][1] == {"location": "ftp://user:secret@files.example/in"}


# The security profile


@pytest.mark.parametrize(
    ("answer", "pending"),
    [
        ({"status": "Accepted"}, 2),
        ({"status": "Rejected"}, None),
        ({"status": "NotSupported"}, None),
        (("NotSupported", ""), None),
    ],
)
async def test_a_higher_profile_is_pending_until_the_station_comes_in_with_it(
    node: Node, answer: Any, pending: int | None
) -> None:
    line = await with_password(node)
    line.will_answer("ChangeConfiguration", answer)
    await send(node, "ChangeConfiguration", key="SecurityProfile", value="2")
    record = await station(node)
    assert (record.security_profile, record.pending_security_profile) == (1, pending)
    await node.services.security.came_in(record, 1, "current")
    assert (await station(node)).pending_security_profile == pending
    if pending is not None:
        await node.services.security.came_in(record, 2, "current")
        record = await station(node)
        assert (record.security_profile, record.pending_security_profile) == (2, None)


# Warnings never stop a command


@pytest.mark.parametrize(
    ("payload", "warning"),
    [
        ({"key": "MeterValueSampleInterval", "value": "often"}, "MeterValueSampleInterval is a whole number."),
        ({"key": "HeartbeatInterval", "value": "-1"}, "HeartbeatInterval is not negative."),
        ({"key": "LocalPreAuthorize", "value": "yes"}, "LocalPreAuthorize is `true` or `false`."),
        ({"key": "NumberOfConnectors", "value": "2"}, "NumberOfConnectors can only be read."),
        ({"key": "Frozen", "value": "2"}, "The station said that Frozen can only be read."),
        ({"key": "Missing", "value": "2"}, "The station said that it does not know Missing."),
        ({"key": "StopTxnSampledData", "value": "A,B,C"}, "StopTxnSampledData holds 2 items; these are 3."),
        ({"key": "AuthorizationKey", "value": "short"}, "A password travels as 32 to 40 hexadecimal digits."),
        (
            {"key": "WebSocketPingInterval", "value": "180"},
            (
                "Pings every 180 s are rarer than all attempts to send a transaction message take (180 s); "
                "a half-open connection can lose one."
            ),
        ),
    ],
)
async def test_an_odd_value_is_warned_about_and_sent(node: Node, payload: dict[str, str], warning: str) -> None:
    line = await connect(node)
    await read(
        node,
        line,
        {
            "Frozen": ("1", True),
            "StopTxnSampledDataMaxLength": ("2", True),
            "TransactionMessageAttempts": ("3", False),
            "TransactionMessageRetryInterval": ("60", False),
        },
    )
    await read(node, line, {}, asked=["Missing"])
    line.will_answer("ChangeConfiguration", status="Rejected")
    job = await send(node, "ChangeConfiguration", payload)
    assert (job.warnings, job.result) == ((warning,), "Rejected")
    assert line.heard[-1][1] == payload


@pytest.mark.parametrize(
    "payload",
    [
        {"key": "MeterValueSampleInterval", "value": "60"},
        {"key": "StopTxnSampledData", "value": ""},
        {"key": "Vendor.Special", "value": "anything"},
        {"key": "WebSocketPingInterval", "value": "60"},
    ],
)
async def test_an_ordinary_value_is_not_warned_about(node: Node, payload: dict[str, str]) -> None:
    line = await connect(node)
    line.will_answer("ChangeConfiguration", status="Accepted")
    assert (await send(node, "ChangeConfiguration", payload)).warnings == ()
