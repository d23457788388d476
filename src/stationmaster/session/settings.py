"""What can be chosen about a conversation. Every limit has a figure, and the handbook's is the default."""

from enum import Enum

import msgspec

__all__ = ["SessionSettings", "Side"]


class Side(Enum):
    """Which end of the conversation this is."""

    CSMS = "csms"
    STATION = "station"


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of one conversation."""

    strict: bool = False
    """Answer deviations with CALLERROR instead of tolerating them (§1.9)."""
    call_timeout_s: float = 30.0
    """How long a CALL of ours waits for its answer (§1.7); 1 to 600."""
    queue_limit: int = 100
    """How many CALLs of ours may wait for their turn (§1.6)."""
    queue_expiry_s: float = 300.0
    """How long a CALL of ours may wait to be sent (§1.6)."""
    remembered_calls: int = 1000
    """How many CALLs of the peer are remembered with their answers (§1.9)."""
    reused_ids: bool = False
    """Process a CALL whose id was used before for other content, instead of refusing it (a quirk of some stations)."""
    malformed_per_minute: int = 20
    """More malformed frames than this within a minute close the connection with 1008 (§1.9)."""
    binary_offences: int = 3
    """So many binary frames close the connection with 1003 (§1.9)."""
    repair_missing_values: bool = False
    """Read `"transactionId":,` as null: for stations known to write it, since it is not JSON."""
    banned_oddities: frozenset[str] = frozenset()
    """Kinds of oddities that are refused as in strict mode, though the rest is tolerated (a quirk profile says so)."""
