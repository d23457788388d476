"""Dialogues with odd stations as text, and the station that plays them against a node.

A corpus file holds dialogues; `== row` opens one and names the quirk. The lines of a dialogue:

    # words for people
    station {"strict": true}      how the station is registered, beyond its id and security profile 0
    profile {"strict": true}      a quirk profile with these switches, chosen for the station
    connect {"target": "/ocpp/$station", "Connection": "keep-alive"}    a handshake of its own; null drops a header
    try {...}                     the same handshake, which is
    refused STATUS                turned away with this status
    > text                        the station says exactly this
    >>N text                      the same, N times in one go, each with its number $n, three digits
    < JSON                        what it hears next; extra members are fine, "*" is anything, "=name" is remembered
    hear N                        the same for N results, whatever they say
    silence                       it hears nothing for a moment
    closed CODE                   the node closes the connection
    drop                          the station hangs up without a word
    again                         the station connects anew and leaves the old connection open
    do METHOD path JSON           an operator asks our API for it; nobody waits for the answer yet
    done JSON                     that answer
    ? path                        an operator looks there, until
    ! JSON                        what is there fits, as a whole or as one item of the list

`$station`, `$tag`, `$now`, `$vendor` and everything remembered stand for themselves in all of them.
"""

import asyncio
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stationmaster.conformance.link import now
from stationmaster.instants import format_instant
from tests.gateway.raw import RawStation, upgrade
from tests.walks.running import Api, NodeProcess

__all__ = ["Dialogue", "Player", "fits", "read_corpus"]

ANYTHING: Final = "*"
PATIENCE_S: Final = 30.0
MOMENT_S: Final = 0.3
LONGEST_SHOWN: Final = 3000
_ESCAPES: Final = {"\\0": "\0"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Line:
    """One line of a dialogue."""

    word: str
    rest: str
    number: int


@dataclass
class Dialogue:
    """What an odd station says, and what must come of it."""

    row: str
    file: str
    lines: list[Line] = field(default_factory=list)

    @property
    def name(self) -> str:
        """For the list of tests."""
        return f"{self.file}: {self.row}"


def read_corpus(folder: Path) -> Iterator[Dialogue]:
    """All dialogues, file by file."""
    for path in sorted(folder.glob("*.txt")):
        dialogue: Dialogue | None = None
        for number, text in enumerate(path.read_text().splitlines(), 1):
            if text.startswith("== "):
                if dialogue is not None:
                    yield dialogue
                dialogue = Dialogue(text[3:].strip(), path.stem)
            elif text.strip() and not text.startswith("#"):
                assert dialogue is not None, f"{path.name}:{number} stands before the first dialogue"
                word, _, rest = text.partition(" ")
                dialogue.lines.append(Line(word, rest, number))
        if dialogue is not None:
            yield dialogue


def fits(pattern: Any, found: Any, names: dict[str, str]) -> bool:
    """Whether `found` is what `pattern` says; names that the pattern asks for are remembered."""
    if isinstance(pattern, str) and pattern.startswith("="):
        names[pattern[1:]] = str(found)
        return True
    if pattern == ANYTHING:
        return True
    if isinstance(pattern, dict):
        return isinstance(found, dict) and all(
            name in found and fits(part, found[name], names) for name, part in pattern.items()
        )
    if isinstance(pattern, list):
        return (
            isinstance(found, list)
            and len(found) == len(pattern)
            and all(fits(*pair, names) for pair in zip(pattern, found, strict=True))
        )
    return bool(pattern == found)


class Player:
    """Plays one dialogue."""

    def __init__(self, node: NodeProcess, api: Api, dialogue: Dialogue) -> None:
        self._node = node
        self._api = api
        self._dialogue = dialogue
        number = next(_numbers)
        self._names = {"station": f"ODD-{number:04d}", "number": f"{number:04d}", "vendor": f"Vendor {number}"}
        self._socket: RawStation | None = None
        self._forsaken: list[RawStation] = []
        self._more: dict[str, Any] = {}
        self._handshake: dict[str, str | None] = {}
        self._asked: asyncio.Task[Any] | None = None
        self._path = ""
        self._registered = False

    async def play(self) -> None:
        """From the first line to the last."""
        self._names["tag"] = await self._api.token()
        try:
            for line in self._dialogue.lines:
                try:
                    await self._step(line)
                except BaseException as error:
                    error.add_note(f"{self._dialogue.file}.txt line {line.number}: {line.word} {line.rest}")
                    raise
        finally:
            for socket in (*self._forsaken, *([] if self._socket is None else [self._socket])):
                socket.drop()

    async def _step(self, line: Line) -> None:
        if line.word in ("station", "profile", "connect", "try", "refused", "again", "drop"):
            await self._connection(line)
        elif line.word in ("<", "hear", "silence", "closed"):
            await self._hear(line)
        elif line.word.startswith(">"):
            await self._say(line)
        else:
            await self._operator(line)

    async def _connection(self, line: Line) -> None:
        match line.word:
            case "station":
                self._more |= self._json(line.rest)
            case "profile":
                wanted = {"name": self._names["station"], **self._json(line.rest)}
                self._more["quirk_profile_id"] = (await self._api.post("/quirk-profiles", wanted))["id"]
            case "try":
                self._handshake = self._json(line.rest)
            case "refused":
                await self._connect(int(line.rest))
            case "connect":
                self._hang_up()
                self._handshake = self._json(line.rest or "{}")
                await self._connect(101)
            case "drop":
                self._hang_up()
            case "again":
                self._forsaken.append(await self._connected())
                await self._connect(101)

    async def _operator(self, line: Line) -> None:
        match line.word:
            case "do":
                method, path, *body = self._fill(line.rest).split(" ", 2)
                given = json.loads(body[0]) if body else None
                self._asked = asyncio.create_task(self._api.client.request(method, path, json=given))
            case "done":
                assert self._asked is not None
                answer = await self._asked
                told = answer.json() if answer.content else None
                assert fits(self._json(line.rest), told, self._names), answer.text
            case "?":
                self._path = self._fill(line.rest)
            case "!":
                await self._look(self._json(line.rest))
            case word:
                raise AssertionError(f"no such line: {word}")

    async def _say(self, line: Line) -> None:
        socket = await self._connected()
        for number in range(int(line.word[2:] or "1") if line.word.startswith(">>") else 1):
            self._names["n"] = f"{number:03d}"
            text = self._fill(line.rest)
            for written, meant in _ESCAPES.items():
                text = text.replace(written, meant)
            await socket.say(text)

    async def _hear(self, line: Line) -> None:
        socket = await self._connected()
        if line.word == "<":
            heard = await socket.hear(PATIENCE_S)
            assert fits(self._json(line.rest), heard, self._names), heard
        elif line.word == "hear":
            for _ in range(int(line.rest)):
                assert (await socket.hear(PATIENCE_S))[0] == 3
        elif line.word == "closed":
            assert (await socket.closed(PATIENCE_S))[0] == int(line.rest)
        else:
            try:
                raise AssertionError(await socket.hear(MOMENT_S))
            except TimeoutError:
                return

    async def _look(self, pattern: Any) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            answer = await self._api.client.get(self._path)
            assert answer.status_code == 200, answer.text
            found = answer.json()
            things = found["items"] if isinstance(found, dict) and "items" in found else [found]
            if any(fits(pattern, thing, self._names) for thing in things) or (pattern == [] and not things):
                return
            assert asyncio.get_running_loop().time() < deadline, json.dumps(found)[:LONGEST_SHOWN]
            await asyncio.sleep(0.05)

    async def _connected(self) -> RawStation:
        if self._socket is None:
            await self._connect(101)
        assert self._socket is not None
        return self._socket

    async def _connect(self, status: int) -> None:
        if not self._registered:
            self._registered = True
            await self._api.post("/stations", {"id": self._names["station"], "security_profile": 0, **self._more})
        headers = dict(self._handshake)
        target = headers.pop("target", None) or f"/ocpp/{self._names['station']}"
        socket = await RawStation.connect(self._node.ocpp_port)
        response = await socket.request(upgrade(target, **{name.replace("-", "_"): headers[name] for name in headers}))
        assert response.status == status, response.status
        if status == 101:
            self._socket = socket
        else:
            socket.drop()

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.drop()
            self._socket = None

    def _json(self, text: str) -> Any:
        return json.loads(self._fill(text))

    def _fill(self, text: str) -> str:
        self._names["now"] = format_instant(now())
        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: self._names.get(match[1] or match[2], match[0]), text)
