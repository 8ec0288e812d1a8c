"""The guests' systems: a stock Debian 12 with each kind of initramfs, as a tree in a tar archive and on a disk.

Made once by mmdebstrap and kept beside the image of the other tests, found again by the hash of the recipe. Nothing that
changes with the checkout is in there; see firstboot_initramfs.py.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Literal

from vm_image import BUILD_TIMEOUT_S, MIRRORS, SUITE, bootstrap, cache_folder, locked

HERE = Path(__file__).parent
HOOK = HERE / "firstboot_image_hook.sh"

Kind = Literal["initramfs-tools", "dracut"]

COMMON = (
    "iproute2", "kmod", "linux-image-cloud-amd64", "login", "mount", "procps", "systemd", "systemd-sysv", "udev",
    "util-linux", "zstd",
    # The agent's interpreter, and what the applier calls.
    "ca-certificates", "cryptsetup-bin", "dmsetup", "dosfstools", "e2fsprogs", "fdisk", "gdisk", "libpython3-stdlib",
    "mdadm", "openssl", "passwd", "python3-minimal", "xfsprogs",
)  # fmt: skip
PACKAGES: dict[Kind, tuple[str, ...]] = {
    "initramfs-tools": (*COMMON, "busybox-static", "cryptsetup-initramfs", "etcd-server", "initramfs-tools"),
    # What the network module wants is what its users install; policycoreutils has setfiles, for the peer.
    "dracut": (
        *COMMON, "curl", "dbus", "dracut", "dracut-network", "iputils-arping", "isc-dhcp-client", "policycoreutils",
    ),
}  # fmt: skip
OPTIONS = (
    "--variant=essential",
    "--format=tar",
    "--quiet",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "info", "locale", "i18n")),
)

# A disk that was made for a smaller size than the one it has: behind the root there is room for more.
DISK_MIB, BOOT_MIB, ROOT_MIB = 1280, 32, 640
BOOT_START, ROOT_START = 1 << 20, (1 + BOOT_MIB) << 20
# The root as the only user of its own view of mounts; who is not root becomes it in a user namespace.
AS_ROOT = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--map-auto", "--mount")

UNPACK = """
tar --extract --numeric-owner --exclude='./dev/*' --file "$1/root.tar" --directory "$2"
"""
LAY_OUT = f"""
{UNPACK}
made=$1 tree=$2
rm -r "$tree/peer"
cp "$tree"/boot/vmlinuz-* "$made/vmlinuz"
cp "$tree"/boot/initrd.img-* "$made/initrd"
rm "$tree"/boot/*
mkdir "$tree/boot.d"
truncate --size {DISK_MIB}M "$made/disk"
sgdisk --clear --new=1:{BOOT_START // 512}:+{BOOT_MIB}M --change-name=1:boot \
  --new=2:{ROOT_START // 512}:+{ROOT_MIB}M --change-name=2:root "$made/disk" >/dev/null
mke2fs -q -t ext4 -L boot -d "$tree/boot.d" -E offset={BOOT_START} "$made/disk" {BOOT_MIB}M
rmdir "$tree/boot.d"
mke2fs -q -t ext4 -L root -d "$tree" -E offset={ROOT_START} "$made/disk" {ROOT_MIB}M
chmod a+r "$made"/*
"""


def recipe(kind: Kind) -> str:
    """The hash of all that an image depends on."""
    text = repr((SUITE, MIRRORS, kind, PACKAGES[kind], OPTIONS, LAY_OUT))
    return hashlib.sha256(text.encode() + HOOK.read_bytes()).hexdigest()[:16]


def image(kind: Kind) -> Path:
    """The folder with `root.tar`, `disk`, `vmlinuz`, the stock `initrd`, and the peer's package in `peer`; made where it
    is missing. Several processes may ask at once: one makes it, the others wait.
    """
    folder = cache_folder() / f"firstboot-{recipe(kind)}"
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            build(kind, folder)
    return folder


def build(kind: Kind, folder: Path) -> None:
    """Make an image beside its place, and move it there when it is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as unfinished:
        made, tree = Path(unfinished) / "image", Path(unfinished) / "tree"
        made.mkdir()
        tree.mkdir()
        bootstrap(
            made / "root.tar",
            PACKAGES[kind],
            OPTIONS,
            f'sh "{HOOK}" "$1" {kind}',
            f"copy-out /peer {made}",
        )
        try:
            as_root(LAY_OUT, made, tree)
        finally:
            as_root('rm --recursive --force "$1"', tree)
        made.rename(folder)


def as_root(script: str, *arguments: Path | str, limit_s: float = BUILD_TIMEOUT_S) -> str:
    """Run a script in bash as root, with mounts that nobody else sees, and return what it printed."""
    ended = subprocess.run(
        [*AS_ROOT, "bash", "-eu", "-o", "pipefail", "-c", script, "-", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=limit_s, check=False,
        cwd=HERE.parents[2],
    )  # fmt: skip
    if ended.returncode:
        raise RuntimeError(f"status {ended.returncode} of\n{script}\n{ended.stdout[-4000:]}")
    return ended.stdout


def copy_of_disk(kind: Kind, target: Path) -> Path:
    """A machine's own disk; holes stay holes."""
    subprocess.run(["cp", "--sparse=always", image(kind) / "disk", target], check=True)
    return target


def missing_programs() -> list[str]:
    """Packages of programs that make and look at images, and are not here."""
    needed = {"sgdisk": "gdisk", "mke2fs": "e2fsprogs", "debugfs": "e2fsprogs", "blkid": "util-linux", "tar": "tar"}
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return sorted({package for tool, package in needed.items() if shutil.which(tool, path=path) is None})
