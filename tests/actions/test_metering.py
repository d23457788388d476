"""MeterValues as dialogues (handbook §3.2.7)."""

from typing import Any

import pytest

from stationmaster.domain.transactions import MeterValueSet
from tests.actions.line import CallErrorHeard, Line, connect
from tests.services.node import ORGANISATION, START, Node


def values(*samples: dict[str, Any], at: str = "2025-03-01T12:34:30Z") -> list[dict[str, Any]]:
    return [{"timestamp": at, "sampledValue": list(samples)}]


async def start(line: Line, connector_id: int = 1) -> int:
    answer = await line.says(
        "StartTransaction", connectorId=connector_id, idTag="A1", meterStart=100, timestamp="2025-03-01T12:34:00Z"
    )
    transaction_id: int = answer["transactionId"]
    return transaction_id


async def linked(node: Node, ocpp_id: int) -> list[MeterValueSet]:
    transaction = await node.storage.transactions.by_ocpp_id("CP7", str(ocpp_id))
    assert transaction is not None
    return (await node.storage.transactions.meter_values(transaction.id)).items


async def unlinked(node: Node) -> list[MeterValueSet]:
    return (await node.storage.transactions.meter_values(station_id="CP7")).items


async def test_values_of_a_named_transaction_belong_to_it(node: Node) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    assert (
        await line.says("MeterValues", connectorId=1, transactionId=transaction_id, meterValue=values({"value": "120"}))
        == {}
    )
    (only,) = await linked(node, transaction_id)
    assert (only.samples[0].value, only.inferred, only.evse_id) == (120, False, 1)


@pytest.mark.parametrize("named", [{}, {"transactionId": 0}, {"transactionId": -1}, {"transactionId": 4711}])
async def test_values_without_a_usable_id_belong_to_what_ran_there_then(node: Node, named: dict[str, int]) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    await line.says("MeterValues", connectorId=1, **named, meterValue=values({"value": "120"}))
    (only,) = await linked(node, transaction_id)
    assert only.inferred


async def test_late_values_belong_to_what_ran_there_then_even_after_a_reconnect(node: Node) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    await line.says("StopTransaction", transactionId=transaction_id, meterStop=200, timestamp="2025-03-01T12:34:40Z")
    await line.says("MeterValues", connectorId=1, meterValue=values({"value": "120"}))
    line.hangs_up()
    node.clock.pass_s(3600)
    again = await connect(node)
    await again.says("MeterValues", connectorId=1, meterValue=values({"value": "130"}, at="2025-03-01T12:34:35Z"))
    assert [each.samples[0].value for each in await linked(node, transaction_id)] == [120, 130]


async def test_values_of_another_connector_the_main_meter_or_another_time_belong_to_none(node: Node) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    await line.says("MeterValues", connectorId=2, meterValue=values({"value": "1"}))
    await line.says("MeterValues", connectorId=0, meterValue=values({"value": "2"}))
    await line.says("MeterValues", connectorId=1, meterValue=values({"value": "3"}, at="2025-03-01T12:00:00Z"))
    assert await linked(node, transaction_id) == []
    assert sorted(each.samples[0].value or 0 for each in await unlinked(node)) == [1, 2, 3]


async def test_the_main_meter_and_the_connector_are_told_apart_in_a_transaction(node: Node) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    for connector_id, value in ((0, "9000000"), (1, "120"), (0, "90"), (0, "120"), (1, "120")):
        await line.says(
            "MeterValues", connectorId=connector_id, transactionId=transaction_id, meterValue=values({"value": value})
        )
    await line.says(
        "StopTransaction",
        transactionId=transaction_id,
        meterStop=200,
        timestamp="2025-03-01T12:34:40Z",
        transactionData=values({"value": "120"}),
    )
    found = {each.evse_id: each.samples for each in await linked(node, transaction_id)}
    assert [each.value for each in found[None]] == [9_000_000, 90, 120]
    assert [(each.value, each.flags) for each in found[1]] == [(120, ())]
    assert found[None][0].flags == ()
    transaction = await node.storage.transactions.by_ocpp_id("CP7", str(transaction_id))
    assert transaction is not None
    assert transaction.last_meter_wh == 120


async def test_values_from_after_the_end_belong_to_none(node: Node) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    await line.says("StopTransaction", transactionId=transaction_id, meterStop=200, timestamp="2025-03-01T12:34:40Z")
    node.clock.pass_s(60)
    await line.says("MeterValues", connectorId=1, meterValue=values({"value": "250"}, at="2025-03-01T12:35:30Z"))
    assert await linked(node, transaction_id) == []
    assert len(await unlinked(node)) == 1


async def test_a_foreign_transaction_id_links_nothing(node: Node) -> None:
    other = await connect(node, "CP8")
    foreign = await start(other)
    line = await connect(node)
    await line.says("MeterValues", connectorId=1, transactionId=foreign, meterValue=values({"value": "1"}))
    transaction = await node.storage.transactions.by_ocpp_id("CP8", str(foreign))
    assert transaction is not None
    assert (await node.storage.transactions.meter_values(transaction.id)).items == []
    assert len(await unlinked(node)) == 1


async def test_repeats_are_dropped_also_between_messages(node: Node) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    for _ in range(2):
        await line.says("MeterValues", connectorId=1, transactionId=transaction_id, meterValue=values({"value": "120"}))
    await line.says(
        "StopTransaction",
        transactionId=transaction_id,
        meterStop=200,
        timestamp="2025-03-01T12:34:40Z",
        transactionData=values({"value": "120", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}),
    )
    (only,) = await linked(node, transaction_id)
    assert len(only.samples) == 1


async def test_a_register_that_falls_is_flagged_and_kept(node: Node) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    for at, value in (("12:34:10", "120"), ("12:34:20", "90"), ("12:34:30", "130"), ("12:34:05", "110")):
        await line.says(
            "MeterValues",
            connectorId=1,
            transactionId=transaction_id,
            meterValue=values({"value": value}, at=f"2025-03-01T{at}Z"),
        )
    assert [(each.samples[0].raw, each.samples[0].flags) for each in await linked(node, transaction_id)] == [
        ("110", ()),
        ("120", ()),
        ("90", ("register_decreased",)),
        ("130", ()),
    ]


async def readings(line: Line, transaction_id: int, *given: tuple[str, str], **more: str) -> None:
    """The register, each time in a message of its own."""
    for at, value in given:
        await line.says(
            "MeterValues",
            connectorId=1,
            transactionId=transaction_id,
            meterValue=values({"value": value, **more}, at=f"2025-03-01T{at}Z"),
        )


async def flags_of(node: Node, ocpp_id: int) -> dict[str, tuple[str, ...]]:
    return {each.raw: each.flags for found in await linked(node, ocpp_id) for each in found.samples}


async def test_a_spike_of_the_register_is_flagged_and_what_follows_it_is_sound(node: Node) -> None:
    line = await connect(node)
    transaction_id = await start(line)
    await readings(line, transaction_id, ("12:34:10", "120"), ("12:34:20", "900000000"), ("12:34:30", "130"))
    assert await flags_of(node, transaction_id) == {"120": (), "900000000": ("beyond_physical_limit",), "130": ()}
    line.hangs_up()
    again = await connect(node)
    await readings(again, transaction_id, ("12:34:40", "900000000"), ("12:34:50", "140"))
    assert (await flags_of(node, transaction_id))["140"] == ()
    found = await node.storage.transactions.by_ocpp_id("CP7", str(transaction_id))
    assert found is not None
    assert found.last_meter_wh == 140


async def test_a_jump_for_which_there_was_time_is_sound(node: Node) -> None:
    """The station told nothing for a day; 24 h at 1.2 MW and the margin are the most."""
    line = await connect(node)
    transaction_id = await start(line)
    most = 100 + 24 * 1_200_000 + 100_000
    node.clock.pass_s(24 * 3600)
    for second, value in enumerate((most + 1, most)):
        sampled = values({"value": str(value)}, at=f"2025-03-02T12:34:0{second}Z")
        await line.says("MeterValues", connectorId=1, transactionId=transaction_id, meterValue=sampled)
    assert await flags_of(node, transaction_id) == {str(most + 1): ("beyond_physical_limit",), str(most): ()}


async def test_the_register_before_the_losses_of_the_cable_is_none_that_is_billed(node: Node) -> None:
    """Inlet and Outlet come together; each has a course of its own."""
    line = await connect(node)
    transaction_id = await start(line)
    for at, outlet, inlet in (("12:34:10", "120", "5000"), ("12:34:20", "130", "5010")):
        sampled = values({"value": outlet, "location": "Outlet"}, {"value": inlet, "location": "Inlet"})
        sampled[0]["timestamp"] = f"2025-03-01T{at}Z"
        await line.says("MeterValues", connectorId=1, transactionId=transaction_id, meterValue=sampled)
    assert set((await flags_of(node, transaction_id)).values()) == {()}


async def test_nonsense_is_kept_in_quarantine(node: Node) -> None:
    line = await connect(node)
    await line.says(
        "MeterValues",
        connectorId=1,
        meterValue=values(
            {"value": "1,5"},
            {"value": "NaN", "measurand": "Voltage"},
            {"value": "140", "measurand": "SoC"},
            {"value": "a1b2", "format": "SignedData"},
            {"value": "12", "measurand": "Joy.Import", "unit": "Smiles"},
        ),
    )
    (only,) = await unlinked(node)
    assert [(each.raw, each.value, each.flags) for each in only.samples] == [
        ("1,5", None, ("comma",)),
        ("NaN", None, ("not_a_number",)),
        ("140", 140, ("beyond_physical_limit",)),
        ("a1b2", None, ()),
        ("12", 12, ("unknown_unit",)),
    ]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("payload", ['{"connectorId":1}', '{"connectorId":1,"meterValue":[]}'])
async def test_values_without_values_are_confirmed(node: Node, payload: str, strict: bool) -> None:
    line = await connect(node, strict=strict)
    assert await line.says_raw("MeterValues", payload) == {}
    assert await unlinked(node) == []


async def test_values_without_a_time_are_of_the_moment_they_came(node: Node) -> None:
    line = await connect(node)
    await line.says("MeterValues", connectorId=1, meterValue=[{"sampledValue": [{"value": "1"}]}])
    (only,) = await unlinked(node)
    assert (only.sampled_at, only.flags) == (START, ("time_missing",))


async def test_values_on_no_connector_are_an_error(node: Node) -> None:
    line = await connect(node)
    with pytest.raises(CallErrorHeard, match="ProtocolError"):
        await line.says("MeterValues", meterValue=values({"value": "1"}))


async def test_a_huge_stop_is_stored_whole_and_others_get_their_turn(node: Node) -> None:
    """As many values as fit into a frame of 1 MiB, in one moment."""
    line, other = await connect(node), await connect(node, "CP8")
    transaction_id = await start(line)
    samples = ",".join(f'{{"value":"{number}","context":"Other"}}' for number in range(25_000))
    payload = (
        f'{{"transactionId":{transaction_id},"meterStop":200,"timestamp":"2025-03-01T12:34:40Z",'
        f'"transactionData":[{{"timestamp":"2025-03-01T12:34:40Z","sampledValue":[{samples}]}}]}}'
    )
    assert await line.says_raw("StopTransaction", payload) == {}
    assert "currentTime" in await other.says("Heartbeat")
    (only,) = await linked(node, transaction_id)
    assert len(only.samples) == 25_000
    events = await node.storage.events.after(0, ORGANISATION, 10)
    assert events[-1].type == "transaction.ended"
