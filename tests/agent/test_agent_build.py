"""The agent's file: what is in it, that it is always the same, and how it is called."""

import io
import marshal
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from zipfile import ZIP_STORED, ZipFile

import pytest
from agent_shared import PYTHON, agent_file, run, with_python

import provision
from provision import __version__
from provision.agent import building, closure
from provision.agent.building import SHEBANG, build
from provision.apply.command import PROGRAMS
from provision.apply.pack import EPOCH
from provision.diagnostics import ProvisionError

PACKAGE = Path(provision.__file__).parent
# What authors and other tools use of `provision.apply`, and the agent has no way to.
NOT_IN_AGENT = {
    "provision.apply.__main__", "provision.apply.deploy", "provision.apply.facts_file", "provision.apply.images",
    "provision.apply.recording",
}  # fmt: skip
HASH_FLAG = b"\1\0\0\0"


@pytest.fixture(scope="module")
def agent() -> bytes:
    return build(sys.executable).content


@pytest.fixture(scope="module")
def archive(agent: bytes) -> ZipFile:
    return ZipFile(io.BytesIO(agent))


def test_two_builds_are_equal(agent: bytes) -> None:
    assert build(sys.executable).content == agent


def test_a_build_from_another_folder_by_another_process_is_equal(agent: bytes, tmp_path: Path) -> None:
    """Also with other times, another order of names in sets, and other variables around it."""
    copy = tmp_path / "some where else" / "provision"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.rglob("*.py"):
        os.utime(path, (1, 1))
    code = (
        "import sys\nfrom provision.agent.building import build\nsys.stdout.buffer.write(build(sys.executable).content)"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], capture_output=True, check=True, cwd=copy.parent,
        env={**os.environ, "PYTHONPATH": str(copy.parent), "PYTHONHASHSEED": "5", "provision": "stage"},
    )  # fmt: skip
    assert done.stdout == agent


def test_it_holds_compiled_modules_and_nothing_else(archive: ZipFile) -> None:
    names = archive.namelist()
    assert names == sorted(names)
    assert {name for name in names if not name.endswith(".pyc")} == {"__main__.py", "modules.txt"}
    modules = {
        name.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".") for name in names if ".pyc" in name
    }
    assert modules == set(closure.agent_modules())
    assert all(name.split(".")[1] in ALLOWED for name in modules if "." in name)
    for info in archive.infolist():
        assert (info.compress_type, info.date_time, info.external_attr >> 16) == (ZIP_STORED, EPOCH, 0o644)


ALLOWED = {"apply", "contents", "diagnostics", "ignition", "record", "schema", "source_map", "typed", "units"}


def test_it_holds_all_of_the_applier_but_what_it_cannot_come_to() -> None:
    """So that a module that is forgotten is seen here."""
    applier = {name for name in closure.MODULES if name.startswith("provision.apply.")}
    assert applier - set(closure.agent_modules()) == NOT_IN_AGENT


def test_modules_are_not_compared_with_sources_and_tell_no_folder(archive: ZipFile) -> None:
    for name in archive.namelist():
        if not name.endswith(".pyc"):
            continue
        data = archive.read(name)
        assert data[4:8] == HASH_FLAG
        for code in codes(marshal.loads(data[16:])):
            assert code.co_filename == name.removesuffix("c")


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def test_docstrings_are_left_out_and_messages_are_not(agent: bytes) -> None:
    assert b"Raises ProvisionError" not in agent
    assert b"is missing: say what the machine runs on" in agent


def test_a_module_that_is_not_in_the_standard_library_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.py"
    stranger.write_text("def late():\n    import jinja2\n")
    monkeypatch.setitem(closure.MODULES, "provision.apply.stranger", stranger)
    with pytest.raises(ImportError, match=r"provision\.apply\.stranger imports jinja2"):
        closure.reached("provision.apply.stranger")


def test_what_only_checkers_see_is_not_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    annotated = tmp_path / "annotated.py"
    annotated.write_text("if TYPE_CHECKING:\n    import jinja2\nelse:\n    from provision import typed\n")
    monkeypatch.setitem(closure.MODULES, "provision.apply.annotated", annotated)
    assert closure.reached("provision.apply.annotated") == {
        "provision", "provision.apply.annotated", "provision.typed",
    }  # fmt: skip


def test_nothing_in_the_agent_asks_where_its_files_are() -> None:
    """In a zip file there are none; `bytecode` knows."""
    for name, path in closure.agent_modules().items():
        text = path.read_text()
        found = [word for word in ("__file__", "importlib.resources", "pkgutil") if word in text]
        assert not found or name == "provision.apply.bytecode", (name, found)


# ---- calling it ---------------------------------------------------------------------------------------------------


@with_python
def test_it_tells_its_version_and_its_programs() -> None:
    agent = str(agent_file())
    assert run(agent, "--version").stdout == run(agent, "-version").stdout == f"provision {__version__}\n"
    done = run(PYTHON, "-I", "-S", agent, "--help")
    assert done.returncode == 0
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert listed == set(PROGRAMS) - {"provision-ignition"}


@with_python
@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_the_first_argument_names_the_program(program: str) -> None:
    done = run(str(agent_file()), program, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")


@with_python
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error: the first argument says what to do; there are ignition, ignition-apply,"),
        (("ignitoin",), "error: ignitoin is no program of the agent; did you mean ignition?"),
        (("-stage", "fetch"), "error: -stage is no program of the agent; there are ignition,"),
        (("qq\x1bq",), "is no program of the agent; there are ignition,"),
    ],
)
def test_any_other_first_argument_is_a_usage_error(arguments: tuple[str, ...], message: str) -> None:
    done = run(str(agent_file()), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "\x1b" not in done.stderr


@with_python
def test_a_link_to_it_is_the_program_of_that_name(tmp_path: Path) -> None:
    config = tmp_path / "config.ign"
    config.write_text('{"ignition":{"version":"3.4.0"},"storge":{}}')
    (tmp_path / "ignition-validate").symlink_to(agent_file())
    done = run(str(tmp_path / "ignition-validate"), str(config))
    assert done.returncode == 0
    assert "storge" in done.stdout


def test_another_interpreter_is_told_which_one_it_is_for(archive: ZipFile, tmp_path: Path) -> None:
    main = archive.read("__main__.py").decode()
    release = f"{sys.version_info.major}.{sys.version_info.minor}"
    main = main.replace(repr(building_magic()), repr(b"\0\1\r\n")).replace(f"for Python {release},", "for Python 3.99,")
    path = tmp_path / "agent.pyz"
    with ZipFile(path, "w") as file:
        file.writestr("__main__.py", main)
        file.writestr("provision/apply/command.pyc", b"\0\1\r\n of another Python")
    done = run(sys.executable, "-I", "-S", str(path), "--version")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"error: this agent is made for Python 3.99, and {sys.executable} is Python {sys.version.split()[0]}; "
        f"make one for it: provision agent build --python {sys.executable}\n"
    )


def building_magic() -> bytes:
    from importlib.util import MAGIC_NUMBER

    return MAGIC_NUMBER


def test_the_file_is_a_program_by_itself(agent: bytes) -> None:
    assert agent.startswith(SHEBANG)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("/nonexistent/python", "cannot be run: No such file or directory; name a Python interpreter"),
        ("false", "false ended with status 1: it gives no reason"),
    ],
)
def test_what_is_no_interpreter_is_refused(program: str, message: str) -> None:
    with pytest.raises(ProvisionError, match=message):
        build(program)


def test_an_interpreter_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "OLDEST", (99, 1))
    with pytest.raises(ProvisionError, match=r"is Python 3\.\d+; the agent needs 99\.1 or later"):
        build(sys.executable)
