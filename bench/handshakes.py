"""What passwords cost when everybody comes back at once: `python -m bench.handshakes [--stations 2000] [--rounds 5]`.

Half of the stations prove themselves by a password (security profile 1), half by nothing (profile 0). The halves
reconnect in turn; the medians of the node's CPU time for all handshakes of a half are compared. The goal is 1.3.
"""

import argparse
import asyncio
import base64
import statistics

from bench.processes import cpu_seconds
from bench.subjects import PASSWORD, SUBJECTS, Running
from bench.table import goal

GOAL = 1.3
AT_ONCE = 200
SETTLE_S = 0.5


async def reconnect(running: Running, identities: list[str], password: str | None) -> float:
    """The CPU seconds of the node while these stations connect; they leave again afterwards."""
    pids = running.own()
    port = int(running.url.rsplit(":", 1)[1].split("/")[0])
    await asyncio.sleep(SETTLE_S)
    before = cpu_seconds(pids)
    limit = asyncio.Semaphore(AT_ONCE)
    writers = await asyncio.gather(*(_connect(port, identity, password, limit) for identity in identities))
    await asyncio.sleep(SETTLE_S)
    used = cpu_seconds(pids) - before
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(SETTLE_S)
    return used


async def _connect(port: int, identity: str, password: str | None, limit: asyncio.Semaphore) -> asyncio.StreamWriter:
    lines = [
        f"GET /ocpp/{identity} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: ocpp1.6",
    ]
    if password is not None:
        lines.append("Authorization: Basic " + base64.b64encode(f"{identity}:{password}".encode()).decode())
    async with limit:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(f"{identity} was refused: {head[:60]!r}")
    return writer


async def measure(running: Running, stations: int, rounds: int) -> tuple[float, float]:
    """The CPU seconds of either half, each the median of all rounds: with passwords, without."""
    halves = [f"BENCH-{number:05d}" for number in range(2 * stations)]
    protected, open_ones = halves[:stations], halves[stations:]
    if running.api is None:
        raise RuntimeError("the node has no API")
    for identity in open_ones:
        running.api.request("PATCH", f"/stations/{identity}", {"security_profile": 0, "password": None})
    with_password, without = [], []
    for _ in range(rounds):
        with_password.append(await reconnect(running, protected, PASSWORD))
        without.append(await reconnect(running, open_ones, None))
    return statistics.median(with_password), statistics.median(without)


def password_goal(stations: int, rounds: int) -> str:
    """Measure on a fresh node; the goal with the figure that meets or misses it."""
    with SUBJECTS["node-sqlite"].start(2 * stations) as running:
        with_password, without = asyncio.run(measure(running, stations, rounds))
    what = f"CPU of {stations:,} stations that reconnect with passwords ({with_password:.2f} s) and without"
    return goal(f"{what} ({without:.2f} s)", with_password / without, GOAL)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.handshakes", description=__doc__)
    parser.add_argument("--stations", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(password_goal(options.stations, options.rounds))


if __name__ == "__main__":
    main()
