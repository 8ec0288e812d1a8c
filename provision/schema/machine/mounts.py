"""Rules of mounts, automounts and swaps."""

import re
from collections.abc import Iterator

from provision.ignition import Unit
from provision.schema.machine.texts import Whole, kind_of, text_of, whole
from provision.schema.rules import Finding, rule
from provision.units import Option, escape_path

# The option that a unit's name is made of, by its type.
NAMED_AFTER = {"mount": ("Mount", "Where"), "automount": ("Automount", "Where"), "swap": ("Swap", "What")}
# Devices that are named by what udev finds on them. Source: fstab(5), systemd.swap(5).
TAG = re.compile(r"(UUID|PARTUUID|LABEL|PARTLABEL)=")
TAG_FOLDERS = {"UUID": "uuid", "PARTUUID": "partuuid", "LABEL": "label", "PARTLABEL": "partlabel"}
REMOTE = re.compile(r"nfs4?|cifs|smb3|smbfs|ceph|glusterfs|9p|afs|ncpfs|sshfs|fuse\.sshfs|fuse\.glusterfs|lustre|davfs")


def place_of(unit: Whole, kind: str) -> Option | None:
    """The option that says what is mounted, or used as swap, and that the unit is named after."""
    return unit.unit.last(*NAMED_AFTER[kind])


def path_of(value: str) -> str | None:
    """The path that a value names; None where a specifier stands in it."""
    text = value.strip("\"'")
    tag = TAG.match(text)
    if tag:
        return f"/dev/disk/by-{TAG_FOLDERS[tag[1]]}/{text[tag.end() :]}"
    return None if "%" in text.replace("%%", "") else text.replace("%%", "%")


@rule("PV553", "error", on=Unit)
def name_is_the_escaped_path(unit: Unit) -> Iterator[Finding]:
    """A mount, automount or swap unit is called after its path, as systemd-escape --path writes it.

    systemd refuses to load it under another name. Slashes become dashes, other marks `\\x` and two hex digits.
    Source: systemd.mount(5), systemd.automount(5), systemd.swap(5).

    Bad:
      systemd:
        units:
          - name: data.mount
            contents: |
              [Mount]
              What=/dev/vdb
              Where=/var/my-data

    Good:
      systemd:
        units:
          - name: var-my\\x2ddata.mount
            contents: |
              [Mount]
              What=/dev/vdb
              Where=/var/my-data
    """
    kind = kind_of(unit.name)
    if kind not in NAMED_AFTER or not text_of(unit):
        return
    text = whole(unit)
    option = place_of(text, kind)
    path = path_of(option.value) if option else None
    if option is None or path is None or not path.startswith("/") or "@" in unit.name:
        return
    right = f"{escape_path(path)}.{kind}"
    if unit.name != right:
        said = f"the unit for {path} must be called {right}; systemd refuses {unit.name}"
        yield text.finding(option, said, f"name it '{right}'" if "\\" in right else None)


@rule("PV570", "warning", on=Unit)
def mount_names_its_source(unit: Unit) -> Iterator[Finding]:
    """A mount unit says what is mounted.

    systemd refuses it otherwise. Where it is mounted its name says as well. Source: systemd.mount(5), `What=`.

    Bad:
      systemd:
        units:
          - name: var-data.mount
            contents: |
              [Mount]
              Where=/var/data

    Good:
      systemd:
        units:
          - name: var-data.mount
            contents: |
              [Mount]
              What=/dev/vdb
              Where=/var/data
    """
    if kind_of(unit.name) != "mount" or not text_of(unit).strip():
        return
    text = whole(unit).unit
    if not text.faults and text.value("Mount", "What") is None:
        yield Finding("contents", f"{unit.name} has no What= in [Mount]; systemd refuses it")


@rule("PV571", "warning", on=Unit)
def network_mount_waits_for_the_network(unit: Unit) -> Iterator[Finding]:
    """A mount of a network file system belongs to remote-fs.target, not to local-fs.target.

    What local-fs.target wants comes before the network, and the boot waits in vain. Source: systemd.special(7).

    Bad:
      systemd:
        units:
          - name: var-www.mount
            enabled: true
            contents: |
              [Mount]
              What=10.0.0.5:/export/www
              Where=/var/www
              Type=nfs
              [Install]
              WantedBy=local-fs.target

    Good:
      systemd:
        units:
          - name: var-www.mount
            enabled: true
            contents: |
              [Mount]
              What=10.0.0.5:/export/www
              Where=/var/www
              Type=nfs
              [Install]
              WantedBy=remote-fs.target
    """
    if kind_of(unit.name) != "mount" or not text_of(unit):
        return
    text = whole(unit)
    kind = text.unit.value("Mount", "Type") or ""
    if not REMOTE.fullmatch(kind):
        return
    for name in ("WantedBy", "RequiredBy"):
        for option in text.unit.effective("Install", name):
            if "local-fs.target" in option.value.split():
                said = f"{kind} needs the network, and local-fs.target comes before it"
                yield text.finding(option, said, f"{name}=remote-fs.target")
