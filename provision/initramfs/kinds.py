"""The kinds of initramfs: what tells that a system has one, the files that it gets, and what makes it anew. A table."""

import os
from collections.abc import Iterator
from pathlib import Path

import provision
from provision.diagnostics import ProvisionError, nearest
from provision.typed import NamedTuple

FOLDER = Path(provision.__file__).parent / "apply" / "initramfs"
FILE, PROGRAM = 0o644, 0o755
OWN = "/usr/lib/provision"
AUTO = "auto"


class Row(NamedTuple):
    """A file that is shipped, below FOLDER, where it goes, and its mode; of a link its target instead."""

    source: str
    path: str
    mode: int = FILE
    target: str = ""


class Kind(NamedTuple):
    """A kind. `signs` are programs of which a system has one; `make` makes its initramfs anew; `more` is what else is to do."""

    signs: tuple[str, ...]
    rows: tuple[Row, ...]
    make: str = ""
    more: str = ""


def folder(source: str, path: str, *, but: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """The files of a folder; what starts with `#!` can be run."""
    found = sorted(each for each in (FOLDER / source).iterdir() if each.is_file() and each.name not in but)
    return tuple(
        Row(f"{source}/{each.name}", f"{path}/{each.name}", PROGRAM if is_script(each) else FILE) for each in found
    )


def is_script(path: Path) -> bool:
    """Whether a file says what runs it."""
    with path.open("rb") as file:
        return file.read(2) == b"#!"


SHARED = folder("shared", OWN)
TOOLS = "/usr/share/initramfs-tools"
UNITS = "/usr/lib/systemd/system"
EARLY = "provision-first-boot.service"

KINDS = {
    "initramfs-tools": Kind(
        ("/usr/sbin/update-initramfs", "/usr/sbin/mkinitramfs"),
        (
            *SHARED,
            *folder("initramfs-tools/hooks", f"{TOOLS}/hooks"),
            *folder("initramfs-tools/scripts", f"{TOOLS}/scripts"),
            *folder("initramfs-tools/scripts/local-premount", f"{TOOLS}/scripts/local-premount"),
            *folder("initramfs-tools/scripts/local-bottom", f"{TOOLS}/scripts/local-bottom"),
        ),
        make="update-initramfs -u -k all",
    ),
    "dracut": Kind(
        ("/usr/bin/dracut", "/usr/sbin/dracut"),
        (*SHARED, *folder("dracut", "/usr/lib/dracut/modules.d/35provision")),
        make="dracut --force --regenerate-all",
    ),
    "mkinitcpio": Kind(
        ("/usr/bin/mkinitcpio",),
        (
            *SHARED,
            *folder("mkinitcpio/install", "/usr/lib/initcpio/install"),
            *folder("mkinitcpio/hooks", "/usr/lib/initcpio/hooks"),
        ),
        make="mkinitcpio -P",
        more="put `provision` into HOOKS of /etc/mkinitcpio.conf, behind `block` and before `fsck`",
    ),
    "systemd": Kind(
        (),
        (
            *folder("systemd", UNITS, but=("first-boot",)),
            Row("systemd/first-boot", f"{OWN}/first-boot", PROGRAM),
            Row("", f"{UNITS}/sysinit.target.wants/{EARLY}", target=f"../{EARLY}"),
        ),
    ),
}  # fmt: skip


def kind_of(root: str, wanted: str) -> str:
    """The kind that is wanted, or for `auto` that of the root. Raises ProvisionError for what there is not."""
    if wanted == AUTO:
        found = list(kinds_of(root))
        if not found:
            raise ProvisionError(
                f"--root {root}: has none of {', '.join(name for name, kind in KINDS.items() if kind.signs)}; install one of "
                "them there, or take --kind systemd to have the running system do it"
            )
        return found[0]
    if wanted not in KINDS:
        meant = nearest(wanted, tuple(KINDS))
        said = f"did you mean {meant}?" if meant else f"use {AUTO}, {', '.join(KINDS)}"
        raise ProvisionError(f"--kind {wanted}: {said}", exit_code=2)
    return wanted


def kinds_of(root: str) -> Iterator[str]:
    """The kinds that a root has what makes them of."""
    for name, kind in KINDS.items():
        if any(has(root, path) for path in kind.signs):
            yield name


def has(root: str, path: str) -> bool:
    """Whether a root has a file; a link that leads somewhere inside of it counts, too."""
    return os.path.lexists(f"{root.rstrip('/')}{path}")
