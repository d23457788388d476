"""What the kernel says about the processes under measurement, and starting and ending them.

CPU time is read from /proc/PID/stat (user + system, all threads), so it counts what was used, not what
passed while others had the processor.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["cpu_seconds", "free_port", "postgres_processes", "process_tree", "rss_kb", "started"]

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
START_LIMIT_S = 30.0
STOP_LIMIT_S = 20.0


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time used so far by these processes; those that are gone count nothing."""
    return sum(int(fields[11]) + int(fields[12]) for pid in pids if (fields := _stat(pid))) / _TICKS_PER_SECOND


def rss_kb(pids: Sequence[int]) -> int:
    """Resident memory of these processes."""
    return sum(int(fields[21]) for pid in pids if (fields := _stat(pid))) * _PAGE_KB


def process_tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    parents = {pid: int(fields[1]) for pid in _all_pids() if (fields := _stat(pid))}
    tree = [root]
    for pid in tree:
        tree.extend(child for child, parent in parents.items() if parent == pid)
    return tree


def postgres_processes(database: str) -> list[int]:
    """The PostgreSQL processes on this machine that work for one database.

    Its backends (their titles name the database) and the writers that serve every database; on a
    server that others use at the same time the latter's share is counted to us.
    """
    mine = (f" {database} ", "walwriter", "background writer", "checkpointer")
    return [pid for pid in _all_pids() if (title := _title(pid)).startswith("postgres:") and _names(title, mine)]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(arguments: Sequence[str], port: int, log: Path, environment: dict[str, str] | None = None) -> Iterator[int]:
    """Run `python -m …` until the block ends; yields its process id once the port answers.

    Raises RuntimeError with the end of its log when it does not come up.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    try:
        _wait_for(process, port, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{' '.join(str(part) for part in process.args)} did not come up:\n{tail(log)}")  # type: ignore[union-attr]  # a list, as given below


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name, so that [0] is the state, [1] the parent."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _names(title: str, words: Sequence[str]) -> bool:
    return any(word in title for word in words)


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
