"""What belongs to one organisation does not exist for another: every endpoint, every foreign id (RELIABILITY S-06).

The endpoints are those of the OpenAPI document, so one that is added is tried too. An endpoint with a new kind of id
makes this fail until `belongings` has one of its kind.
"""

import asyncio
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from schemathesis.core.result import Ok

from stationmaster.conformance.station import ScriptedStation
from stationmaster.domain.alerts.emails import Written
from stationmaster.services.emails.mailer import _made
from tests.api.conftest import Client, NodeThread, client_of, connected, eventually, new_id
from tests.api.people import new_user
from tests.api.test_files import diagnostics, files_of, image

MARK = "belongs-to-somebody-else"
FREE = {"action": "ClearCache", "step": "pause", "connector_id": "1", "source": "price"}
"""Parameters of paths that name no thing of anybody."""
SHARED = {
    "/api/v1/charging-profiles/rules",
    "/api/v1/alert-rules/kinds",
    "/api/v1/webhooks/event-types",
    "/api/v1/alert-recipients/mail-server",
}
"""What is the same for everybody."""
EXAMPLES = 8
Belongings = dict[str, list[str]]


async def belongings(node_thread: NodeThread) -> tuple[str, Belongings]:
    """The key of an organisation that has one of everything, and the ids: parameter of a path -> values."""
    _, key = node_thread.new_organisation()
    async with client_of(node_thread.node, key) as api, connected(api) as station:
        identity = station.identity
        await api.patch(f"/stations/{identity}", {"name": MARK, "site_id": f"site-{MARK}"})
        site = await api.post("/sites", {"id": f"site-{MARK}", "name": MARK})
        token = await api.post("/tokens", {"id_tag": "MINE", "name": MARK})
        transaction = await _transaction(api, station)
        job = await _obeyed(api, station, f"/stations/{identity}/commands/ClearCache", "ClearCache", {})
        reservation = await _obeyed(api, station, "/reservations", "ReserveNow", {
            "station_id": identity, "connector_id": 1, "id_tag": "MINE", "expires_at": "2099-01-01T00:00:00Z",
        })  # fmt: skip
        profile = await api.post("/charging-profiles", {"name": MARK, "profile": PROFILE})
        quirks = await api.post("/quirk-profiles", {"name": MARK})
        firmware = await image(api, note=MARK)
        later = {"name": MARK, "firmware_id": firmware["id"], "starts_at": "2035-01-01T00:00:00Z"}
        campaign = await api.post("/firmware-campaigns", later | {"station_ids": [identity]})
        file = await _file(api, station)
        authorities = (await api.get("/certificate-authorities"))["items"]
        certificate = await api.post(f"/stations/{identity}/certificates", {"csr": _request(identity)})
        entries = [{"key": "HeartbeatInterval", "value": "600"}]
        template = await api.post(
            "/configuration-templates", {"name": MARK, "site_id": f"site-{MARK}", "entries": entries}
        )
        applied = await _run(api, station, template["id"])
        user = await new_user(api, name=MARK)
        api_key = await api.post("/api-keys", {"name": MARK, "role": "viewer"})
        alert = await _alert(api, station)
        rule = (await api.get("/alert-rules"))["items"][0]
        recipient = await api.post("/alert-recipients", {"name": MARK, "addresses": ["somebody@example.org"]})
        email_id = await _email(node_thread, api, recipient)
        webhook = await api.post("/webhooks", {"name": MARK, "url": "https://2130706434/", "enabled": False})
        delivery = await api.post(f"/webhooks/{webhook['id']}/test", expected=200)
        run = await _conformance_run(api)
        await api.post(f"/conformance-runs/{run['id']}/cancel", expected=202)
        await eventually(lambda: _ended(api, run["id"]))
    return key, {
        "station_id": [identity],
        "site_id": [site["id"]],
        "token_id": [token["id"]],
        "id": [str(transaction["id"])],
        "job_id": [job["id"]],
        "alert_id": [alert["id"]],
        "alert_rule_id": [rule["id"]],
        "recipient_id": [recipient["id"]],
        "email_id": [email_id],
        "webhook_id": [webhook["id"]],
        "delivery_id": [delivery["id"]],
        "reservation_id": [str(reservation["reservation"]["reservation_id"])],
        "profile_id": [profile["id"]],
        "quirk_profile_id": [quirks["id"]],
        "firmware_id": [firmware["id"]],
        "campaign_id": [campaign["id"]],
        "file_id": [file["id"]],
        "authority_id": [each["id"] for each in authorities],
        "certificate_id": [certificate["id"]],
        "template_id": [template["id"]],
        "configuration_run_id": [applied["run_id"]],
        "user_id": [user["id"]],
        "key_id": [api_key["id"]],
        "run_id": [run["id"]],
    }


PROFILE = {
    "purpose": "tx_default",
    "kind": "absolute",
    "schedule": {
        "unit": "A",
        "start_schedule": "2025-03-01T12:00:00Z",
        "periods": [{"start_period_s": 0, "limit": 16}],
    },
}


async def _alert(api: Client, station: ScriptedStation) -> Any:
    event = {"type": "TamperDetectionActivated", "timestamp": "2025-03-01T12:00:00Z", "techInfo": MARK}
    await station.call("SecurityEventNotification", event)

    async def alerts() -> Any:
        return (await api.get("/alerts"))["items"]

    return (await eventually(alerts))[0]


async def _email(node_thread: NodeThread, api: Client, recipient: Any) -> str:
    storage = node_thread.node.storage
    kept = await asyncio.to_thread(node_thread.do, storage.alert_recipients.get(recipient["id"]))
    assert kept is not None
    made = _made(kept, Written(MARK, MARK), 1, storage.clock())
    await asyncio.to_thread(node_thread.do, storage.emails.write(made, []))
    assert (await api.get("/alert-emails"))["items"][0]["subject"] == MARK
    return made.id


async def _transaction(api: Client, station: ScriptedStation) -> Any:
    moment = "2025-03-01T12:00:00Z"
    started = {"connectorId": 1, "idTag": "MINE", "meterStart": 0, "timestamp": moment}
    await station.call("StartTransaction", started)
    (transaction,) = (await api.get("/transactions"))["items"]
    return transaction


async def _obeyed(api: Client, station: ScriptedStation, path: str, action: str, body: dict[str, Any]) -> Any:
    asked = asyncio.create_task(api.http.post(f"/api/v1{path}", json=body))
    await station.obey(action, {"status": "Accepted"})
    answer = await asked
    assert answer.status_code < 300, answer.text
    return answer.json()


async def _conformance_run(api: Client) -> Any:
    """A run of the kit; tests before this one may have begun another at this node, and there can be one at a time."""
    for each in (await api.get("/conformance-runs", state="running"))["items"]:
        await api.http.post(f"/api/v1/conformance-runs/{each['id']}/cancel")

    async def begun() -> Any:
        answer = await api.http.post("/api/v1/conformance-runs", json={"cases": ["TC_001"]})
        return answer.json() if answer.status_code == 201 else None

    return await eventually(begun)


async def _ended(api: Client, run_id: str) -> bool:
    return (await api.get(f"/conformance-runs/{run_id}"))["finished_at"] is not None


async def _run(api: Client, station: ScriptedStation, template_id: str) -> Any:
    """A configuration that is being applied to the station, which has told its keys and refuses the change."""
    await api.post(f"/configuration-templates/{template_id}/follow", {"mode": "on_demand"}, 200)
    run = await api.post(f"/configuration-templates/{template_id}/apply", expected=202)
    key = {"key": "GetConfigurationMaxKeys", "readonly": True, "value": "9"}
    await station.obey("GetConfiguration", {"configurationKey": [key]})
    key = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
    await station.obey("GetConfiguration", {"configurationKey": [key]})
    await station.obey("ChangeConfiguration", {"status": "Rejected"})
    await eventually(lambda: _finished(api, run["run_id"]))
    return run


async def _finished(api: Client, run_id: str) -> bool:
    run = await api.get(f"/configuration-runs/{run_id}")
    return bool(run["finished"] == run["total"] == 1)


async def _file(api: Client, station: ScriptedStation) -> Any:
    location, job = await diagnostics(api, station)
    async with httpx.AsyncClient(trust_env=False) as upload:
        assert (await upload.put(location, content=MARK.encode())).status_code < 300
    return (await eventually(lambda: files_of(api, job)))[0]


def _request(common_name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [(NameOID.COMMON_NAME, common_name), (NameOID.ORGANIZATION_NAME, "Stationmaster")]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def theirs(node_thread: NodeThread) -> tuple[str, Belongings]:
    return asyncio.run(belongings(node_thread))


@pytest.fixture
def stranger_key(node_thread: NodeThread) -> str:
    """An administrator of another organisation, which has nothing."""
    return node_thread.new_organisation()[1]


def seen(text: str, theirs: Belongings) -> list[str]:
    """What of theirs stands in an answer. Short numbers stand in many answers by themselves."""
    ids = [value for values in theirs.values() for value in values if len(value) > 6]
    return [value for value in (*ids, MARK) if value in text]


@pytest.mark.slow
@pytest.mark.timeout(400)  # it grows with the number of endpoints, and asks each of them several times
def test_no_endpoint_does_anything_for_a_foreign_id(
    node_thread: NodeThread, theirs: tuple[str, Belongings], stranger_key: str
) -> None:
    owner_key, ids = theirs
    base_url = f"http://127.0.0.1:{node_thread.node.http_port}"
    before = _told(base_url, owner_key)
    document = httpx.get(f"{base_url}/api/v1/openapi.json", trust_env=False, timeout=60).json()
    named = {name for path in document["paths"] for name in re.findall(r"{(\w+)}", path)}
    assert named <= ids.keys() | FREE.keys(), "there is a new kind of id: let `belongings` make one"
    headers = {"Authorization": f"Bearer {stranger_key}"}
    failures: list[str] = []
    for operation in [
        found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations() if isinstance(found, Ok)
    ]:
        names = [name for name in re.findall(r"{(\w+)}", operation.path) if name in ids]
        for value in ids[names[-1]] if names else ():
            path = {**FREE, **{name: ids[name][0] for name in names[:-1]}, names[-1]: value}
            statuses, wrong = _tried(operation, path, base_url, headers)
            if wrong or 404 not in statuses:
                failures.append(f"{operation.method.upper()} {operation.path}: {wrong or sorted(statuses)}")
    assert not failures, "\n".join(failures)
    assert _told(base_url, owner_key) == before, "and nothing of theirs has changed"


def _tried(operation: Any, path: dict[str, str], base_url: str, headers: dict[str, str]) -> tuple[set[int], list[str]]:
    """Ask with bodies and queries that the document allows; the statuses, and what was wrong."""
    statuses: set[int] = set()
    wrong: list[str] = []

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.path_parameters = {name: path[name] for name in case.path_parameters}
        answer = case.call(base_url=base_url, headers=headers, timeout=20)
        statuses.add(answer.status_code)
        # The id itself may stand in the answer: the stranger has just said it.
        if answer.status_code not in (404, 422, 400) or MARK in answer.text:
            wrong.append(f"{answer.status_code} {answer.text[:200]}")

    ask()
    return statuses, wrong


def _told(base_url: str, key: str) -> dict[str, str]:
    """What the owner is told of what they have, but for what time changes by itself."""
    headers = {"Authorization": f"Bearer {key}"}
    lists = ("tokens", "transactions", "jobs", "reservations", "charging-profiles", "firmware", "firmware-campaigns")
    paths = (*lists, "files", "users", "certificates", "certificate-authorities", "conformance-runs")
    return {path: httpx.get(f"{base_url}/api/v1/{path}", headers=headers, trust_env=False).text for path in paths}


async def test_no_list_tells_anything_of_others(
    node_thread: NodeThread, theirs: tuple[str, Belongings], stranger_key: str
) -> None:
    """As a page, as a table, and narrowed to the foreign ids."""
    _, ids = theirs
    async with client_of(node_thread.node, stranger_key) as stranger:
        document = (await stranger.http.get("/api/v1/openapi.json")).json()
        for path, operations in document["paths"].items():
            if "get" not in operations or "{" in path or path == "/api/v1/events" or path in SHARED:
                continue
            names = {each["name"] for each in operations["get"].get("parameters", ()) if each["in"] == "query"}
            queries = [{}, {"format": "csv"}] if "format" in names else [{}]
            queries += [{name: ids[name][0]} for name in names & ids.keys()]
            for query in queries:
                answer = await stranger.http.get(path, params=query)
                assert not seen(answer.text, ids), f"{path} {query}"


BODIES: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("POST", "/stations"): lambda its: {"id": new_id(), "quirk_profile_id": its.quirk_profile_id},
    ("PATCH", "/stations/{station_id}"): lambda its: {"quirk_profile_id": its.quirk_profile_id},
    ("POST", "/stations/{station_id}/accept"): lambda its: {"quirk_profile_id": its.quirk_profile_id},
    ("PUT", "/stations/{station_id}/desired-configuration"): lambda its: {"template_ids": [its.template_id]},
    ("POST", "/stations/{station_id}/desired-configuration/apply"): lambda its: {"template_id": its.template_id},
    ("POST", "/configuration-templates/{template_id}/assign"): lambda its: {"station_ids": [its.station_id]},
    ("POST", "/configuration-templates/{template_id}/unassign"): lambda its: {"station_ids": [its.station_id]},
    ("POST", "/configuration-templates/{template_id}/follow"): lambda its: {
        "mode": "on_demand",
        "station_ids": [its.station_id],
    },
    ("POST", "/configuration-templates/{template_id}/apply"): lambda its: {"station_ids": [its.station_id]},
    ("POST", "/stations/{station_id}/firmware-updates"): lambda its: {"firmware_id": its.firmware_id},
    ("POST", "/firmware-campaigns"): lambda its: {
        "name": "x",
        "firmware_id": its.firmware_id,
        "station_ids": [its.station_id],
        "starts_at": "2035-01-01T00:00:00Z",
    },
    ("POST", "/charging-profiles/check"): lambda its: {"profile": PROFILE, "station_id": its.station_id},
    ("POST", "/stations/{station_id}/charging-profiles"): lambda its: {
        "library_id": its.profile_id,
        "connector_id": 1,
    },
    ("POST", "/stations/{station_id}/charging-profiles/remote-start"): lambda its: {
        "library_id": its.profile_id,
        "connector_id": 1,
        "id_tag": "MINE",
    },
    ("POST", "/sites"): lambda its: {"id": new_id("site"), "meter": {"station_id": its.station_id}},
    ("PATCH", "/sites/{site_id}"): lambda its: {"meter": {"station_id": its.station_id}},
    ("POST", "/reservations"): lambda its: {
        "station_id": its.station_id,
        "connector_id": 1,
        "id_tag": "X",
        "expires_at": "2099-01-01T00:00:00Z",
    },
    ("POST", "/stations/{station_id}/roots"): lambda its: {"use": "central_system", "authority_id": its.authority_id},
    ("POST", "/alerts/acknowledge"): lambda its: {"alert_ids": [its.alert_id]},
    ("POST", "/alert-rules"): lambda its: {"kind": "station_offline", "recipient_ids": [its.recipient_id]},
    ("PATCH", "/alert-rules/{alert_rule_id}"): lambda its: {"recipient_ids": [its.recipient_id]},
}
"""Every body that can name something by an id that belongs to one organisation alone, and what it names there."""
NAMES_OF_ONES_OWN = {"site_id", "id", "profile_id", "key_id"}
"""Fields that are a name within an organisation, or a number of OCPP, and lead to nothing of another."""


def fields_of(document: Any, schema: Any, within: tuple[str, ...] = ()) -> set[str]:
    """The names of all fields that a body may have, at any depth."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return (
            set() if name in within else fields_of(document, document["components"]["schemas"][name], (*within, name))
        )
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    parts += [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else ())]
    return set(schema.get("properties", {})).union(*(fields_of(document, part, within) for part in parts))


def test_every_body_that_can_name_a_foreign_thing_is_tried(
    node_thread: NodeThread, theirs: tuple[str, Belongings]
) -> None:
    document = node_thread.document()
    kinds = (theirs[1].keys() | {"library_id"}) - NAMES_OF_ONES_OWN
    found = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if {name.removesuffix("s") for name in fields_of(document, content["schema"])} & kinds
    }
    assert found == BODIES.keys()


async def test_a_foreign_id_in_a_body_is_as_unknown(node_thread: NodeThread, theirs: tuple[str, Belongings]) -> None:
    """Word for word the answer is that about a thing which nobody has, and not that about one's own."""
    key, own = await belongings(node_thread)
    ours, foreign = ({name: ids[0] for name, ids in has.items()} for has in (own, theirs[1]))
    nobodys = {name: value[:-1] + ("0" if value[-1] != "0" else "1") for name, value in foreign.items()}
    nobodys["station_id"] = "NOBODY"
    failures: list[str] = []
    async with client_of(node_thread.node, key) as stranger:
        for (method, path), body in BODIES.items():
            names = ours | ({"station_id": new_id()} if path.endswith("/accept") else {})
            where = "/api/v1" + path.format(**names)
            told = []
            for each in (foreign, nobodys, ours):
                answer = await stranger.http.request(method, where, json=body(SimpleNamespace(**each)))
                told.append(f"{answer.status_code} {without_ids(answer.text, foreign, nobodys, ours)}")
            if told[0] != told[1] or (told[0] == told[2] and path != "/sites"):
                failures.append("\n".join((f"{method} {path}", *told)))
        for taken in (foreign["station_id"], foreign["station_id"].lower()):
            await stranger.problem("POST", "/stations", 409, "station_exists", json={"id": taken})
    assert not failures, "\n".join(failures)


def without_ids(text: str, *several: dict[str, str]) -> str:
    """An answer without what was asked about, what was made meanwhile, and when."""
    for value in sorted((value for ids in several for value in ids.values()), key=len, reverse=True):
        text = text.replace(value, "?") if len(value) > 4 else text
    return re.sub(r"(API|site)-\d+|\d{4}-\d\d-\d\dT[\d:.]+Z", "?", text)


async def test_events_of_others_are_not_told(
    node_thread: NodeThread, theirs: tuple[str, Belongings], stranger_key: str
) -> None:
    owner_key, ids = theirs
    async with (
        client_of(node_thread.node, stranger_key) as stranger,
        client_of(node_thread.node, owner_key) as owner,
        stranger.http.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "0"}) as stream,
    ):
        async with connected(owner, await owner.station()):
            pass
        heard = ""
        async with asyncio.timeout(10):
            async for line in stream.aiter_lines():
                heard += line
                if "still here" in line:
                    break
        assert not seen(heard, ids)
