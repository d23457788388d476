"""Writes the documents that are made from the code: `python -m tools.documents`, with `--check` to only compare.

The code is the source; a document that differs from it is out of date and fails `make check`.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from stationmaster.app.config_text import configuration_document
from tools.openapi import openapi_document

ROOT = Path(__file__).parents[1]
DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/configuration.md": configuration_document,
    "ui/openapi.json": openapi_document,
}


def main(arguments: list[str]) -> int:
    """Write every document, or list those that are out of date; the exit code."""
    stale = 0
    for name, write in DOCUMENTS.items():
        path, text = ROOT / name, write()
        if path.exists() and path.read_text() == text:
            continue
        if "--check" in arguments:
            print(f"{name} is out of date: run `make docs`", file=sys.stderr)
            stale = 1
        else:
            path.write_text(text)
            print(f"wrote {name}")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
