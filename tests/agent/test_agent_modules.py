"""What the agent needs of Python's standard library, with HTTPS and without: names in a golden file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from agent_shared import PYTHON, release_of_python, with_python

from provision.agent.closure import UNSPOKEN, wanted_of_python
from provision.agent.stdlib import HTTPS, NOT_FOLLOWED, Needs, needs_of_agent, trace
from provision.apply.pack import Listed, read_list, write_list

GOLDEN = Path(__file__).parents[1] / "golden"
GOLDEN_RELEASE = "3.11"
SCRIPT = str(Path(sys.executable).with_name("provision"))

# Each is large, or draws in what is, and the agent has no use for it.
COSTLY = {
    "_bz2", "_decimal", "_lzma", "asyncio", "ast", "bz2", "dataclasses", "decimal", "email.generator", "inspect",
    "linecache", "logging", "lzma", "multiprocessing", "pathlib", "pickle", "site", "sysconfig", "tarfile", "tokenize",
    "traceback", "typing", "unittest", "zipfile",
}  # fmt: skip


def compare(path: Path, lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text, "run with UPDATE_GOLDEN=1 if the new list is meant"


def needs() -> Needs:
    """Of this system's Python, or of the one that runs the tests; other releases divide the library in other ways."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    for program, release in ((PYTHON, os.path.exists(PYTHON) and release_of_python()), (sys.executable, running)):
        if release == GOLDEN_RELEASE:
            return needs_of_agent(program)
    pytest.skip(f"the golden list is of Python {GOLDEN_RELEASE}, and this is {running}")


def test_the_modules_are_those_of_the_golden_list() -> None:
    compare(GOLDEN / "agent-modules.txt", write_list(needs().modules).splitlines())


@with_python
def test_debian_s_shared_objects_are_those_of_the_golden_list() -> None:
    """The interpreter's own by their modules, then libraries."""
    if release_of_python() != GOLDEN_RELEASE or not Path("/usr/lib/python3.11/lib-dynload").exists():
        pytest.skip(f"the golden list is of Debian 12's Python {GOLDEN_RELEASE}")
    found = needs_of_agent(PYTHON)
    plain = {short(path) for path in found.shared_objects(https=False)}
    names = [f"{name}{' https' * (name not in plain)}" for name in map(short, found.shared_objects(https=True))]
    compare(GOLDEN / "agent-shared-objects.txt", [name for name in names if not name.startswith("ld-linux")])


def short(path: str) -> str:
    """A shared object's name without what names the machine."""
    name = os.path.basename(path)
    return name.partition(".")[0] if ".cpython-" in name else name


def test_nothing_costly_is_among_them() -> None:
    assert not COSTLY.intersection(needs_of_agent(sys.executable).named(https=True))


def test_https_is_what_openssl_brings() -> None:
    found = needs_of_agent(sys.executable)
    assert {module.name for module in found.modules if module.https} == HTTPS
    assert HTTPS.isdisjoint(found.named(https=False))
    assert not [path for path in found.shared_objects(https=False) if "libssl" in path or "libcrypto" in path]


def test_all_that_the_agent_names_is_among_them() -> None:
    seen = trace(sys.executable)
    missing = {name for name in wanted_of_python() if name in seen.files} - seen.reached()
    assert not missing
    assert UNSPOKEN.keys() <= seen.reached()
    assert {"encodings.utf_16_le", "textwrap", "stringprep", "urllib", "xml.parsers", "__future__"} <= seen.reached()


def test_every_import_that_is_not_followed_exists() -> None:
    """So that the table loses what it has no use for."""
    if f"{sys.version_info.major}.{sys.version_info.minor}" != GOLDEN_RELEASE:
        pytest.skip(f"the table is for Python {GOLDEN_RELEASE}")
    code = (
        "import sys\nfrom importlib.util import find_spec\nfor module in sys.argv[1:]:\n"
        "    name = '/usr' if module.startswith('_frozen') else find_spec(module).origin\n    print(module, name)"
    )
    importers = sorted({importer for importer, _ in NOT_FOLLOWED})
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *importers], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == len(importers)


def test_the_list_is_read_as_it_was_written() -> None:
    modules = [Listed("_ssl", True), Listed("os", False)]
    assert read_list(write_list(modules)) == modules


# ---- the commands ----------------------------------------------------------------------------------------------------


def provision(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([SCRIPT, "agent", *arguments], capture_output=True, text=True, check=False)


def test_the_command_lists_modules_and_shared_objects() -> None:
    text = provision("modules").stdout
    modules, _, objects = text.partition("\n\n# shared objects\n")
    rows = dict(line.split(maxsplit=1) for line in modules.splitlines()[1:])
    assert rows["builtins"] == "built in"
    assert rows["argparse"] == "source"
    assert rows["os"] == "frozen"
    assert "_ssl" in rows
    assert any("/libc.so" in line for line in objects.splitlines())
    without = provision("modules", "--no-https").stdout
    assert "_ssl" not in without
    assert "libcrypto" not in without


def test_the_command_writes_json() -> None:
    found = json.loads(provision("modules", "--json", "--python", sys.executable).stdout)
    assert found["python"] == sys.version.split()[0]
    rows = {row["name"]: row for row in found["modules"]}
    assert rows["ssl"]["https"]
    assert rows["ssl"]["file"].endswith("/ssl.py")
    assert rows["sys"] == {"name": "sys", "kind": "built in", "file": None, "https": False}
    assert all(path.startswith("/") for path in found["shared_objects"])


def test_the_command_writes_the_agent(tmp_path: Path) -> None:
    path = tmp_path / "agent.pyz"
    done = provision("build", "-o", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"{path}: ")
    assert done.stderr.endswith(f" MB, for Python {sys.version.split()[0]}\n")
    assert os.access(path, os.X_OK)
    assert subprocess.run([sys.executable, path, "--version"], check=False).returncode == 0


def test_the_command_tells_what_is_no_interpreter() -> None:
    done = provision("build", "--python", "/nonexistent")
    assert done.returncode != 0
    assert (
        done.stderr == "provision: /nonexistent cannot be run: No such file or directory; name a Python interpreter\n"
    )
