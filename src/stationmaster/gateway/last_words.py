"""What is still heard on a connection that had to make way: whether its device lives.

A device that lost its network says nothing any more, and it is the same one that has just come back from another
address. One that lives answers the close frame (RFC 6455 §5.5.1), or is in the middle of a sentence: then
there are two devices (RELIABILITY S-02). Only frames tell: an end or a reset of TCP may be the word of a router.
"""

from collections.abc import Callable

__all__ = ["LastWords"]


class LastWords:
    """Takes the place of the connection as the `Conversation` of its socket. `lives` is called at the first frame."""

    __slots__ = ("_lives",)

    def __init__(self, lives: Callable[[], None]) -> None:
        self._lives: Callable[[], None] | None = lives

    def heard(self, frames: int) -> None:
        """It lives."""
        if self._lives is not None:
            lives, self._lives = self._lives, None
            lives()

    def text_received(self, text: str) -> None:
        """Too late: the newer connection has the word."""

    def binary_received(self, data: bytes) -> None:
        """Too late."""

    def broken_received(self, data: bytes, reason: str) -> None:
        """Too late."""

    def partly_heard(self, size: int) -> None:
        """It may have been on its way for long: only what is whole is a sign of life."""

    def write_paused(self) -> None:
        """Nothing more will be written."""

    def write_resumed(self) -> None:
        """Nothing more will be written."""

    def disconnected(self, code: int, reason: str) -> None:
        """The end has been told."""
