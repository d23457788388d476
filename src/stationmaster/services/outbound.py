"""Requests of ours to addresses that people or certificates name (RELIABILITY S-11).

The rule that shapes this file: whoever may tell us an address must not reach through us what only we can reach. A
name is looked up once, what it stands for is judged, and just that address is connected to. Redirects are not
followed, and no proxy of the environment is used.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import httpx
import msgspec

__all__ = ["Fetched", "Outbound", "OutboundError", "check_private_hosts", "is_public"]

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator: the last 32 bits are the address (RFC 6052)."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host."""


class OutboundError(Exception):
    """It was not, or could not be, fetched; the text is for whoever gave the address."""


class Fetched(msgspec.Struct, frozen=True):
    """What came back, whatever its status."""

    status: int
    body: bytes


class Outbound:
    """Fetches. `private_hosts` are names and networks that may be private all the same."""

    def __init__(
        self,
        private_hosts: Sequence[str] = (),
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._names = {each.lower() for each in private_hosts}
        self._networks = [network for each in private_hosts if (network := _network(each)) is not None]
        self._resolve = resolve or _resolved
        self._verify: ssl.SSLContext | bool = tls or True

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout_s: float = 10.0,
        limit_bytes: int = 1024 * 1024,
    ) -> Fetched:
        """The answer. Raises OutboundError for an address that is not allowed, cannot be reached, or says too much."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._fetch(method, url, content, headers or {}, limit_bytes)
        except TimeoutError:
            raise OutboundError(f"it did not answer within {timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise OutboundError(f"it cannot be reached ({type(error).__name__})") from error

    def may_ask(self, host: str) -> bool:
        """Whether a host is not out of the question from the start: a name may turn out to be, an address is now."""
        try:
            address = ip_address(host)
        except ValueError:
            return True
        return is_public(address) or self.is_private(host)

    def is_private(self, host: str) -> bool:
        """Whether a host, as it is written, is one of those that may be private."""
        if host.lower() in self._names:
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    async def _fetch(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str], limit_bytes: int
    ) -> Fetched:
        wanted = httpx.URL(url)
        if wanted.scheme not in {"http", "https"} or not wanted.host:
            raise OutboundError("its address begins with http:// or https:// and names a host")
        if wanted.userinfo:
            raise OutboundError("its address must not hold a user name or a password")
        address = await self._judged(wanted.host, wanted.port or (443 if wanted.scheme == "https" else 80))
        pinned = wanted.copy_with(host=address)
        told = {**headers, "Host": wanted.netloc.decode("ascii")}
        async with (
            httpx.AsyncClient(follow_redirects=False, trust_env=False, verify=self._verify, timeout=None) as client,  # noqa: S113 -- the whole has one
            client.stream(
                method, pinned, content=content, headers=told, extensions={"sni_hostname": wanted.host}
            ) as answer,
        ):
            read = bytearray()
            async for part in answer.aiter_bytes():
                read += part
                if len(read) > limit_bytes:
                    raise OutboundError(f"its answer has more than {limit_bytes} bytes")
            return Fetched(answer.status_code, bytes(read))

    async def _judged(self, host: str, port: int) -> str:
        """The address that is connected to. One that is not allowed among several spoils them all."""
        addresses = await self._resolve(host, port)
        if not addresses:
            raise OutboundError("its name has no address")
        if host.lower() not in self._names:
            for each in addresses:
                address = ip_address(each.partition("%")[0])
                if not is_public(address) and not any(address in network for network in self._networks):
                    raise OutboundError("its address is not a public one; security.private_hosts can allow it")
        return addresses[0]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the internet, in whatever clothes it comes."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _TRANSLATED:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour is not None or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def check_private_hosts(value: str) -> str:
    """Names, addresses and networks with commas between. Raises ValueError."""
    for each in value.split(","):
        if "/" in each and _network(each.strip()) is None:
            raise ValueError(f"{each.strip()} is no network such as 10.1.0.0/16")
    return value


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


async def _resolved(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]
