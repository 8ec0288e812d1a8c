"""What this boot is, for the other programs of the initramfs: a file of variables that exists in a first boot only.

Shells source it, systemd reads it with `EnvironmentFile=`; hence one assignment a line, in single quotes.
"""

import os

from provision.apply.state import remove_file, write_whole
from provision.typed import NamedTuple

FOLDER = "/run/provision"
FILE = f"{FOLDER}/first-boot"
FOLDER_MODE, FILE_MODE = 0o700, 0o600


class FirstBoot(NamedTuple):
    """The platform, the stamps that asked for this (see `stamp.Stamp`), and why it is a first boot."""

    platform: str
    stamps: tuple[str, ...]
    reason: str


def write(boot: FirstBoot) -> None:
    """Say that this is a first boot."""
    make_folder()
    rows = {"PLATFORM_ID": boot.platform, "STAMP": " ".join(boot.stamps), "REASON": boot.reason}
    text = "".join(f"{name}={quoted(value)}\n" for name, value in rows.items())
    write_whole(FILE, text.encode(errors="surrogateescape"), FILE_MODE)


def make_folder() -> None:
    """Have the folder for what lasts as long as this boot."""
    os.makedirs(FOLDER, mode=FOLDER_MODE, exist_ok=True)


def remove() -> None:
    """Say that this is no first boot."""
    remove_file(FILE)


def read() -> FirstBoot | None:
    """What was said of this boot; None where it is no first boot."""
    try:
        with open(FILE, encoding="utf-8", errors="surrogateescape") as file:
            rows = dict(line.rstrip("\n").partition("=")[::2] for line in file)
    except FileNotFoundError:
        return None
    values = {name: value[1:-1] for name, value in rows.items()}
    return FirstBoot(values.get("PLATFORM_ID", ""), tuple(values.get("STAMP", "").split()), values.get("REASON", ""))


def quoted(text: str) -> str:
    """A value for both readers, which agree on single quotes, but not on how one stands inside of them."""
    return "'" + "".join(char for char in text if char.isprintable() and char != "'") + "'"
