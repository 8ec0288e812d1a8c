"""What the tests of integrations share: the checkout as others get it, and packages for pip where there is no network.

A hook or an action installs this project and what it needs. Here that comes from a folder of wheels, packed again from what
is installed in this environment, so that the tests ask nobody.
"""

import fcntl
import os
import re
import subprocess
import sys
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import Distribution, distribution
from pathlib import Path
from shutil import copy2
from zipfile import ZipFile

import pytest
from cli_console import REPOSITORY, Ran, environment
from packaging.requirements import Requirement

BACKEND = "hatchling"
PATIENCE_S = 300
# What pip writes beside a package.
PIPS_OWN = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
# What a git of this machine might be told elsewhere; nobody's settings shall matter.
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "me"), ("EMAIL", "me@example.com"))},
}  # fmt: skip
GOOD = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - path: /etc/hostname\n      mode: 0644\n      contents:\n        local: hostname\n"
WRONG = GOOD.replace("/etc/hostname", "etc/hostname")


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of one run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "integrations"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def once(folder: Path, name: str) -> Iterator[Path | None]:
    """A new folder for the one who makes what is in it; None for those who find it made."""
    with open(folder / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / name
        if made.exists():
            yield None
        else:
            made.mkdir()
            yield made


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None, stdin: str | None = None) -> Ran:
    """A command as a user of another machine runs it: with what is given of the environment, and without Python's own."""
    own = {name: value for name, value in environment(**GIT, **(env or {})).items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=own, input=stdin, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


def git(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What git prints; a failure shows all of it."""
    ran = run("git", *arguments, cwd=folder, env=env)
    assert ran.code == 0, ran.out + ran.err
    return ran.out.strip()


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A git repository with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, files)
    return folder


def commit(folder: Path, files: Mapping[str, str]) -> str:
    """Write files, and commit all there is; the answer is the commit."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "--message", "change")
    return git(folder, "rev-parse", "HEAD")


# ---- this project -----------------------------------------------------------------------------------------------


def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project as a repository that can be cloned: what is in the work tree, in one commit."""
    folder = shared_folder(tmp_path_factory)
    with once(folder, "provision") as made:
        if made is not None:
            listed = git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
            for name in listed:
                if name and (REPOSITORY / name).is_file() and not name.startswith("tests/vm/"):
                    (made / name).parent.mkdir(parents=True, exist_ok=True)
                    copy2(REPOSITORY / name, made / name)
            repository(made, {})
    return folder / "provision"


# ---- packages ---------------------------------------------------------------------------------------------------


def offline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables that make pip take packages from a folder of wheels alone."""
    folder = shared_folder(tmp_path_factory)
    with once(folder, "wheels") as made:
        if made is not None:
            for found in needed():
                pack(found, made)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def needed() -> list[Distribution]:
    """What the project and the building of it need, with what that needs."""
    wanted = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    left, found = [Requirement(each) for each in (*wanted, BACKEND)], dict[str, Distribution]()
    while left:
        requirement = left.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found[name] = distribution(requirement.name)
        left += map(Requirement, found[name].requires or ())
    return list(found.values())


def pack(found: Distribution, folder: Path) -> None:
    """An installed package as the wheel that it came from, but for its scripts, which pip makes anew."""
    tags = [line.split("-") for line in re.findall(r"^Tag: (\S+)$", found.read_text("WHEEL") or "", re.M)]
    assert tags, f"{found.name} was not installed from a wheel"
    tag = "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))
    files = {str(file): Path(str(file.locate())) for file in found.files or ()}
    (info,) = (path.partition("/")[0] for path in files if path.endswith(".dist-info/WHEEL"))
    record = ""
    with ZipFile(folder / f"{info.removesuffix('.dist-info')}-{tag}.whl", "w") as archive:
        for name, path in files.items():
            if name.startswith("..") or "__pycache__" in name or name in {f"{info}/{own}" for own in PIPS_OWN}:
                continue
            archive.write(path, name)
            hash = urlsafe_b64encode(sha256(path.read_bytes()).digest()).decode().rstrip("=")
            record += f"{name},sha256={hash},{path.stat().st_size}\n"
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


def python_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with pip and nothing else, as an image of Python has."""
    from venv import EnvBuilder

    folder = shared_folder(tmp_path_factory)
    with once(folder, "python") as made:
        if made is not None:
            EnvBuilder(with_pip=True).create(made)
    return folder / "python" / "bin"


def path_with(*folders: Path) -> str:
    """A search path with some folders first, and without the environment that these tests run in."""
    mine = str(Path(sys.executable).parent)
    rest = [each for each in os.environ["PATH"].split(os.pathsep) if each != mine]
    return os.pathsep.join([*map(str, folders), *rest])
