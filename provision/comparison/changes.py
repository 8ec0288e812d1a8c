"""What differs between two configs, as plain values that hold no secret: what every way to show it starts from."""

from typing import Literal, NamedTuple

Verb = Literal["added", "removed", "changed"]
# What stands in the place of a value that is not shown.
HIDDEN = "…"
# The kinds of what can differ, by the section that they stand in; sections and kinds in the order of reports.
SECTIONS: dict[str, tuple[str, ...]] = {
    "configuration": ("setting",),
    "kernel arguments": ("kernel argument",),
    "disks": ("disk", "partition", "array", "encrypted volume", "file system"),
    "accounts": ("group", "user"),
    "files": ("directory", "file", "link"),
    "units": ("unit", "drop-in"),
}
SECTION_OF = {kind: section for section, kinds in SECTIONS.items() for kind in kinds}


class Field(NamedTuple):
    """One value of a subject that differs; None where it is not set. `HIDDEN` stands for a secret."""

    name: str
    old: str | None
    new: str | None
    is_element: bool = False
    """Whether it is one of a list, which differs in whether it is there."""


class Text(NamedTuple):
    """A text that differs: the lines of a unified diff without its head, each without its line feed."""

    name: str
    lines: tuple[str, ...]


class Change(NamedTuple):
    """One subject that differs: a file, a unit, a user. `kind` is one of `SECTIONS`."""

    kind: str
    name: str
    verb: Verb
    fields: tuple[Field, ...] = ()
    texts: tuple[Text, ...] = ()


class Group(NamedTuple):
    """Configs, by name, that differ in the very same way."""

    names: tuple[str, ...]
    changes: tuple[Change, ...]


class Comparison(NamedTuple):
    """All that differs between two files, or between the configs of two folders."""

    old: str
    new: str
    groups: tuple[Group, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    same: int = 0
    """How many configs are in both, and do the same."""
    failed: tuple[str, ...] = ()
    """Configs that could not be compared."""
    is_folder: bool = False

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.groups or self.added or self.removed)


def tally(comparison: Comparison) -> str:
    """How much differs, in words; of folders in configs, of files in subjects."""
    if comparison.is_folder:
        number = {
            "changed": sum(len(group.names) for group in comparison.groups),
            "added": len(comparison.added), "removed": len(comparison.removed),
            "not compared": len(comparison.failed), "the same": comparison.same,
        }  # fmt: skip
    else:
        verbs = [change.verb for group in comparison.groups for change in group.changes]
        number = {verb: verbs.count(verb) for verb in ("changed", "added", "removed")}
    return ", ".join(f"{count} {word}" for word, count in number.items() if count) or "nothing differs"
