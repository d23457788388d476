"""Presses our own buttons: the REST API of a node."""

from typing import Any, Final

import httpx

from stationmaster.conformance.drivers import About, StationNeeded, TokenNeeded
from stationmaster.conformance.errors import ConformanceError

__all__ = ["ButtonFailed", "RestDriver"]

TIMEOUT_S: Final = 60.0
CONFLICT: Final = 409
NOT_FOUND: Final = 404


class ButtonFailed(ConformanceError):
    """The central system refused what the operator asked of it: a veto."""


class RestDriver:
    """The buttons of a node. `url` is where its API listens; `ca_file` the roots by which it is trusted over https."""

    waits_for_answers = True

    def __init__(self, url: str, api_key: str, *, ca_file: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {api_key}"}
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/api/v1",
            headers=headers,
            timeout=TIMEOUT_S,
            trust_env=False,
            verify=ca_file or True,
        )

    async def about(self) -> About:
        """What the node says of itself."""
        answer = await self._send("GET", "/about")
        if answer.status_code == NOT_FOUND:
            document = _check(await self._send("GET", "/openapi.json"))
            return About("Stationmaster", document["info"]["version"], "Stationmaster")
        told = _check(answer)
        return About("Stationmaster", told["version"], "Stationmaster", {"API": str(self._client.base_url)})

    async def prepare(self, stations: list[StationNeeded], tokens: list[TokenNeeded]) -> None:
        """Register everything; what exists is set right."""
        for station in stations:
            body = {
                "id": station.identity,
                "security_profile": station.security_profile,
                **({"password": station.password} if station.password else {}),
                **({"serial_number": station.serial_number} if station.serial_number else {}),
            }
            answer = await self._send("POST", "/stations", json=body)
            if answer.status_code == CONFLICT:
                path = f"/stations/{station.identity}"
                changes = {name: value for name, value in body.items() if name != "id"}
                answer = await self._send("PATCH", path, json=changes)
            _check(answer)
        for token in tokens:
            body = {"id_tag": token.id_tag, "status": token.status, "parent_id_tag": token.parent_id_tag}
            answer = await self._send("POST", "/tokens", json=body | {"expires_at": token.expires_at})
            if answer.status_code != CONFLICT:
                _check(answer)

    async def press(self, station_id: str, action: str, payload: dict[str, Any]) -> None:
        """Send a command in the words of OCPP."""
        await self._ask("POST", f"/stations/{station_id}/commands/{action}", payload, send_anyway="true")

    async def renew_password(self, station_id: str) -> None:
        """Start the job that rotates the password."""
        await self._ask("POST", f"/stations/{station_id}/rotate-password")

    async def raise_profile(self, station_id: str, security_profile: int) -> None:
        """Start the job that raises the profile."""
        body = {"security_profile": security_profile}
        await self._ask("POST", f"/stations/{station_id}/raise-security-profile", body)

    async def renew_certificate(self, station_id: str) -> None:
        """Start the job that renews the certificate."""
        await self._ask("POST", f"/stations/{station_id}/renew-certificate")

    async def clean_up(self, station_id: str) -> None:
        """Forget what is open."""
        await self._ask("POST", f"/stations/{station_id}/clean-up")

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        return _check(await self._send(method, path, json=body, params=query))

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            words = str(error) or type(error).__name__
            raise ButtonFailed(f"{method} {self._client.base_url}{path.lstrip('/')}: {words}") from None


def _check(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        detail = answer.json().get("detail", "")
    except ValueError:
        detail = answer.text[:200]
    request = answer.request
    raise ButtonFailed(f"{request.method} {request.url.path} was refused ({answer.status_code}): {detail}")
