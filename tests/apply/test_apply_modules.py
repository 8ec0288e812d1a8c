"""What the applier loads: the standard library and a few modules of ours, listed in a golden file."""

import os
import subprocess
import sys
from pathlib import Path

import provision

GOLDEN = Path(__file__).parent.parent / "golden/apply-modules.txt"
SOURCE = Path(provision.__file__).parent.parent

# The applier may use these of ours; everything else has to be the standard library's.
OURS = (
    "provision.contents",
    "provision.typed",
    "provision.source_map",
    "provision.record",
    "provision.ignition",
    "provision.diagnostics",
    "provision.schema",
    "provision.apply",
)

# Not needed to look, plan and write files: each costs start-up time or memory in an initramfs.
COSTLY = {
    "base64", "dataclasses", "difflib", "gzip", "hashlib", "inspect", "pathlib", "shutil", "subprocess", "tempfile",
    "typing", "urllib.parse",
}  # fmt: skip

LOAD = """
import sys
before = set(sys.modules)
sys.path.insert(0, {source!r})
import provision.apply.command
import provision.apply.root_command
import provision.apply.reading
from provision.schema.rules import load
load()
provision.apply.root_command.parser().parse_args(["--root", "/x", "-"])
print(*sorted(name for name in set(sys.modules) - before), sep="\\n")
"""


def loaded() -> list[str]:
    """The modules that the applier loads before it reads a config."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOAD.format(source=str(SOURCE))], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_the_applier_loads_what_the_golden_list_says() -> None:
    names = loaded()
    ours = [name for name in names if is_ours(name)]
    assert all(name == "provision" or name.startswith(OURS) for name in ours), ours
    strangers = [name for name in names if name.partition(".")[0] not in {*sys.stdlib_module_names, "provision"}]
    assert not strangers
    assert not COSTLY.intersection(names)
    # Of the standard library only the packages: what is inside them differs between releases of Python.
    packages = sorted({name.partition(".")[0] for name in strangers_to_us(names)})
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text("".join(f"{name}\n" for name in (*packages, *ours)))
    golden = GOLDEN.read_text().split()
    assert ours == [name for name in golden if is_ours(name)], "run with UPDATE_GOLDEN=1 if the new list is meant"
    assert not set(packages) - set(golden), "run with UPDATE_GOLDEN=1 if the new packages are meant"


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == "provision"


def strangers_to_us(names: list[str]) -> list[str]:
    """The modules that are not ours; a leading underscore marks the interpreter's own affairs."""
    return [name for name in names if not is_ours(name) and not name.startswith("_")]
