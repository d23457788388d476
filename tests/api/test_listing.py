"""Lists as tables: whole, and harmless in a spreadsheet."""

import asyncio
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.api.listing import cell
from tests.api.conftest import Client, connected, new_id


async def test_a_list_is_a_table_if_it_is_asked_for(api: Client) -> None:
    ids = [new_id("CSV") for _ in range(3)]
    for station_id in ids:
        await api.post("/stations", {"id": station_id, "name": '=HYPERLINK("http://evil","x")', "note": 'a "b", c\nd'})
    by_header = await api.http.get("/api/v1/stations", headers={"Accept": "text/csv"})
    by_parameter = await api.http.get("/api/v1/stations?format=csv&limit=1")
    assert by_header.text == by_parameter.text
    assert by_header.headers["content-type"] == "text/csv; charset=utf-8"
    assert by_header.headers["content-disposition"] == 'attachment; filename="stations.csv"'
    rows = list(csv.DictReader(io.StringIO(by_header.text)))
    assert [row["id"] for row in rows] == ids, "the whole list, whatever the limit of a page"
    assert rows[0]["name"] == '\'=HYPERLINK("http://evil","x")'
    assert rows[0]["note"] == 'a "b", c\nd'
    assert (rows[0]["connected"], rows[0]["vendor"]) == ("false", "")


NO_TABLES = {
    "/api/v1/actions": "forms",
    "/api/v1/charging-profile-rules": "an explanation",
    "/api/v1/roles": "an explanation",
    "/api/v1/settings": "an explanation",
    "/api/v1/sites/{site_id}/connectors": "nested",
    "/api/v1/sites/{site_id}/limit-schedules": "nested",
    "/api/v1/station-places": "a map",
    "/api/v1/webhooks/event-types": "words",
}
"""Lists that nobody opens in a spreadsheet."""


async def test_every_list_is_a_table_too(api: Client) -> None:
    document = (await api.http.get("/api/v1/openapi.json")).json()
    schemas = document["components"]["schemas"]
    without = []
    for path, operations in document["paths"].items():
        content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        if "items" in schema.get("properties", {}) and "text/csv" not in content:
            without.append(path)
    assert set(without) - NO_TABLES.keys() == set(), "use `listing`, or `whole` for a short list"


async def test_a_short_list_is_a_table_too(api: Client) -> None:
    async with connected(api) as station:
        keys = [{"key": "=Evil", "readonly": False, "value": "@x"}]
        asked = asyncio.create_task(
            api.http.post(f"/api/v1/stations/{station.identity}/commands/GetConfiguration", json={})
        )
        await station.obey("GetConfiguration", {"configurationKey": keys})
        await asked
        path = f"/api/v1/stations/{station.identity}/configuration"
        by_header = await api.http.get(path, headers={"Accept": "text/csv"})
        assert by_header.text == (await api.http.get(path, params={"format": "csv"})).text
        (row,) = csv.DictReader(io.StringIO(by_header.text))
        assert (row["variable"], row["value"]) == ("'=Evil", "'@x")
        assert by_header.headers["content-disposition"] == 'attachment; filename="configuration.csv"'
        assert (await api.http.get(path, headers={"Accept": "*/*"})).json()["items"][0]["variable"] == "=Evil"


async def test_json_is_what_one_gets_otherwise(api: Client) -> None:
    for headers, query in (({"Accept": "*/*"}, ""), ({"Accept": "text/csv"}, "?format=json")):
        answer = await api.http.get(f"/api/v1/stations{query}", headers=headers)
        assert answer.json() == {"items": [], "next_cursor": None}


async def test_an_empty_list_is_an_empty_table(api: Client) -> None:
    answer = await api.http.get("/api/v1/tokens?format=csv")
    assert (answer.status_code, answer.text.strip()) == (200, "")


@pytest.mark.parametrize(
    "value, text",
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("-5.5", "-5.5"),
        (-5, "-5"),
        (1e-7, "1e-07"),
        (None, ""),
        (True, "true"),
        (["a", 1], '["a", 1]'),
        ("plain", "plain"),
    ],
)
def test_a_cell(value: object, text: str) -> None:
    assert cell(value) == text


@given(st.text())
def test_no_text_becomes_a_formula(text: str) -> None:
    shown = cell(text)
    assert not shown or shown[0] not in "=@\t\r"
    if shown and shown[0] in "+-":
        float(shown)
