"""`stationmaster` as a person uses it: each command in a process of its own."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.postgres import PostgresServer

KEY = re.compile(r"sm_[A-Za-z0-9_-]{40,}")


def run(*arguments: str, environment: dict[str, str] | None = None, cwd: Path | None = None) -> Any:
    """A command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "stationmaster", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env=_environment(environment),
    )


def _environment(more: dict[str, str] | None = None) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("STATIONMASTER_")}
    return {**own, **(more or {})}


class Serving:
    """`stationmaster serve` that goes on until it is told to stop."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self._out = (folder / "out.txt").open("w+")
        self._err = (folder / "err.txt").open("w+")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "stationmaster",
                "serve",
                "--host",
                "127.0.0.1",
                "--data",
                str(folder / "data"),
                *flags,
            ],
            stdout=self._out,
            stderr=self._err,
            env=_environment(),
        )

    def output(self) -> str:
        self._out.seek(0)
        return self._out.read()

    def errors(self) -> str:
        self._err.seek(0)
        return self._err.read()

    def up(self) -> tuple[str, str]:
        """(URL of the API, URL of stations), once it serves."""
        deadline = time.monotonic() + 60
        while "Documents of the API" not in self.output():
            assert self.process.poll() is None, self.errors()
            assert time.monotonic() < deadline, self.errors()
            time.sleep(0.05)
        http = re.search(r"(http://127\.0\.0\.1:\d+)/$", self.output(), re.MULTILINE)
        ocpp = re.search(r"(ws://127\.0\.0\.1:\d+/ocpp)/STATION-ID$", self.output(), re.MULTILINE)
        assert http
        assert ocpp
        return http[1], ocpp[1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._out.close()
        self._err.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def serving(folder: Path) -> Iterator[Serving]:
    running = Serving(folder, "--ocpp-port", "0", "--http-port", "0")
    yield running
    running.close()


def test_the_first_start_says_where_everything_is_and_shows_a_key_once(serving: Serving, folder: Path) -> None:
    http, _ocpp = serving.up()
    (key,) = KEY.findall(serving.output())
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx.get(f"{http}/api/v1/stations", headers=headers, trust_env=False).json()["items"] == []
    assert httpx.get(f"{http}/readyz", trust_env=False).json() == {"status": "ready"}
    assert serving.stop() == 0
    assert key not in serving.errors()
    again = Serving(folder, "--ocpp-port", "0", "--http-port", "0")
    try:
        http, _ = again.up()
        assert not KEY.search(again.output()), "only on the very first start"
        assert httpx.get(f"{http}/api/v1/stations", headers=headers, trust_env=False).status_code == 200
        assert again.stop(signal.SIGINT) == 0
    finally:
        again.close()


def test_stations_are_sent_away_and_open_requests_end(serving: Serving) -> None:
    http, ocpp = serving.up()
    (key,) = KEY.findall(serving.output())
    headers = {"Authorization": f"Bearer {key}"}
    httpx.post(f"{http}/api/v1/stations", headers=headers, json={"id": "CP7", "security_profile": 0}, trust_env=False)
    with (
        connect(f"{ocpp}/CP7", subprotocols=["ocpp1.6"], proxy=None) as station,  # type: ignore[list-item]  # a plain str is a Subprotocol
        httpx.stream("GET", f"{http}/api/v1/events", headers=headers, trust_env=False) as events,
    ):
        station.send('[2,"1","Heartbeat",{}]')
        assert json.loads(station.recv())[0] == 3
        began = time.monotonic()
        assert serving.stop() == 0
        assert time.monotonic() - began < 10
        with pytest.raises(Exception, match=r"1001|1012"):
            station.recv()
        assert "the node is stopping" in "".join(events.iter_text())


def test_a_used_port_is_one_line_and_exit_code_2(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for flags, who in (
            (("--http-port", str(port), "--ocpp-port", "0"), "the API"),
            (("--ocpp-port", str(port), "--http-port", "0"), "stations"),
        ):
            done = run("serve", "--host", "127.0.0.1", "--data", str(folder), *flags)
            assert done.returncode == 2
            (line,) = done.stderr.splitlines()
            flag = flags[0]
            assert line == (
                f"stationmaster: cannot listen for {who} on 127.0.0.1 port {port}: Address already in use "
                f"(choose another with {flag})"
            )
            assert not KEY.search(done.stdout), "the key is not lost on a start that failed"


@pytest.mark.parametrize(
    ("setting", "who", "hint"),
    [
        ("TLS_PORT", "stations", "tls.port"),
        ("TLS_CERTIFICATE_PORT", "stations", "tls.certificate_port"),
        ("FTP_PORT", "FTP", "ftp.port"),
    ],
)
def test_a_used_port_without_a_flag_of_its_own_is_named_by_its_setting(
    folder: Path, setting: str, who: str, hint: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = ("--host", "127.0.0.1", "--data", str(folder), "--ocpp-port", "0", "--http-port", "0")
        environment = {f"STATIONMASTER_{setting}": str(port)}
        done = run("serve", *flags, environment=environment)
        assert done.returncode == 2
        line = done.stderr.splitlines()[-1]  # after what the log tells of certificates
        assert line == (
            f"stationmaster: cannot listen for {who} on 127.0.0.1 port {port}: Address already in use "
            f"(choose another with {hint})"
        )


def test_whoever_made_a_key_first_is_told_how_to_sign_in(folder: Path) -> None:
    made = run("api-key", "create", "--role", "admin", "--data", str(folder / "data"))
    assert made.returncode == 0
    first = Serving(folder, "--ocpp-port", "0", "--http-port", "0")
    first.up()
    assert "stationmaster user create NAME --role admin" in first.output()
    first.close()
    assert run("user", "create", "anna", "--role", "admin", "--data", str(folder / "data")).returncode == 0
    second = Serving(folder, "--ocpp-port", "0", "--http-port", "0")
    second.up()
    assert "user create" not in second.output()
    second.close()


def test_a_second_node_at_the_same_folder_does_not_start(serving: Serving, folder: Path) -> None:
    serving.up()
    second = ("serve", "--host", "127.0.0.1", "--data", str(folder / "data"), "--ocpp-port", "0", "--http-port", "0")
    done = run(*second)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"stationmaster: a node `node` runs at the data folder {folder / 'data'} already")
    serving.process.kill()
    serving.process.wait()
    again = Serving(folder, "--ocpp-port", "0", "--http-port", "0")
    again.up()  # who was killed holds nothing
    again.close()


def test_an_argument_that_is_no_text_is_one_line(folder: Path) -> None:
    done = run("api-key", "revoke", "\udcff", "--data", str(folder))
    assert (done.returncode, done.stderr) == (2, "stationmaster: '\\udcff' is not text in UTF-8\n")


def test_a_key_is_not_made_under_another_pepper_than_the_nodes(serving: Serving, folder: Path) -> None:
    serving.up()
    database = folder / "data" / "stationmaster.sqlite"
    with closing(sqlite3.connect(database)) as opened:
        while not opened.execute("SELECT 1 FROM certificate_authority WHERE sealed_key IS NOT NULL").fetchall():
            time.sleep(0.1)  # the first ones are made in the background
    done = run(
        *("api-key", "create", "--role", "admin", "--data", str(folder / "elsewhere")),
        *("--database-url", f"sqlite:///{database}"),
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "the database was made with another pepper" in line


@pytest.mark.parametrize(
    "arguments, environment, line",
    [
        (["--ocpp-port", "many"], {}, "ocpp.port (from --ocpp-port): 'many' is not a whole number"),
        (["--http-port", "70000"], {}, "http.port (from --http-port): '70000' is more than 65535"),
        (
            [],
            {"STATIONMASTER_LOG_LEVEL": "loud"},
            "log.level (from STATIONMASTER_LOG_LEVEL): 'loud' is none of 'debug', 'info', 'warning' or 'error'",
        ),
        (
            ["--config", "/nowhere.toml"],
            {},
            "cannot read the configuration file /nowhere.toml: No such file or directory",
        ),
        (
            ["--database-url", "mysql://me:hunter2@x/y"],
            {},
            "database.url (from --database-url): the value is not right: a database URL begins with sqlite:///",
        ),
        (["--host", "999.1.1.1"], {}, "cannot listen for the API on 999.1.1.1 port 8080: Name or service not known"),
        (
            [],
            {"STATIONMASTER_BUS_URL": "nats://127.0.0.1:9"},
            "bus.url is for many nodes, and they need one PostgreSQL database: set database.url",
        ),
        (["--data", "/proc/nothing"], {}, "cannot make the data folder /proc/nothing: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    folder: Path, arguments: list[str], environment: dict[str, str], line: str
) -> None:
    where = [] if "--data" in arguments else ["--data", str(folder / "data")]
    done = run("serve", *where, *arguments, environment=environment)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"stationmaster: {line}")
    assert "hunter2" not in said


def test_a_database_that_cannot_be_opened_is_one_line_and_exit_code_2(folder: Path) -> None:
    (folder / "x.sqlite").write_bytes(b"no database" * 1000)
    for url in (f"sqlite:///{folder / 'x.sqlite'}", "postgresql://me:hunter2@127.0.0.1:9/x"):
        for command in ("serve", "migrate"):
            done = run(command, "--data", str(folder), "--database-url", url)
            assert done.returncode == 2
            (line,) = done.stderr.splitlines()
            assert line.startswith("stationmaster: cannot open the database ")
            assert "hunter2" not in line


def test_an_unknown_setting_in_the_file_is_one_line(folder: Path) -> None:
    file = folder / "sm.toml"
    file.write_text("[ocpp]\nprot = 9001\n")
    done = run("serve", "--config", str(file))
    assert (done.returncode, done.stderr) == (
        2,
        f"stationmaster: {file}: unknown setting ocpp.prot; did you mean ocpp.port?\n",
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("serve --colour red", "No such option: --colour (try `stationmaster serve --help`)"),
        ("brew", "No such command 'brew' (try `stationmaster --help`)"),
        ("api-key create", "Missing option '--role'"),
        ("api-key create --role king", "Invalid value for '--role'"),
        ("simulate", "Missing argument 'url'"),
        ("simulate http://x", "Invalid value for URL: http://x is no address such as ws://HOST:9000/ocpp"),
        ("simulate ws://x:abc/ocpp", "Invalid value for URL: ws://x:abc/ocpp is no address"),
        ("simulate ws://x:99999/ocpp", "Invalid value for URL: ws://x:99999/ocpp is no address"),
        ("simulate ws://[::1/ocpp", "Invalid value for URL: ws://[::1/ocpp is no address"),
        (f"simulate ws://{'ä' * 100}/ocpp", f"Invalid value for URL: ws://{'ä' * 100}/ocpp is no address"),
        ("simulate wss://x --ca-file /nowhere.pem", "Invalid value for --ca-file: cannot read /nowhere.pem"),
        ("simulate ws://x --stations 0", "Invalid value for '--stations'"),
        ("demo --stations many", "Invalid value for '--stations'"),
        ("conformance", "Invalid value: say where stations connect (--url), or use --self"),
        ("user create", "Missing argument"),
    ],
)
def test_what_is_mistyped_is_one_line_and_exit_code_2(arguments: str, line: str) -> None:
    done = run(*arguments.split())
    assert (done.returncode, done.stdout) == (2, "")
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"stationmaster: {line}"), said


def test_stations_that_nobody_lets_in_say_why() -> None:
    done = run("simulate", "ws://127.0.0.1:9/ocpp", "--stations", "2", "--duration", "1")
    assert done.returncode == 1
    assert "0 of 2 online" in done.stdout
    assert "(ws://127.0.0.1:9/ocpp/SIM-0001: [Errno 111] Connection refused)" in done.stdout


def test_without_a_command_there_is_help() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (2, "")
    assert "conformance" in done.stdout


def test_keys_are_made_listed_and_revoked(folder: Path) -> None:
    where = ["--data", str(folder)]
    made = run("api-key", "create", "--role", "operator", "--name", "the till", "--days", "30", *where)
    assert made.returncode == 0, made.stderr
    assert KEY.fullmatch(made.stdout.strip()), "the key alone"
    (line,) = run("api-key", "list", *where).stdout.splitlines()
    key_id = line.split()[0]
    assert "valid" in line
    assert "operator" in line
    assert line.endswith("the till")
    assert made.stdout.strip() not in line
    assert run("api-key", "revoke", key_id, *where).returncode == 0
    assert "revoked" in run("api-key", "list", *where).stdout
    unknown = run("api-key", "revoke", "nobody", *where)
    assert (unknown.returncode, unknown.stderr) == (2, "stationmaster: there is no API key nobody\n")
    assert run("api-key", "create", "--role", "king", *where).returncode == 2


def test_a_key_made_beside_a_running_node_opens_it_at_once(serving: Serving, folder: Path) -> None:
    http, _ = serving.up()
    made = run("api-key", "create", "--role", "admin", "--data", str(folder / "data"))
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    assert httpx.get(f"{http}/api/v1/stations", headers=headers, trust_env=False).status_code == 200


@pytest.mark.postgres
def test_a_database_that_is_not_there_is_told_in_the_words_of_its_server(
    postgres_server: PostgresServer, folder: Path
) -> None:
    url = postgres_server.url_of("nothere")
    done = run("serve", "--data", str(folder / "data"), "--database-url", url)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(': the database cannot be changed: database "nothere" does not exist')


def test_nobody_else_may_look_into_the_data_folder(folder: Path) -> None:
    assert run("migrate", "--data", str(folder / "a")).returncode == 0
    assert run("api-key", "create", "--role", "viewer", "--data", str(folder / "b")).returncode == 0
    assert [(folder / name).stat().st_mode & 0o777 for name in "ab"] == [0o700, 0o700]


@pytest.mark.postgres
def test_migrate_brings_a_new_database_up_to_date(postgres_server: PostgresServer, folder: Path) -> None:
    name = postgres_server.create()
    try:
        for _ in range(2):
            done = run("migrate", "--database-url", postgres_server.url_of(name), "--data", str(folder))
            assert (done.returncode, done.stderr) == (0, "")
            assert name in done.stdout
    finally:
        postgres_server.drop(name)


def test_config_show_tells_values_and_sources_and_hides_secrets(folder: Path) -> None:
    done = run(
        "config",
        "show",
        "--ocpp-port",
        "9100",
        environment={"STATIONMASTER_DATABASE_URL": "postgresql://me:hunter2@db/x"},
        cwd=folder,
    )
    assert done.returncode == 0
    assert "# default: 9000; from: --ocpp-port\nport = 9100\n" in done.stdout
    assert "from: STATIONMASTER_DATABASE_URL" in done.stdout
    assert "hunter2" not in done.stdout


def test_the_help_names_every_command() -> None:
    text = run("--help").stdout
    for command in ("serve", "migrate", "api-key", "config"):
        assert command in text
    for flag in ("--data", "--database-url", "--ocpp-port", "--http-port", "--host", "--config", "--accept-unknown"):
        assert flag in run("serve", "--help", environment={"COLUMNS": "200"}).stdout


def test_ftp_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "aioftp.py").write_text("raise ModuleNotFoundError(\"No module named 'aioftp'\")\n")
    environment = {"PYTHONPATH": str(tmp_path), "STATIONMASTER_FTP_PORT": "2121"}
    where = ["--data", str(tmp_path / "data"), "--ocpp-port", "0", "--http-port", "0"]
    done = run("serve", "--host", "127.0.0.1", *where, environment=environment)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "pip install 'stationmaster[ftp]'" in done.stderr
    assert "Traceback" not in done.stderr
