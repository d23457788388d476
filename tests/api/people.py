"""People at their browsers: clients that keep cookies and send the CSRF token, as the web UI does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.api.conftest import Client, client_of, new_id

__all__ = ["PASSWORD", "browser_of", "new_user", "signed_in"]

PASSWORD = "a good long password"


async def new_user(api: Client, role: str = "admin", **more: Any) -> Any:
    """A user of the organisation of `api`."""
    username = more.pop("username", new_id("user"))
    return await api.post("/users", {"username": username, "role": role, "password": PASSWORD, **more})


@asynccontextmanager
async def browser_of(api: Client) -> AsyncIterator[Client]:
    """A browser in which nobody is signed in."""
    async with client_of(api.node, None) as browser:
        yield browser


@asynccontextmanager
async def signed_in(api: Client, role: str = "admin", **more: Any) -> AsyncIterator[Client]:
    """A browser in which a new user of this role is signed in."""
    user = await new_user(api, role, **more)
    async with browser_of(api) as browser:
        session = await browser.post(
            "/session", {"username": user["username"], "password": PASSWORD, "totp_code": None}, 200
        )
        browser.http.headers["X-CSRF-Token"] = session["csrf_token"]
        yield browser
