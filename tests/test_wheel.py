"""The wheel: what is in it, and that the main job runs from it in an environment that has nothing else."""

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path
from venv import EnvBuilder
from zipfile import ZipFile

import pytest
from cli_console import REPOSITORY, environment

from provision import __version__
from provision.pages import WITH_SCHEMA

PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")
SHARE = "provision/share"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of one run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "wheel"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """While this worker makes something, the others wait for it."""
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def wheel(place: Path) -> Path:
    """The wheel, built once a run with the backend that this environment has."""
    with alone(place):
        if not list(place.glob("*.whl")):
            run(sys.executable, *PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(place), str(REPOSITORY))
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(place: Path, wheel: Path) -> Path:
    """The folder of programs of an empty virtual environment that the wheel and what it asks for went into."""
    home = place / "venv"
    with alone(place):
        if not (home / "done").exists():
            EnvBuilder(with_pip=True, clear=True).create(home)
            run(str(home / "bin" / "python"), *PIP, "install", str(wheel))
            (home / "done").touch()
    return home / "bin"


def run(*command: str, cwd: Path | None = None) -> str:
    """What a command prints; a failure shows all of it."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked(folder: str) -> set[str]:
    """The files of a folder of the repository."""
    root = REPOSITORY / folder
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip


def test_the_wheel_has_the_package_its_templates_its_samples_its_schemas_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    info = f"provision-{__version__}.dist-info"
    shared = {f"{SHARE}/{folder}/{name}" for folder in ("templates", "samples") for name in tracked(folder)}
    shared |= {f"{SHARE}/schemas/{release.file_name}.json" for release in WITH_SCHEMA}
    package = {f"provision/{name}" for name in tracked("provision")}
    assert shared <= names
    assert f"{SHARE}/samples/container-host.bu" in names
    assert {name for name in names if not name.startswith(info)} == package | shared
    assert not [
        name for name in names if "test" in name.split("/")[0] or "__pycache__" in name or name.endswith(".pyc")
    ]
    assert f"{info}/licenses/LICENSE" in names


def test_the_schemas_in_the_wheel_are_those_that_it_prints(installed: Path, tmp_path: Path) -> None:
    run(str(installed / "provision"), "schema", "--all", "schemas", cwd=tmp_path)
    (shipped,) = installed.parent.glob("lib/python*/site-packages/provision/share/schemas")
    names = {path.name for path in shipped.iterdir()}
    assert names == {path.name for path in (tmp_path / "schemas").iterdir()}
    assert all((shipped / name).read_text() == (tmp_path / "schemas" / name).read_text() for name in names)


def test_the_wheel_says_what_it_needs(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        about = Parser().parsestr(archive.read(f"provision-{__version__}.dist-info/METADATA").decode())
        points = archive.read(f"provision-{__version__}.dist-info/entry_points.txt").decode()
    assert (about["Name"], about["Version"], about["License-Expression"]) == ("provision", __version__, "Apache-2.0")
    assert about["Requires-Python"] == ">=3.11"
    needs = [need for need in about.get_all("Requires-Dist", []) if "extra ==" not in need]
    names = {re.split("[<>=!~]", need)[0].replace(".", "-") for need in needs}
    assert names == {"ruamel-yaml", "ruamel-yaml-clib", "jsonschema", "jinja2", "libpass", "typer", "rich"}
    assert all(">=" in need and "<" in need for need in needs)
    assert "provision = provision.cli:main" in points


def test_the_main_job_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """In a folder far from the repository, with a sample that came with the wheel."""
    script = str(installed / "provision")
    found = run(str(installed / "python"), "-c", "import provision; print(provision.__file__)", cwd=tmp_path).strip()
    assert found.startswith(str(installed.parent))
    samples = Path(found).parent / "share" / "samples"
    sample = str(samples / "container-host.bu")
    assert run(script, "validate", "--strict", "-d", str(samples / "files"), sample, cwd=tmp_path) == ""
    run(script, "transpile", sample, "-o", "host.ign", cwd=tmp_path)
    config = json.loads((tmp_path / "host.ign").read_text())
    (tmp_path / "root").mkdir()
    run(script, "apply", "host.ign", "--root", "root", "--skip", "passwd", cwd=tmp_path)
    for file in config["storage"]["files"]:
        assert (tmp_path / "root" / file["path"].lstrip("/")).is_file()
    for unit in config["systemd"]["units"]:
        assert (tmp_path / "root" / "etc/systemd/system" / unit["name"]).is_file() or "contents" not in unit


def test_the_wheel_brings_the_fast_parser_and_all_it_needs(installed: Path) -> None:
    about = json.loads(run(str(installed / "provision"), "version", "--json"))
    assert about["yaml_parser"] == "libyaml (C)"
    assert "missing" not in about.values()
    run(str(installed / "python"), *PIP, "check")
    assert (REPOSITORY / "provision" / "__init__.py").exists()
    assert json.loads(run(str(installed / "provision"), "rules", "--json"))
