"""The guest's root file system, kernel and initramfs: made once by mmdebstrap, kept in a cache folder outside of the
repository, found again by the hash of the recipe. What changes with the checkout is never in there.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
HOOK = HERE / "vm_image_hook.sh"

SUITE = "bookworm"
MIRRORS = (
    "deb http://deb.debian.org/debian bookworm main",
    "deb http://deb.debian.org/debian bookworm-updates main",
    "deb http://deb.debian.org/debian-security bookworm-security main",
)
PACKAGES = (
    # What boots and answers.
    "busybox-static", "iproute2", "kmod", "libpython3-stdlib", "mount", "python3-minimal", "systemd", "udev",
    # What the applier calls.
    "btrfs-progs", "clevis", "clevis-luks", "clevis-tpm2", "cryptsetup-bin", "dmsetup", "dosfstools", "e2fsprogs",
    "fdisk", "gdisk", "mdadm", "passwd", "policycoreutils", "xfsprogs",
    # What it talks to, and what the scenarios look with.
    "curl", "openssl", "tang", "tpm2-tools",
)  # fmt: skip
OPTIONS = (
    "--variant=essential",
    "--format=ext2",
    "--quiet",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "info", "locale", "i18n")),
)

# Twice what a build takes on two cores that are busy with other tests.
BUILD_TIMEOUT_S = 900


def recipe() -> str:
    """The hash of all that the image depends on."""
    text = repr((SUITE, MIRRORS, PACKAGES, OPTIONS))
    return hashlib.sha256(text.encode() + HOOK.read_bytes()).hexdigest()[:16]


def cache_folder() -> Path:
    """Where images are kept. Source: XDG Base Directory Specification."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "provision-vm"


def image() -> Path:
    """The folder with `root.ext2`, `vmlinuz`, `busybox` and the modules of the initramfs; made where it is missing.
    Several processes may ask at once: one makes it, the others wait.
    """
    folder = cache_folder() / recipe()
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            build(folder)
    return folder


def build(folder: Path) -> None:
    """Make the image beside its place, and move it there when it is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as unfinished:
        made = Path(unfinished) / "image"
        made.mkdir()
        bootstrap(
            made / "root.ext2",
            PACKAGES,
            OPTIONS,
            f'sh "{HOOK}" "$1"',
            f"copy-out /boot-files {made}",
            'rm -r "$1/boot-files"',
        )
        for each in (made / "boot-files").iterdir():
            shutil.move(each, made / each.name)
        (made / "boot-files").rmdir()
        made.rename(folder)


def bootstrap(target: Path, packages: Iterable[str], options: Iterable[str], *hooks: str) -> None:
    """Make a Debian system with these packages; the form is that of the target's name, the hooks come at the end."""
    command = [
        "mmdebstrap", *options, "--include=" + ",".join(packages), *(f"--customize-hook={hook}" for hook in hooks),
        SUITE, str(target), *MIRRORS,
    ]  # fmt: skip
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_TIMEOUT_S
    )
    if ended.returncode:
        raise RuntimeError(f"mmdebstrap ended with status {ended.returncode}:\n{ended.stdout[-4000:]}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file, waiting for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
