"""The set-up scripts: on a machine where something is missing they say in one line what to do."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def make_venv(python: str, folder: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    return subprocess.run(
        [REPOSITORY / "tools" / "make-venv", python, folder],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for the path with the few programs that the script uses, without apt-get."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("bash", "env", "id"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    return folder


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / name).chmod(0o755)


def test_without_python(tmp_path: Path, programs: Path) -> None:
    result = make_venv("python3", tmp_path / "venv", str(programs))

    assert result.returncode == 2
    assert result.stderr == (
        "There is no 'python3' here. "
        "Install it (on Debian: sudo apt-get install python3), or say which: make PYTHON=...\n"
    )


def test_with_a_python_that_is_too_old(tmp_path: Path, programs: Path) -> None:
    program(programs, "python3", '[ "$1" = -V ] && echo "Python 3.9.2"; exit 1')

    result = make_venv("python3", tmp_path / "venv", str(programs))

    assert result.returncode == 2
    assert "needs Python 3.11 or newer; 'python3' is Python 3.9.2." in result.stderr


def test_with_debians_python_that_lacks_venv(tmp_path: Path, programs: Path) -> None:
    program(programs, "python3", '[[ "$2" != *ensurepip* ]]')

    result = make_venv("python3", tmp_path / "venv", str(programs))

    assert result.returncode == 2
    assert result.stderr == (
        "Python's venv module is not installed. On Debian and Ubuntu: sudo apt-get install python3-venv\n"
    )


def test_root_gets_what_is_missing(tmp_path: Path, programs: Path) -> None:
    """`id` says root, `apt-get` writes down what it was asked for and supplies it."""
    (programs / "id").unlink()
    program(programs, "id", "echo 0")
    program(programs, "apt-get", f'echo "$@" >> {tmp_path}/asked; [ "$1" = install ] && : > {tmp_path}/installed')
    program(programs, "python3", f'[[ "$2" != *ensurepip* || -e {tmp_path}/installed ]]')

    result = make_venv("python3", tmp_path / "venv", str(programs))

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "asked").read_text() == "update -qq\ninstall -y -qq python3-venv\n"


def test_a_virtual_environment_that_works_is_left_alone(tmp_path: Path, programs: Path) -> None:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    program(tmp_path / "venv" / "bin", "python", '[ "$*" = "-m pip --version" ]')
    program(programs, "python3", '[[ "$1" == -c ]]')  # making one (-m venv) would fail

    assert make_venv("python3", tmp_path / "venv", str(programs)).returncode == 0


@pytest.fixture
def checkout(tmp_path: Path, programs: Path) -> Path:
    """A checkout with a UI, on a machine with `node` and an `npm` that writes down what it is asked and obeys."""
    for name in ("dirname", "find", "mkdir", "touch"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    program(programs, "node", '[ "$1" = --version ] && echo v18.19.0; exit 0')
    program(programs, "npm", f'echo "$*" >> {tmp_path}/asked; mkdir -p node_modules; [ ! -e {tmp_path}/offline ]')
    shutil.copytree(REPOSITORY / "tools", tmp_path / "tools")
    (tmp_path / "ui").mkdir()
    for name in ("package.json", "package-lock.json"):
        (tmp_path / "ui" / name).touch()
    return tmp_path


def build_ui(checkout: Path, *, require_all: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "tools" / "build-ui"],
        env={"PATH": str(checkout / "programs"), "STATIONMASTER_TEST_REQUIRE_ALL": "1" if require_all else ""},
        capture_output=True,
        text=True,
        check=False,
    )


def asked(checkout: Path) -> list[str]:
    """What npm was asked to do since the last time."""
    file = checkout / "asked"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


INSTALL, BUILD = "ci --ignore-scripts --no-audit --no-fund", "run build"


def test_the_ui_is_built_once_and_again_when_a_file_has_changed(checkout: Path) -> None:
    assert build_ui(checkout).returncode == 0
    assert asked(checkout) == [INSTALL, BUILD]

    assert build_ui(checkout).returncode == 0
    assert asked(checkout) == []

    later = time.time() + 60
    (checkout / "ui" / "main.tsx").touch()
    os.utime(checkout / "ui" / "main.tsx", (later, later))
    assert build_ui(checkout).returncode == 0
    assert asked(checkout) == [BUILD]

    os.utime(checkout / "ui" / "package-lock.json", (later, later))
    assert build_ui(checkout).returncode == 0
    assert asked(checkout) == [INSTALL, BUILD]


def test_without_a_registry_the_ui_is_left_out_and_it_is_said(checkout: Path) -> None:
    (checkout / "offline").touch()

    result = build_ui(checkout)

    assert result.returncode == 0
    assert "so the web UI is not built; the API works without it." in result.stderr
    assert build_ui(checkout, require_all=True).returncode == 1


@pytest.mark.parametrize(
    ("node", "reason"),
    [(None, "Node.js or npm is not installed"), ('[ "$1" = --version ] && echo v18.19.0', "Node.js is v18.19.0, and")],
)
def test_without_a_node_js_that_is_new_enough(checkout: Path, node: str | None, reason: str) -> None:
    (checkout / "programs" / "node").unlink()
    if node is not None:
        program(checkout / "programs", "node", node)

    result = build_ui(checkout)

    assert result.returncode == 0
    assert result.stderr.startswith(reason)
    assert asked(checkout) == []
    assert build_ui(checkout, require_all=True).returncode == 1
