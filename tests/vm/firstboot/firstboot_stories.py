"""What stories have in common: how a first boot is asked for, and what must be true of the system that came of a document."""

import json
import re
from typing import Any

from firstboot_console import Console
from firstboot_disks import FileSystem
from firstboot_documents import ADMIN_KEY, ADMIN_WORD, ROOT_WORD
from firstboot_machine import BOOT_S

ASKED = "provision.firstboot"
RESULT = "/etc/.ignition-result.json"
JOURNAL = "/etc/.provision-journal"
STAMPS = ("provision.firstboot", "ignition.firstboot")
BUGS = re.compile(r"Traceback|Exception ignored|\w+Warning:|Kernel panic")

# What the files of the documents must be like, with the functions of in_guest/checks.sh.
FILES_ARE_THERE = f"""
node /etc/motd file 644 0:0
content /etc/motd 'Provisioned on its first boot.'
node /var/data/share directory 2775 0:1234
node /var/data/share/readme file 640 1234:$(getent group dialout | cut -d: -f3)
content /var/data/share/readme 'in the volume'
content /etc/ssh/sshd_config.d/20-keys.conf 'PasswordAuthentication no
X11Forwarding no'
node /opt/closed directory 700 0:0
equal 'the hard link' "$(stat -c %i /opt/closed/again)" "$(stat -c %i /etc/motd)"
equal 'the link' "$(readlink /etc/localtime)" ../usr/share/zoneinfo/UTC
equal admin "$(getent passwd admin)" admin:x:1234:1234:Administrator:/home/admin:/bin/bash
equal 'the groups of admin' "$(id -nG admin)" 'admin dialout sudo'
keys=$(find /home/admin/.ssh -type f)
node "$keys" file 600 1234:1234
node "$(dirname "$keys")" directory 700 1234:1234
content "$keys" '{ADMIN_KEY}'
equal 'the unit that is enabled' "$(systemctl is-enabled hello.service) $(systemctl is-active hello.service)" 'enabled active'
equal 'the unit that is masked' "$(systemctl is-enabled rescue.service || :)" masked
absent {JOURNAL}
"""
# What a system is like in which nothing went wrong.
IS_SOUND = """
equal 'units that failed' "$(systemctl list-units --failed --plain --no-legend)" ''
"""


def log_in(console: Console, user: str = "root", password: str = ROOT_WORD) -> Console:
    """Wait for the booted system and log in."""
    console.log_in(user, password, BOOT_S)
    return console


def admin_logs_in(console: Console) -> None:
    """A person logs in with the password that the document has a hash of, and out again."""
    log_in(console, "admin", ADMIN_WORD)
    assert console.do("id -un; pwd; echo $LOGNAME").split() == ["admin", "/home/admin", "admin"]
    console.type("exit\n")


def first_boot_is_done(console: Console) -> dict[str, Any]:
    """The result file of a machine that is marked as provisioned."""
    found: dict[str, Any] = json.loads(console.do(f"cat {RESULT}"))
    assert "failure" not in found, found
    assert found["provisioningBootID"] == console.do("cat /proc/sys/kernel/random/boot_id").strip()
    return found


def time_to_pivot_s(console: Console) -> float:
    """From the kernel's start to that of the system's own init, as systemd took the time."""
    said = console.do("systemctl show --property UserspaceTimestampMonotonic")
    return int(said.partition("=")[2]) / 1e6


def nothing_strange(console: Console) -> None:
    """The console has no trace of a bug."""
    found = [line for line in console.text.splitlines() if BUGS.search(line)]
    assert not found, f"{found}\n{console.shown()}"


def is_marked(root: FileSystem) -> bool:
    """Whether the system on a disk counts as provisioned."""
    try:
        return "failure" not in json.loads(root.read(RESULT))
    except FileNotFoundError:
        return False
