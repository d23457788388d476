"""Logs: nothing secret gets in, whoever writes it and whatever it is called."""

import io
import json
import logging

import pytest
import structlog

from stationmaster.app.config import LogSettings
from stationmaster.app.logs import configure_logs

CANARY = "c4n4ry-6f1e5d"


@pytest.fixture
def lines(log: io.StringIO) -> io.StringIO:
    return log


def test_a_line_is_json_with_time_and_level(lines: io.StringIO) -> None:
    structlog.get_logger("x").info("station.connected", station_id="CP7")
    line = json.loads(lines.getvalue())
    assert line["event"] == "station.connected"
    assert line["station_id"] == "CP7"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "fields",
    [
        {"password": CANARY},
        {"Authorization": f"Basic {CANARY}"},
        {"headers": {"authorization": f"Bearer {CANARY}"}},
        {"payload": {"key": "x", "AuthorizationKey": CANARY}},
        {"text": f"GET / Authorization: Bearer {CANARY}"},
        {"url": f"ftp://user:{CANARY}@files.example/log"},
        {"url": f"postgresql://me:{CANARY}@db/x"},
        {"items": [{"secret": CANARY}]},
        {"api_key": CANARY},
        {"text": f"the key is sm_{CANARY}{CANARY}"},
        {"id_tag": CANARY},
        {"deep": {"idTag": CANARY}},
        {"text": f'{{"password": "{CANARY}"}}'},
    ],
)
def test_a_secret_does_not_get_in(lines: io.StringIO, fields: dict[str, object]) -> None:
    structlog.get_logger("x").warning("something", **fields)
    assert "something" in lines.getvalue()
    assert CANARY not in lines.getvalue()


def test_nor_through_an_exception_or_a_library(lines: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot connect to nats://user:{CANARY}@broker")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    logging.getLogger("some.library").error("cannot fetch https://user:%s@host/", CANARY)
    assert len(lines.getvalue().splitlines()) == 2
    assert "Traceback" in lines.getvalue()
    assert CANARY not in lines.getvalue()


def test_one_tag_is_the_same_in_two_lines(lines: io.StringIO) -> None:
    for _ in range(2):
        structlog.get_logger("x").info("seen", id_tag="04A1B2C3")
    first, second = (json.loads(line)["id_tag"] for line in lines.getvalue().splitlines())
    assert first == second
    assert first.startswith("tag:")


def test_what_is_less_important_than_the_level_is_left_out() -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(LogSettings(format="console", level="error"), stream)
    structlog.get_logger("x").warning("unseen")
    logging.getLogger("library").warning("unseen")
    structlog.get_logger("x").error("seen")
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    assert "unseen" not in stream.getvalue()
    assert "seen" in stream.getvalue()
