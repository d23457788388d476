"""Users and organisations through the API."""

from typing import Any

import pytest

from tests.api.conftest import Client, NodeThread, client_of, new_id, with_role
from tests.api.people import PASSWORD, browser_of, new_user, signed_in


async def test_a_user_is_made_changed_and_forgotten(api: Client) -> None:
    made = await new_user(api, "operator", name="Olga")
    assert made["password"] is None, "who chose it knows it"
    assert "hash" not in str(made)
    user = await api.get(f"/users/{made['id']}")
    assert (user["name"], user["role"], user["signs_in_with"], user["disabled"]) == (
        "Olga",
        "operator",
        "password",
        False,
    )
    listed = await api.get("/users", search=user["username"].upper())
    assert [each["id"] for each in listed["items"]] == [user["id"]]
    changed = await api.patch(f"/users/{user['id']}", {"name": "Olga Chief", "role": "viewer", "site_ids": ["here"]})
    assert (changed["name"], changed["role"], changed["site_ids"]) == ("Olga Chief", "viewer", ["here"])
    changed = await api.patch(f"/users/{user['id']}", {"site_ids": None})
    assert changed["site_ids"] is None
    await api.delete(f"/users/{user['id']}")
    for method in ("GET", "PATCH", "DELETE"):
        options: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
        await api.problem(method, f"/users/{user['id']}", 404, "user_unknown", **options)


async def test_a_password_is_made_and_shown_once(api: Client) -> None:
    username = new_id("user")
    made = await api.post("/users", {"username": username, "role": "viewer"})
    assert len(made["password"]) == 23
    async with browser_of(api) as browser:
        body = {"username": username, "password": made["password"], "totp_code": None}
        await browser.post("/session", body, 200)
        await api.patch(f"/users/{made['id']}", {"password": "another good password"})
        await browser.problem("GET", "/session", 401, "not_signed_in")
        await browser.post("/session", body | {"password": "another good password"}, 200)
        await api.patch(f"/users/{made['id']}", {"disabled": True})
        await browser.problem("GET", "/session", 401, "not_signed_in")
        await browser.problem("POST", "/session", 401, "sign_in_refused", json=body)


@pytest.mark.parametrize(
    "body, code",
    [
        ({"role": "viewer"}, "invalid"),
        ({"username": "two words", "role": "viewer"}, "field_invalid"),
        ({"username": "x", "role": "emperor"}, "invalid"),
        ({"username": "x", "role": "viewer", "password": "short"}, "password_invalid"),
        ({"username": "x", "role": "viewer", "site_ids": []}, "invalid"),
        ({"username": "x", "role": "viewer", "organisation_id": "other"}, "invalid"),
    ],
)
async def test_what_a_user_cannot_be(api: Client, body: dict[str, object], code: str) -> None:
    await api.problem("POST", "/users", 422, code, json=body)


async def test_only_administrators_keep_users_and_nobody_makes_more_than_themselves(api: Client) -> None:
    admin = await new_user(api, "admin")
    for role in ("viewer", "operator", "security_admin"):
        async with signed_in(api, role) as browser:
            body = {"username": new_id("x"), "role": "viewer"}
            await browser.problem("POST", "/users", 403, "not_permitted", json=body)
            await browser.problem("DELETE", f"/users/{admin['id']}", 403, "not_permitted")
    narrow = await api.post("/api-keys", {"name": "x", "role": "admin", "permissions": ["users:read", "users:write"]})
    async with client_of(api.node, narrow["key"]) as hr:
        wishes: list[tuple[str, str, Any]] = [
            ("POST", "/users", {"username": new_id("x"), "role": "viewer"}),
            ("PATCH", f"/users/{admin['id']}", {"password": "another good password"}),
            ("PATCH", f"/users/{admin['id']}", {"role": "viewer"}),
            ("DELETE", f"/users/{admin['id']}/totp", None),
            ("DELETE", f"/users/{admin['id']}", None),
        ]
        for method, path, body in wishes:
            await hr.problem(method, path, 403, "more_than_own", **({} if body is None else {"json": body}))


async def test_whoever_is_limited_to_sites_keeps_no_users(api: Client) -> None:
    user = await new_user(api)
    async with with_role(api, "admin", site_ids=["here"]) as limited:
        for method, path in (("GET", "/users"), ("GET", f"/users/{user['id']}"), ("DELETE", f"/users/{user['id']}")):
            await limited.problem(method, path, 403, "other_site")
        await limited.problem("POST", "/users", 403, "other_site", json={"username": "x", "role": "viewer"})
        keys = (await limited.get("/api-keys"))["items"]
        assert all(set(key["site_ids"] or ["all"]) <= {"here"} for key in keys)
        others = await api.post("/api-keys", {"name": "x", "role": "viewer"})
        await limited.problem("DELETE", f"/api-keys/{others['id']}", 404, "api_key_unknown")


async def test_the_last_administrator_stays(api: Client) -> None:
    admin = await new_user(api)
    await api.problem("DELETE", f"/users/{admin['id']}", 409, "last_administrator")
    await api.problem("PATCH", f"/users/{admin['id']}", 409, "last_administrator", json={"disabled": True})


async def test_an_app_that_was_lost_is_taken_away(api: Client) -> None:
    user = await new_user(api)
    await api.delete(f"/users/{user['id']}/totp")


# Organisations


async def test_an_organisation_is_made_with_a_way_in(api: Client, node_thread: NodeThread) -> None:
    made_key = node_thread.do(node_thread.node.services.api_keys.create("default", "system", "admin"))
    organisation_id = new_id("acme").lower()
    async with client_of(api.node, made_key.text) as system:
        made = await system.post("/organisations", {"id": organisation_id, "name": "Acme Charging"})
        assert made["username"] == f"admin-{organisation_id}"
        listed = {each["id"]: each for each in (await system.get("/organisations"))["items"]}
        assert listed[organisation_id]["name"] == "Acme Charging"
        assert "secret" not in listed[organisation_id]
        again = {"id": organisation_id, "name": "x", "username": new_id("x")}
        await system.problem("POST", "/organisations", 409, "organisation_exists", json=again)
        await system.problem("POST", "/organisations", 422, "field_invalid", json={"id": "Has Blanks", "name": "x"})
    async with client_of(api.node, made["secret"]) as acme, browser_of(api) as browser:
        assert (await acme.get("/stations"))["items"] == []
        assert (await acme.get("/about"))["organisation"] == {"id": organisation_id, "name": "Acme Charging"}
        await acme.problem("POST", "/organisations", 403, "not_system_administrator", json={"id": "y", "name": "y"})
        body = {"username": made["username"], "password": made["secret"], "totp_code": None}
        assert (await browser.post("/session", body, 200))["organisation_id"] == organisation_id


@pytest.mark.parametrize("more", [{"role": "viewer"}, {"site_ids": ["here"]}, {"permissions": ["users:write"]}])
async def test_only_whoever_may_do_everything_keeps_organisations(
    api: Client, node_thread: NodeThread, more: dict[str, Any]
) -> None:
    words: dict[str, Any] = {"role": "admin", **more}
    role = str(words.pop("role"))
    create = node_thread.node.services.api_keys.create("default", "limited", role, **words)
    made = node_thread.do(create)
    async with client_of(api.node, made.text) as limited:
        for method in ("GET", "POST"):
            options: dict[str, Any] = {"json": {"id": "x", "name": "x"}} if method == "POST" else {}
            answer = await limited.http.request(method, "/api/v1/organisations", **options)
            assert answer.status_code == 403


async def test_a_user_name_is_taken_in_every_organisation(api: Client, node_thread: NodeThread) -> None:
    user = await new_user(api)
    _, key = node_thread.new_organisation()
    async with client_of(api.node, key) as other:
        body = {"username": user["username"].upper(), "role": "viewer", "password": PASSWORD}
        await other.problem("POST", "/users", 409, "user_exists", json=body)
        assert (await other.get("/users"))["items"] == []


async def test_what_each_role_may_do_is_told(api: Client) -> None:
    roles = {each["role"]: set(each["permissions"]) for each in (await api.get("/roles"))["items"]}
    assert list(roles) == ["viewer", "operator", "security_admin", "admin"]
    assert "commands:send" in roles["operator"] - roles["viewer"]
    assert roles["viewer"] | roles["operator"] | roles["security_admin"] < roles["admin"]
