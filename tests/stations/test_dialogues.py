"""The quirks of real stations, played against a running node over real sockets: one dialogue or more for each.

What the product does not do for a row, beyond what its dialogue shows, stands in `LESS`.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.stations.playing import Dialogue, Player, fits, read_corpus
from tests.stations.rows import OF_NO_ROW, ROWS
from tests.walks.running import Api, NodeProcess

CORPUS: Final = Path(__file__).parent / "corpus"
DIALOGUES: Final = list(read_corpus(CORPUS))

LESS: Final = {
    "extra path segment after the id (SETEC)": (
        "`PathRules.extra_segments` and its test are in the gateway; no setting of the node turns it on."
    ),
    "trailing slash": "`PathRules.trailing_slash`, the same; the handbook wants 404 (§1.1).",
    "Connection header without Upgrade, let in": "`Listener.repair_connection_header`, the same; refused here.",
    "offers 2.0.1 and speaks 1.6 although only 2.0.1 was offered": "there is no 2.0.1 to fall back from.",
    "slow redial, odd TLS": "a matter of TLS and of minutes: tests/gateway/test_tls.py and tests/app/test_tls.py.",
    "backslashes that break the JSON": "such a frame is unreadable and logged; repair knows missing values only.",
    "a clock in 1970 replaced by the time of receipt": "what was said is kept and flagged; nothing is replaced.",
    "clock offset estimated per station": "not estimated; a clock ahead is flagged, an offset is set by profile.",
    "ChargingScheduleAllowedChargingRateUnit with W or Power": "an alias is known where the key is interpreted only.",
    "missing connectorId or evseId 0 in 2.0.1": "2.0.1 is not spoken.",
    "Stop with transactionId 0 or -1 matched by connector or tag": "kept as an end without a beginning.",
    "never sends StartTransaction": "no session is derived from status and meter; the values are kept at the station.",
    "hex-only tags for remote start (Alfen)": "a remote start sends the tag it is given.",
    "GetConfiguration split by GetConfigurationMaxKeys": "a warning beside the job; nothing is split.",
    "stack levels and purposes per model": "no capability probe; a refusal is told as it is.",
    "ChargePointMaxProfile ignored (Grizzl-E)": "GetCompositeSchedule shows it; nothing compares by itself.",
    "limit 0 locks until replug (EVBox Elvi)": "a policy of load management, where limits are made.",
    "ChangeAvailability looped over connectors": "a rejected connector 0 is told; nothing loops by itself.",
    "only some upload schemes": "file settings offer HTTP and FTP (tests/api/test_ftp.py); no choice per model.",
}
"""Parts of rows that the product does not do, and what it does instead."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """One node for the whole module."""
    data = tmp_path_factory.mktemp("stations")
    running = NodeProcess(data, f"sqlite:///{data / 'stationmaster.sqlite'}")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
async def api(node: NodeProcess) -> AsyncIterator[Api]:
    async with node.api() as client:
        yield client


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
async def test_the_station_is_served(dialogue: Dialogue, node: NodeProcess, api: Api) -> None:
    await Player(node, api, dialogue).play()


def test_every_row_of_the_quirks_has_a_dialogue() -> None:
    names = {dialogue.name for dialogue in DIALOGUES}
    played = [name for dialogues in ROWS.values() for name in dialogues]
    assert len(ROWS) == 61
    assert all(ROWS.values())
    assert len(played) == len(set(played))
    assert {*played, *OF_NO_ROW} == names


def test_each_quirk_is_named_once() -> None:
    names = [dialogue.name for dialogue in DIALOGUES]
    assert len(names) == len(set(names))
    assert all(any(line.word in "<!refused" for line in dialogue.lines) for dialogue in DIALOGUES)


def test_a_pattern_can_be_missed() -> None:
    found = {"kind": "alias", "count": 2, "flags": ["a"]}
    names: dict[str, str] = {}
    assert fits({"kind": "alias", "count": "=count", "flags": "*"}, found, names)
    assert names == {"count": "2"}
    misses: tuple[object, ...] = ({"kind": "other"}, {"absent": "*"}, {"flags": []}, {"flags": ["b"]}, [found])
    for wrong in misses:
        assert not fits(wrong, found, {})
