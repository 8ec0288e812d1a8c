"""The guest that scenarios share. Where its tools are missing these tests are skipped, unless PROVISION_DEMAND_VM is 1."""

import os
import shutil
import sys
from collections.abc import Iterator

import pytest
from vm_guest import Guest
from vm_image import cache_folder, recipe
from vm_scenarios import NAMES

TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86", "mmdebstrap": "mmdebstrap", "swtpm": "swtpm", "genext2fs": "genext2fs",
    "setpriv": "util-linux",
}  # fmt: skip
DEMAND = "PROVISION_DEMAND_VM"


def obstacle() -> str:
    """Why there can be no guest here, with the remedy; empty where there can."""
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if (cache_folder() / recipe()).exists():
        missing = [package for package in missing if package not in ("mmdebstrap", "genext2fs")]
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        return "the guest needs Linux on x86_64"
    if missing:
        return f"the guest needs programs: sudo apt-get install --no-install-recommends {' '.join(missing)}"
    return ""


def pass_over(why: str) -> None:
    """Skip a test for this reason, if there is one; where guests are demanded it fails."""
    if why and os.environ.get(DEMAND) == "1":
        pytest.fail(f"{DEMAND} is 1, but {why}")
    if why:
        pytest.skip(why)


@pytest.fixture(scope="session")
def shared_guest() -> Iterator[Guest]:
    """One machine for all scenarios of this process."""
    pass_over(obstacle())
    guest = Guest()
    yield guest
    guest.stop()


@pytest.fixture
def guest(shared_guest: Guest) -> Iterator[Guest]:
    """The machine, as after a boot: blank disks, nothing mounted, an empty /sysroot."""
    found = {name: path for name, path in shared_guest.running.devices.items() if name != "root"}
    assert found == NAMES, "the kernel counts the disks in another order"
    yield shared_guest
    shared_guest.reset()
