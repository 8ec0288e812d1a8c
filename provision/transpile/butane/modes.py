"""File modes that were meant to be octal."""

from collections.abc import Iterator

from provision.ignition import Directory, File
from provision.schema.rules import Finding
from provision.transpile.source_rules import source_rule

# Numbers whose decimal digits read as a usual mode while the number itself is an unusual one.
DIRECTORY_MODES = frozenset(
    (500, 550, 555, *(k * 1000 + mode for k in range(4) for mode in (700, 750, 755, 770, 775, 777)))
)
FILE_MODES = frozenset((
    400, 440, 444, 500, 550, 555, 600, 640, 644, 660, 664, 666, 700, 750, 755, 770, 775, 777,
    *(k * 1000 + mode for k in (2, 4, 6) for mode in (500, 550, 555, 700, 750, 755, 770, 775)),
))  # fmt: skip


@source_rule("PV605", "warning", on=File)
def file_mode_is_octal(file: File) -> Iterator[Finding]:
    """A mode is written in octal, with a leading zero.

    YAML reads `644` as six hundred and forty-four, which is 0o1204: sticky, owner may not read.

    Bad:
        storage:
          files:
            - path: /etc/motd
              mode: 644

    Good:
        storage:
          files:
            - path: /etc/motd
              mode: 0644
    """
    if file.mode in FILE_MODES:
        yield octal(file.mode)


@source_rule("PV605", "warning", on=Directory)
def directory_mode_is_octal(directory: Directory) -> Iterator[Finding]:
    """See `file_mode_is_octal`."""
    if directory.mode in DIRECTORY_MODES:
        yield octal(directory.mode)


def octal(mode: int | None) -> Finding:
    """The finding about a mode in decimal."""
    return Finding("mode", f"mode {mode} is decimal and means 0{mode:o}", f"write 0{mode}")
