"""No number in an answer is too long for JavaScript, which rounds what does not fit into 53 bits without a word."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from stationmaster.api.event_bodies import in_api_words
from tests.api.conftest import Client, connected

LARGEST = 2**53 - 1


def numbers(value: Any, path: str = "") -> Iterator[tuple[str, int]]:
    """Every whole number in some JSON, with where it stands."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from numbers(each, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each, f"{path}[]")
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, value


async def test_ids_that_grow_with_time_are_text_and_those_of_transactions_are_numbers(api: Client) -> None:
    async with connected(api) as station, api.http.stream("GET", "/api/v1/events") as stream:
        token = await api.post("/tokens", {"id_tag": "LONG"})
        assert isinstance(token["id"], str)
        assert (await api.get(f"/tokens/{token['id']}"))["id"] == token["id"]
        moment = "2025-03-01T12:00:00Z"
        started = {"connectorId": 1, "idTag": "LONG", "meterStart": 0, "timestamp": moment}
        transaction_id = (await station.call("StartTransaction", started))["transactionId"]
        sampled = [{"value": "5"}]
        values = {"connectorId": 1, "meterValue": [{"timestamp": moment, "sampledValue": sampled}]}
        await station.call("MeterValues", {**values, "transactionId": transaction_id})
        await station.disconnect()
        lines: list[str] = []
        async with asyncio.timeout(10):
            async for line in stream.aiter_lines():
                lines.append(line)
                if "station.disconnected" in line:
                    break
    (transaction,) = (await api.get("/transactions"))["items"]
    assert isinstance(transaction["id"], int)
    assert transaction["transaction_id"] == transaction_id
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert {"transaction.started", "station.disconnected"} <= {each["type"] for each in told}
    document = (await api.http.get("/api/v1/openapi.json")).json()
    for path, operations in document["paths"].items():
        if "get" in operations and path.startswith("/api/v1/") and path != "/api/v1/events":
            filled = path.replace("{station_id}", station.identity).replace("{id}", str(transaction["id"]))
            answer = await api.http.get(filled)
            if answer.headers.get("content-type") == "application/json":
                told.append(answer.json())
    assert [found for found in numbers(told) if abs(found[1]) > LARGEST] == []


def test_in_an_event_too() -> None:
    told = in_api_words({"token_id": 2**60, "epoch": 2**53 - 1, "outcome": {"ids": [2**60, 1]}, "critical": True})
    assert told == {"token_id": str(2**60), "epoch": 2**53 - 1, "outcome": {"ids": [str(2**60), 1]}, "critical": True}
