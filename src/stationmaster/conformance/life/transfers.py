"""Files that a station fetches and brings, really, over HTTP (handbook §3.9)."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx

__all__ = ["download", "upload", "with_retries"]

MOST_BYTES = 256 * 1024 * 1024
TIMEOUT_S = 60.0
SCHEMES = ("http", "https")


async def download(location: str) -> int:
    """Fetch a firmware image and throw it away; how many bytes it had. Raises OSError in words."""
    _check(location)
    size = 0
    try:
        async with (
            httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=True, trust_env=False) as client,
            client.stream("GET", location) as response,
        ):
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > MOST_BYTES:
                    raise OSError(f"the image is larger than {MOST_BYTES} bytes")
    except httpx.HTTPError as error:
        raise OSError(f"{location}: {error}") from error
    return size


async def upload(location: str, file_name: str, content: bytes) -> None:
    """Bring a file into the directory `location`. Raises OSError in words."""
    _check(location)
    target = f"{location.rstrip('/')}/{file_name}"
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            response = await client.put(target, content=content, headers={"Content-Type": "text/plain"})
            response.raise_for_status()
    except httpx.HTTPError as error:
        raise OSError(f"{target}: {error}") from error


async def with_retries(
    attempt: Callable[[], Awaitable[object]], retries: int, pause: Callable[[], Awaitable[None]]
) -> bool:
    """Try once and `retries` times more [E 3.50], with a pause before each; whether it went well in the end."""
    for number in range(retries + 1):
        if number:
            await pause()
        try:
            await attempt()
        except OSError:
            continue
        return True
    return False


def _check(location: str) -> None:
    if urlsplit(location).scheme not in SCHEMES:
        raise OSError(f"{location}: this station speaks only {', '.join(SCHEMES)}")
