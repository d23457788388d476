"""What the calendar says, for a conversation that runs by a clock which nobody sets (decision 0006)."""

__all__ = ["Calendar"]


class Calendar:
    """How far the calendar is ahead of the `now` that a session is given. Its owner sets it; many may share one."""

    __slots__ = ("ahead_us",)

    def __init__(self, ahead_us: int = 0) -> None:
        self.ahead_us = ahead_us
