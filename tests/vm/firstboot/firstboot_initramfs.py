"""What the current checkout makes of a guest's initramfs: `provision initramfs install`, then the distribution's own tool.

Made once for a state of the checkout and kept beside the images; the last few are kept.
"""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from firstboot_image import UNPACK, Kind, as_root, image, recipe
from vm_image import cache_folder, locked

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
DEPLOY = HERE / "firstboot_deploy.sh"
KEPT = 6

# Where the peer's package is not wanted, and where the tree is like a machine that runs: dracut and the hooks look at it.
INSIDE = """
for each in dev proc sys; do mount --rbind "/$each" "$tree/$each"; done
mount -t tmpfs run "$tree/run"
version=$(ls "$tree/lib/modules")
"""
INSTALL = """
"$python" -m provision initramfs install --kind "$kind" --root "$tree"
"""
MAKE: dict[Kind, str] = {
    "initramfs-tools": 'chroot "$tree" mkinitramfs -o /initramfs "$version"',
    "dracut": 'chroot "$tree" dracut --force --no-hostonly /initramfs "$version"',
}
# The step of an installer, which copies a system to the root that provisioning has made; see there.
BRING_DEPLOY: dict[Kind, str] = {
    "initramfs-tools": """
install -m 755 "$3/firstboot_deploy.sh" "$tree/etc/initramfs-tools/scripts/local-premount/zz-deploy"
# As where the root is encrypted when the initramfs is made.
echo CRYPTSETUP=y >> "$tree/etc/cryptsetup-initramfs/conf-hook"
""",
    "dracut": ":",
}
PEER = """
dpkg-deb --extract "$made"/peer/ignition_*.deb "$tree"
printf 'add_dracutmodules+=" ignition "\\n' > "$tree/etc/dracut.conf.d/peer.conf"
"""
BEGIN = f"{UNPACK}\nmade=$1 tree=$2 python=$4 kind=$5\n"


def initramfs(kind: Kind) -> Path:
    """The initramfs of a guest with the applier of this checkout in it."""
    script = BEGIN + INSTALL + BRING_DEPLOY[kind] + INSIDE + MAKE[kind]
    return kept(f"initramfs-{kind}", kind, script, of_checkout=True)


def peer_initramfs() -> Path:
    """The initramfs of the dracut guest with Debian's `ignition` in it."""
    return kept("initramfs-peer", "dracut", BEGIN + PEER + INSIDE + MAKE["dracut"], of_checkout=False)


def kept(name: str, kind: Kind, script: str, *, of_checkout: bool) -> Path:
    """The initramfs that a script makes at `/initramfs` in the tree; from the cache where it is there."""
    state = hashlib.sha256((recipe(kind) + script).encode())
    if of_checkout:
        state.update(DEPLOY.read_bytes())
        state.update(hash_of(CHECKOUT / "provision").encode())
    found = cache_folder() / f"{name}-{state.hexdigest()[:16]}"
    made = image(kind)
    with locked(cache_folder() / f"{name}.lock"):
        if not found.exists():
            build(made, kind, script, found)
            forget(name)
        found.touch()
    return found


def build(made: Path, kind: Kind, script: str, target: Path) -> None:
    """Unpack the guest's tree, run the script on it, and move what came of it into its place."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="unfinished-") as unfinished:
        tree = Path(unfinished) / "tree"
        tree.mkdir()
        try:
            said = as_root(script, made, tree, HERE, sys.executable, kind)
            as_root('chmod 644 "$1" && cp "$1" "$2"', tree / "initramfs", Path(unfinished) / "initramfs")
        finally:
            as_root('rm --recursive --force "$1"', tree)
        (Path(unfinished) / "initramfs.log").write_text(said)
        shutil.move(Path(unfinished) / "initramfs.log", target.with_suffix(".log"))
        (Path(unfinished) / "initramfs").rename(target)


def forget(name: str) -> None:
    """Remove all but the newest."""
    found = [path for path in cache_folder().glob(f"{name}-*") if path.suffix != ".log"]
    for old in sorted(found, key=modified, reverse=True)[KEPT:]:
        old.unlink(missing_ok=True)
        old.with_suffix(".log").unlink(missing_ok=True)


def modified(path: Path) -> float:
    """When it was used last."""
    return path.stat().st_mtime


def hash_of(folder: Path) -> str:
    """The hash of all files in a folder, with their names."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            state.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()
