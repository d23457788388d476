"""Who may do what: keys, roles, organisations, sites."""

from collections.abc import AsyncIterator
from typing import get_args

import pytest

from stationmaster.api.access import PERMISSIONS, ROLE_PERMISSIONS
from stationmaster.api.permissions import Role
from stationmaster.domain.roles import ROLES
from tests.api.conftest import Client, NodeThread, client_of, new_id, with_role


@pytest.mark.parametrize(
    "authorization, code",
    [
        (None, "api_key_missing"),
        ("Bearer", "api_key_unreadable"),
        ("Basic dXNlcjpwYXNz", "api_key_unreadable"),
        ("Bearer sm_nobodyhasthiskey0123456789", "api_key_invalid"),
        ("Bearer " + "x" * 5000, "api_key_invalid"),
        ("bearer \u00ff", "api_key_invalid"),
    ],
)
async def test_without_a_valid_key_nothing_is_told(api: Client, authorization: str | None, code: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    async with client_of(api.node, None) as nobody:
        for method, path in (("GET", "/stations"), ("POST", "/tokens"), ("GET", "/events")):
            answer = await nobody.http.request(method, f"/api/v1{path}", headers=headers)  # type: ignore[arg-type]  # bytes, as a client in another language sends them
            assert answer.status_code == 401
            assert answer.json()["code"] == code
            assert answer.headers["www-authenticate"] == 'Bearer realm="stationmaster"'


PUBLIC = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/session/options",
    "/api/v1/session/oidc/start",
    "/api/v1/session/oidc/callback",
}
"""What nobody needs to be signed in for."""


async def test_every_operation_needs_a_key(api: Client) -> None:
    document = (await api.http.get("/api/v1/openapi.json")).json()
    async with client_of(api.node, None) as nobody:
        for path, operations in document["paths"].items():
            for method in operations:
                if path in PUBLIC:
                    continue
                answer = await nobody.http.request(method.upper(), path.replace("{", "").replace("}", ""), json={})
                # A path that is checked first tells nothing but how it is written.
                assert answer.status_code in (401, 422), f"{method} {path}: {answer.status_code}"
                assert "items" not in answer.text


async def test_a_revoked_key_opens_nothing(api: Client) -> None:
    made = await api.post("/api-keys", {"name": "short-lived", "role": "viewer"})
    async with client_of(api.node, made["key"]) as viewer:
        await viewer.get("/stations")
        await api.delete(f"/api-keys/{made['id']}")
        await viewer.problem("GET", "/stations", 401, "api_key_invalid")
    listed = {each["id"]: each for each in (await api.get("/api-keys"))["items"]}
    assert listed[made["id"]]["revoked_at"] is not None
    assert "key" not in listed[made["id"]]
    assert "hash" not in listed[made["id"]]
    await api.problem("DELETE", "/api-keys/nothing", 404, "api_key_unknown")


async def test_a_key_expires(api: Client) -> None:
    await api.problem(
        "POST",
        "/api-keys",
        422,
        "field_invalid",
        json={"name": "x", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"},
    )


async def test_a_viewer_changes_nothing(api: Client) -> None:
    station_id = await api.station()
    async with with_role(api, "viewer") as viewer:
        assert await viewer.get(f"/stations/{station_id}")
        for method, path in (
            ("POST", "/stations"),
            ("PATCH", f"/stations/{station_id}"),
            ("DELETE", f"/stations/{station_id}"),
            ("POST", f"/stations/{station_id}/accept"),
            ("POST", f"/stations/{station_id}/password"),
            ("POST", f"/stations/{station_id}/settle-identity"),
            ("POST", f"/stations/{station_id}/disconnect"),
            ("POST", f"/stations/{station_id}/commands/ClearCache"),
            ("GET", "/api-keys"),
        ):
            body = {"id": "x"} if path == "/stations" else {}
            options: dict[str, object] = {} if method in ("GET", "DELETE") else {"json": body}
            problem = await viewer.problem(method, path, 403, "not_permitted", **options)
            assert "viewer" in problem["detail"]


async def test_nobody_makes_a_key_that_can_more_than_their_own(api: Client) -> None:
    async with with_role(api, "security_admin") as security:
        await security.problem("POST", "/api-keys", 403, "more_than_own", json={"name": "x", "role": "admin"})
        await security.problem("POST", "/api-keys", 403, "more_than_own", json={"name": "x", "role": "operator"})
        await security.post("/api-keys", {"name": "x", "role": "viewer"})


async def test_a_key_can_be_narrowed_below_its_role(api: Client) -> None:
    narrow = {"name": "billing", "role": "admin", "permissions": ["transactions:read", "api_keys:write"]}
    made = await api.post("/api-keys", narrow)
    assert made["permissions"] == ["api_keys:write", "transactions:read"]
    async with client_of(api.node, made["key"]) as billing:
        await billing.get("/transactions")
        await billing.problem("GET", "/stations", 403, "not_permitted")
        await billing.problem("POST", "/api-keys", 403, "more_than_own", json={"name": "x", "role": "viewer"})
        await billing.problem("POST", "/api-keys", 403, "more_than_own", json={"name": "x", "role": "admin"})
        await billing.post("/api-keys", {"name": "x", "role": "viewer", "permissions": ["transactions:read"]})
    listed = {each["id"]: each for each in (await api.get("/api-keys"))["items"]}
    assert listed[made["id"]]["last_used_at"] is not None
    assert listed[made["id"]]["permissions"] == ["api_keys:write", "transactions:read"]
    problem = await api.problem("POST", "/api-keys", 422, "field_invalid", json=narrow | {"permissions": ["fly:high"]})
    assert problem["errors"][0]["field"] == "permissions"


async def test_a_key_that_ends_makes_none_that_lasts(api: Client) -> None:
    made = await api.post("/api-keys", {"name": "guest", "role": "admin", "expires_at": "2099-01-01T00:00:00Z"})
    async with client_of(api.node, made["key"]) as guest:
        for expires_at in (None, "2099-01-01T00:00:01Z"):
            body = {"name": "x", "role": "viewer", "expires_at": expires_at}
            await guest.problem("POST", "/api-keys", 403, "longer_than_own", json=body)
        await guest.post("/api-keys", {"name": "x", "role": "viewer", "expires_at": "2098-01-01T00:00:00Z"})


def test_every_role_has_permissions_that_exist() -> None:
    assert set(ROLE_PERMISSIONS) == set(ROLES) == set(get_args(Role))
    for permissions in ROLE_PERMISSIONS.values():
        assert permissions <= PERMISSIONS
    assert ROLE_PERMISSIONS["admin"] == PERMISSIONS
    assert ROLE_PERMISSIONS["viewer"] < ROLE_PERMISSIONS["operator"]


@pytest.fixture
async def other(node_thread: NodeThread) -> AsyncIterator[Client]:
    """An administrator of another organisation."""
    _, key = node_thread.new_organisation()
    async with client_of(node_thread.node, key) as client:
        yield client


async def test_what_belongs_to_one_organisation_does_not_exist_for_another(api: Client, other: Client) -> None:
    station_id = await api.station()
    token = await api.post("/tokens", {"id_tag": "SHARED"})
    key = await api.post("/api-keys", {"name": "x", "role": "viewer"})
    for method, path, code in (
        ("GET", f"/stations/{station_id}", "station_unknown"),
        ("PATCH", f"/stations/{station_id}", "station_unknown"),
        ("DELETE", f"/stations/{station_id}", "station_unknown"),
        ("POST", f"/stations/{station_id}/accept", "station_unknown"),
        ("POST", f"/stations/{station_id}/password", "station_unknown"),
        ("POST", f"/stations/{station_id}/settle-identity", "station_unknown"),
        ("POST", f"/stations/{station_id}/disconnect", "station_unknown"),
        ("GET", f"/stations/{station_id}/connectors", "station_unknown"),
        ("GET", f"/stations/{station_id}/configuration", "station_unknown"),
        ("GET", f"/stations/{station_id}/meter-values", "station_unknown"),
        ("POST", f"/stations/{station_id}/commands/ClearCache", "station_unknown"),
        ("GET", f"/tokens/{token['id']}", "token_unknown"),
        ("PATCH", f"/tokens/{token['id']}", "token_unknown"),
        ("DELETE", f"/tokens/{token['id']}", "token_unknown"),
        ("DELETE", f"/api-keys/{key['id']}", "api_key_unknown"),
    ):
        options: dict[str, object] = {"json": {}} if method in ("POST", "PATCH") else {}
        await other.problem(method, path, 404, code, **options)
    for path in ("/stations", "/tokens", "/transactions", "/jobs", "/messages", "/past-events", "/security-events"):
        assert (await other.get(path))["items"] == []
    await other.post("/tokens", {"id_tag": "SHARED"})
    assert (await api.get(f"/stations/{station_id}"))["id"] == station_id


async def test_who_is_limited_to_sites_sees_and_makes_nothing_elsewhere(api: Client) -> None:
    here, there, nowhere = await api.station(site_id="here"), await api.station(site_id="there"), await api.station()
    await api.post("/tokens", {"id_tag": "EVERYBODY"})
    away = await api.post("/tokens", {"id_tag": "THERE", "site_id": "there"})
    async with with_role(api, "admin", site_ids=["here"]) as limited:
        assert [each["id"] for each in (await limited.get("/stations"))["items"]] == [here]
        for station_id in (there, nowhere):
            await limited.problem("GET", f"/stations/{station_id}", 404, "station_unknown")
            await limited.problem("POST", f"/stations/{station_id}/accept", 404, "station_unknown", json={})
            await limited.problem("POST", f"/stations/{station_id}/settle-identity", 404, "station_unknown", json={})
            await limited.problem("POST", f"/stations/{station_id}/disconnect", 404, "station_unknown")
        assert [each["id_tag"] for each in (await limited.get("/tokens"))["items"]] == ["EVERYBODY"]
        await limited.problem("GET", f"/tokens/{away['id']}", 404, "token_unknown")
        new = new_id()
        await limited.problem("POST", "/stations", 403, "other_site", json={"id": new})
        await limited.problem("POST", "/stations", 403, "other_site", json={"id": new, "site_id": "there"})
        await limited.problem("POST", f"/stations/{new}/accept", 403, "other_site", json={})
        await limited.problem("PATCH", f"/stations/{here}", 403, "other_site", json={"site_id": "there"})
        await limited.post("/stations", {"id": new, "site_id": "here"})
        for path in ("/messages", "/security-events", "/transfers", "/vendor-messages", "/past-events"):
            await limited.problem("GET", path, 422, "station_required")
            await limited.problem("GET", path, 404, "station_unknown", params={"station_id": there})
            assert (await limited.get(path, station_id=new))["items"] == []
        await limited.problem(
            "POST", "/api-keys", 403, "other_site", json={"name": "x", "role": "viewer", "site_ids": ["there"]}
        )
        made = await limited.post("/api-keys", {"name": "x", "role": "viewer"})
        assert made["site_ids"] == ["here"], "a key reaches no further than the one that made it"
