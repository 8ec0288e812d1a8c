"""What `provision initramfs` does, from its options to a report."""

import os

from provision.agent.building import build
from provision.initramfs import placing
from provision.initramfs.kinds import AUTO, KINDS, kind_of
from provision.initramfs.programs import missing_from
from provision.initramfs.reports import Report, steps_after, where
from provision.initramfs.root_python import interpreter_for


def install(root: str, kind: str, python: str | None) -> Report:
    """Write the files of a kind into a root. Raises ProvisionError."""
    with placing.opened(root):
        chosen = kind_of(root, kind)
    interpreter = interpreter_for(root, python)
    placed = placing.install(root, chosen, build(interpreter.program).content)
    changed = any(each.state == "written" for each in placed)
    return Report(
        root, (chosen,), placed, tuple(missing_from(root)) if chosen != "systemd" or is_filled(root) else (),
        tuple(filter(None, (interpreter.note,))), steps_after(chosen, root, changed=changed),
    )  # fmt: skip


def is_filled(root: str) -> bool:
    """Whether a root has programs at all, and is no folder to gather files in."""
    return os.path.exists(f"{root.rstrip('/')}/usr/sbin")


def uninstall(root: str, kind: str | None) -> Report:
    """Take away what was written for a kind, or for all. Raises ProvisionError."""
    chosen = None if kind in (None, AUTO) else kind_of(root, kind or AUTO)
    gone, placed = placing.uninstall(root, chosen)
    makes = [KINDS[name].make for name in gone if name in KINDS and KINDS[name].make]
    return Report(
        root, tuple(gone), placed,
        notes=[f"{each.path} was changed since, and is left" for each in placed if each.state == "kept"],
        steps=[f"{where(root)}run `{make}`, which makes the initramfs anew" for make in makes],
    )  # fmt: skip
