"""Units of systemd-networkd: files of the same text, since Ignition's units are those of the manager."""

from provision.schema.cloud_config import DropIn, Unit
from provision.transpile.author import Author
from provision.transpile.cloud_config.draft import Draft

DIRECTORY = "/etc/systemd/network"
SUFFIXES = (".network", ".netdev", ".link")


def is_network(name: str) -> bool:
    """Whether systemd-networkd reads a unit."""
    return name.endswith(SUFFIXES)


def write(unit: Unit, name: str, dropins: list[tuple[str, DropIn]], draft: Draft, author: Author) -> None:
    """Write the file and its drop-ins by their names, or the link that masks it. networkd starts later, and reads them then."""
    path = f"{DIRECTORY}/{name}"
    if unit.mask:
        draft.files.pop(path, None)
        draft.link(path, "/dev/null", author.place(unit, "mask"))
    elif unit.content:
        draft.links.pop(path, None)
        draft.write(
            path, unit.content, unit.origin, contents=author.place(unit, "content"), path=author.place(unit, "name")
        )
    for dropin_name, dropin in dropins:
        text = dropin.content or ""
        draft.write(f"{path}.d/{dropin_name}", text, dropin.origin, contents=author.place(dropin, "content"))
    for field in ("enable", "command"):
        if getattr(unit, field):
            said = f"`{field}` does nothing for {name}: systemd-networkd reads the file when it starts"
            author.complain("PV718", "info", unit, field, said, f"take `{field}` away")
            author.fate(unit, field, "exact", "systemd-networkd reads all its files")
