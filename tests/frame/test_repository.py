"""What must hold for the repository as a whole: the lock, the sizes of files and functions, the documents."""

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

PYTHON_FILES = sorted(
    path for folder in ("src", "tests", "bench", "tools") for path in (REPOSITORY / folder).rglob("*.py")
)
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted_packages() -> Iterator[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    requirements = [
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
        *project["dependency-groups"]["dev"],
    ]
    for requirement in requirements:
        yield canonical(re.split(r"[\[<>=;! ]", requirement, maxsplit=1)[0])


def test_every_dependency_is_in_the_lock() -> None:
    lock = (REPOSITORY / "requirements.lock").read_text()
    locked = {canonical(name) for name in re.findall(r"^([A-Za-z0-9_.-]+)==", lock, re.MULTILINE)}

    assert set(wanted_packages()) <= locked


def test_every_locked_package_is_pinned_by_hash() -> None:
    entries = re.split(r"\n(?=[A-Za-z])", (REPOSITORY / "requirements.lock").read_text().split("\n", 2)[2])

    assert [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_lock_files_name_no_registry() -> None:
    assert "://" not in (REPOSITORY / "requirements.lock").read_text()
    ui_lock = REPOSITORY / "ui" / "package-lock.json"
    if ui_lock.exists():
        assert '"resolved"' not in ui_lock.read_text()


MARK = re.compile(r"# ?(?:type: ignore\[[a-z, -]+\]|noqa: [A-Z0-9, ]+?)(?P<reason>$|  # .+| --? .+)")


def test_what_a_check_is_told_to_overlook_has_a_code_and_a_reason() -> None:
    """Beside it, or in a comment in the line above."""
    bare = []
    for path in PYTHON_FILES:
        lines = path.read_text().splitlines()
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            if token.type != tokenize.COMMENT or not re.match(r"# ?(type:|noqa)", token.string):
                continue
            well = MARK.fullmatch(token.string)
            if well is None or not (well["reason"] or lines[token.start[0] - 2].lstrip().startswith("# ")):
                bare.append(f"{path.relative_to(REPOSITORY)}:{token.start[0]}: {token.string}")
    assert bare == []


def test_no_file_is_longer_than_a_person_reads() -> None:
    lengths = {path.relative_to(REPOSITORY): len(path.read_text().splitlines()) for path in PYTHON_FILES}

    assert {path: lines for path, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    too_long = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno} {node.name}"
        for path in PYTHON_FILES
        if "migrations" not in path.parts  # the tables of a migration are a list
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]

    assert too_long == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_in_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_decision_is_listed_and_says_its_state() -> None:
    folder = REPOSITORY / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[a-z-]+\.md)\)", (folder / "README.md").read_text())

    assert sorted(listed) == sorted(path.name for path in folder.glob("0*.md"))
    assert [name for name in listed if "\nState: " not in (folder / name).read_text()] == []
