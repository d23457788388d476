"""What we build upon may be built upon (S-19): each locked package has a licence that is allowed, and runs no scripts.

A package that fails here is not to be added to the list without somebody who has read its licence.
"""

import json
import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
UI_LOCK = REPOSITORY / "ui" / "package-lock.json"

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BlueOak-1.0.0",
        "CC-BY-4.0",  # data about browsers, at build time
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",  # files of their own, unchanged
        "PSF-2.0",
        "Python-2.0",
    }
)
SPELLINGS = {
    "apache license": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
}
"""How packages say it that are older than the identifiers of SPDX."""


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression leaves us a choice that is allowed."""
    choices = expression.replace("(", "").replace(")", "").split(" OR ")
    return any(all(part.strip() in ALLOWED for part in choice.split(" AND ")) for choice in choices)


def of_python(name: str) -> str:
    """The licence of an installed package, as an SPDX expression as far as it can be told."""
    told = metadata(name)
    if "License-Expression" in told:
        return str(told["License-Expression"])
    classifiers = [line.split(" :: ")[-1] for line in told.get_all("Classifier") or [] if line.startswith("License ::")]
    first_line = " ".join(told.get_all("License") or []).strip().split("\n")[0].strip()
    known = [SPELLINGS[each.lower()] for each in (*classifiers, first_line) if each.lower() in SPELLINGS]
    return " OR ".join(known) or first_line or "none is told"


def locked() -> list[str]:
    return re.findall(r"^([A-Za-z0-9_.-]+)==", (REPOSITORY / "requirements.lock").read_text(), re.MULTILINE)


def packages_of_the_ui() -> dict[str, Any]:
    packages: dict[str, Any] = json.loads(UI_LOCK.read_text())["packages"]
    return {name: package for name, package in packages.items() if name}


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("(MIT OR GPL-3.0-only)", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("MIT AND Hippocratic-2.1", False),
        ("AGPL-3.0-or-later", False),
        ("none is told", False),
        ("", False),
    ],
)
def test_what_is_allowed(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


def test_every_locked_package_has_a_licence_that_is_allowed() -> None:
    found = {}
    for name in locked():
        try:
            found[name] = of_python(name)
        except PackageNotFoundError:
            continue  # for another platform
    assert len(found) > 60
    assert {name: told for name, told in found.items() if not is_allowed(told)} == {}


def test_every_package_of_the_ui_has_a_licence_that_is_allowed() -> None:
    found = {name: str(package.get("license")) for name, package in packages_of_the_ui().items()}
    assert len(found) > 100
    assert {name: told for name, told in found.items() if not is_allowed(told)} == {}


def test_every_package_of_the_ui_is_pinned_by_hash() -> None:
    assert [name for name, package in packages_of_the_ui().items() if "integrity" not in package] == []


def test_packages_of_the_ui_run_nothing_when_they_are_installed() -> None:
    texts = [
        path.read_text() for folder in ("tools", ".ci") for path in (REPOSITORY / folder).iterdir() if path.is_file()
    ]
    texts.append((REPOSITORY / "Makefile").read_text())
    installing = [
        line for text in texts for line in text.splitlines() if re.search(r"\bnpm (ci|i|install|add)\b", line)
    ]
    assert installing
    assert [line for line in installing if "npm ci --ignore-scripts" not in line] == []
