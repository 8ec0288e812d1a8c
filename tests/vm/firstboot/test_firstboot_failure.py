"""A config that cannot be carried out: the reason stands last on the console, nothing counts as done, and a better config
finishes the work.
"""

import re

from firstboot_console import Console
from firstboot_disks import boot_of, partitions, root_of
from firstboot_documents import HEAD, USERS, as_bytes, transpiled
from firstboot_fixtures import NewComputer, computer
from firstboot_image import Kind
from firstboot_initramfs import initramfs
from firstboot_machine import BOOT_S, OFF_S, switch_off
from firstboot_stories import IS_SOUND, first_boot_is_done, is_marked, log_in, nothing_strange

__all__ = ["computer"]

# What may stand between the block and the cursor: the words of the shell itself.
SHELLS = re.compile(
    r"BusyBox v.*|Enter 'help' for a list of built-in commands\.|\(initramfs\) ?|"
    r"Press Enter for maintenance|\(or press Control-D to continue\): ?|"
)
PROMPT: dict[Kind, str] = {"initramfs-tools": r"\(initramfs\) ?$", "dracut": r"Control-D to continue\): ?$"}
LINE = "-" * 72

GOOD = f"""
{HEAD}
{USERS}
storage:
  files:
    - path: /etc/issue.d/new
      contents: {{inline: provisioned}}
"""
# The system has such a file, and nothing says that it may be replaced.
OCCUPIED = f"{GOOD}    - path: /etc/fstab\n      contents: {{inline: mine}}\n"
# The root's own partition would have to change.
ROOT_SMALLER = f"""
{GOOD}
  disks:
    - device: /dev/disk/by-id/virtio-system
      partitions: [{{number: 2, label: root, size_mib: 100}}]
"""


def test_the_stamp_stays_until_a_config_is_carried_out(computer: NewComputer) -> None:
    machine = computer("initramfs-tools")
    system = machine.disks["system"]
    boot_of(system).put("/provision.firstboot", "")
    made = initramfs("initramfs-tools")

    with machine.on(made, "ignition.platform.id=qemu", config=as_bytes(transpiled(OCCUPIED))) as console:
        block = failure_block(console, "initramfs-tools")
        assert re.search(r"stage +files|stage files", block), block
        assert "/etc/fstab" in block, block
        assert re.search("what to do", block), block
        nothing_strange(console)
        leave(console)
    assert boot_of(system).exists("/provision.firstboot")
    assert not is_marked(root_of(system))
    assert not root_of(system).exists("/etc/issue.d/new"), "a stage refuses before it touches anything"

    with machine.on(made, "ignition.platform.id=qemu", config=as_bytes(transpiled(GOOD))) as console:
        log_in(console)
        console.check(IS_SOUND + "content /etc/issue.d/new provisioned")
        first_boot_is_done(console)
        nothing_strange(console)
        switch_off(console)
    assert not boot_of(system).exists("/provision.firstboot")
    assert is_marked(root_of(system))


def test_dracut_shows_the_failure_last_and_nothing_counts_as_done(computer: NewComputer) -> None:
    machine = computer("dracut")
    system = machine.disks["system"]
    root_of(system).put("/boot/ignition.firstboot", "")
    with machine.on(initramfs("dracut"), config=as_bytes(transpiled(ROOT_SMALLER))) as console:
        block = failure_block(console, "dracut")
        assert re.search(r"stage disks", block), block
        assert "virtio-system" in block, block
        nothing_strange(console)
        console.type("\n")
        console.expect(r"[#$] $", OFF_S)
        leave(console)
    assert root_of(system).exists("/boot/ignition.firstboot")
    assert not is_marked(root_of(system))
    assert [each.label for each in partitions(system).values()] == ["boot", "root"]


def failure_block(console: Console, kind: Kind) -> str:
    """The block that stands last before the prompt."""
    console.expect(PROMPT[kind], BOOT_S)
    _, opening, rest = console.text.rpartition(f"{LINE}\nprovision:")
    assert opening, f"there is no block\n{console.shown()}"
    block, closing, after = rest.partition(f"\n{LINE}\n")
    assert closing, rest
    others = [line for line in after.splitlines() if not SHELLS.fullmatch(line.strip())]
    assert not others, f"behind the block stands {others}\n{console.shown()}"
    return block


def leave(console: Console) -> None:
    """Switch off from an emergency shell, with all that is on the disks."""
    console.type("sync; poweroff -f || echo o > /proc/sysrq-trigger\n")
    console.until_off(OFF_S)
