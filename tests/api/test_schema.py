"""The OpenAPI document is true: whatever it allows is answered as it says, on both databases.

schemathesis makes requests from the document, good and bad ones, and holds every answer against it.
"""

import asyncio
import copy
import os
from typing import Any

import hypothesis
import jsonschema_rs
import pytest
import schemathesis
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from tests.api.conftest import NodeThread, client_of, connected
from tests.api.test_transactions import charged

EXAMPLES = int(os.environ.get("STATIONMASTER_TEST_API_EXAMPLES", "12"))
PARTS = 4
"""There are too many operations for one test."""


@pytest.fixture(scope="module")
def document(node_thread: NodeThread) -> dict[str, Any]:
    return node_thread.document()


def test_the_document_is_openapi_3_1_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]

    def references(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(each) for each in node.values()))
        if isinstance(node, list):
            return set().union(*(references(each) for each in node))
        return set()

    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
    for schema in schemas.values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], f"{method} {path}"
            if path.startswith("/api/"):
                assert {"401", "403", "422", "500"} <= set(operation["responses"]), f"{method} {path}"
                assert operation["tags"], f"{method} {path}"
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], f"{method} {path} {status}"


async def lived(node_thread: NodeThread, key: str) -> dict[str, list[str]]:
    """Something of everything, so that requests meet what is there: path parameter -> values."""
    async with client_of(node_thread.node, key) as api, connected(api) as station:
        token = await api.post("/tokens", {"id_tag": "KNOWN"})
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
        await charged(station, "KNOWN")
        asked = asyncio.create_task(api.post(f"/stations/{station.identity}/commands/ClearCache", {}, 200))
        await station.obey("ClearCache", {"status": "Accepted"})
        job = await asked
        (transaction,) = (await api.get("/transactions"))["items"]
        return {
            "station_id": [station.identity, "NOBODY"],
            "token_id": [token["id"], "1"],
            "id": [str(transaction["id"]), "1"],
            "job_id": [job["id"], "none"],
            "action": ["Reset", "ChangeConfiguration", "SetChargingProfile"],
        }


def with_known(document: dict[str, Any], known: dict[str, list[str]]) -> dict[str, Any]:
    """The document with path parameters narrowed to these values."""
    narrowed = copy.deepcopy(document)
    for operations in narrowed["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path" and parameter["name"] in known:
                    parameter["schema"] = {"enum": known[parameter["name"]]}
    return narrowed


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("paths", ["as written", "to what is there"])
def test_every_answer_is_as_the_document_says(
    node_thread: NodeThread, document: dict[str, Any], paths: str, part: int
) -> None:
    _, key = node_thread.new_organisation()
    if paths == "to what is there":
        document = with_known(document, asyncio.run(lived(node_thread, key)))
    schema = schemathesis.openapi.from_dict(document)
    headers = {"Authorization": f"Bearer {key}"}
    base_url = f"http://127.0.0.1:{node_thread.node.http_port}"
    checks = [
        CHECKS.get_one(name)
        for name in (
            "not_a_server_error",
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
        )
    ]
    failures: list[str] = []
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)][part::PARTS]
    # What is there is deleted last.
    for operation in sorted(operations, key=lambda each: each.method == "delete"):
        if operation.path == "/api/v1/events":
            continue  # a stream has no end; tests of its own read it

        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )
        @hypothesis.given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            answer = case.call(base_url=base_url, headers=headers, timeout=20)
            case.validate_response(answer, checks=checks)

        try:
            answers()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all of them are told at the end
            failures.append(f"{operation.method.upper()} {operation.path}: {_told(error)}")
    assert not failures, "\n\n".join(failures)


def _told(error: BaseException) -> str:
    inside = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return "; ".join(str(each) for each in inside)
