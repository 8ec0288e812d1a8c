"""Unit files read: text to sections, options and comments with their places.

The reader does what systemd does with a unit's text; whether Ignition takes the text is `schema.rules.units`'s to say.
Lines and columns count from 1. Source: systemd.syntax(7), systemd.unit(5).
"""

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

from provision.units.words import split_words

BLANKS = " \t\r\n"


class Option(NamedTuple):
    """One assignment: where its name stands, and its value with continued lines joined.

    `source` is 0 in a unit, and in `overlaid` units the number of the drop-in that it stands in.
    """

    section: str
    name: str
    value: str
    line: int
    column: int
    source: int = 0


class Section(NamedTuple):
    """One section header with the options under it. A file may have several of one name."""

    name: str
    line: int
    column: int
    options: tuple[Option, ...]


class Comment(NamedTuple):
    """One line that starts with `#` or `;`, without its blanks."""

    line: int
    column: int
    text: str


class Fault(NamedTuple):
    """A line that systemd passes over or refuses."""

    line: int
    column: int
    message: str


class UnitFile:
    """A unit or drop-in as it was read.

    >>> unit = parse("[Service]\\nExecStart=/a\\nExecStart=\\nExecStart=/b \\\\\\n  --c\\n")
    >>> unit.values("Service", "ExecStart")
    ('/b    --c',)
    """

    def __init__(
        self,
        sections: tuple[Section, ...] = (),
        comments: tuple[Comment, ...] = (),
        faults: tuple[Fault, ...] = (),
    ) -> None:
        self.sections = sections
        self.comments = comments
        self.faults = faults

    def has(self, name: str) -> bool:
        """Whether there is a section of the name."""
        return any(section.name == name for section in self.sections)

    def options(self, section: str | None = None) -> Iterator[Option]:
        """Every option in source order, of all sections or of those that have one name."""
        for part in self.sections:
            if section is None or part.name == section:
                yield from part.options

    @cached_property
    def by_name(self) -> dict[tuple[str, str], list[Option]]:
        """The options by section and name."""
        found: dict[tuple[str, str], list[Option]] = {}
        for option in self.options():
            found.setdefault((option.section, option.name), []).append(option)
        return found

    def assigned(self, section: str, name: str) -> tuple[Option, ...]:
        """Every assignment of an option, those that a later empty one took back as well."""
        return tuple(self.by_name.get((section, name), ()))

    def effective(self, section: str, name: str) -> tuple[Option, ...]:
        """The assignments of a list that hold: an empty one takes back those before it."""
        held = self.by_name.get((section, name))
        if not held:
            return ()
        reset = next((at for at in range(len(held), 0, -1) if not held[at - 1].value), 0)
        return tuple(held[reset:])

    def values(self, section: str, name: str) -> tuple[str, ...]:
        """The values of a list that hold."""
        return tuple(option.value for option in self.effective(section, name))

    def last(self, section: str, name: str) -> Option | None:
        """The assignment that counts where an option has a single value; None if there is none or it is empty."""
        held = self.by_name.get((section, name))
        return held[-1] if held and held[-1].value else None

    def value(self, section: str, name: str) -> str | None:
        """The value that counts where an option has a single one."""
        option = self.last(section, name)
        return option.value if option else None

    def words(self, section: str, name: str) -> tuple[str, ...]:
        """The words of all values that hold, as `After=` and `WantedBy=` have them."""
        return tuple(word for value in self.values(section, name) for word in split_words(value))


class Variable(NamedTuple):
    """One variable that `Environment=` sets, and the option that sets it."""

    name: str
    value: str
    option: Option


@lru_cache(maxsize=4096)  # rules of units look at one after another, others at all units of a config
def parse(text: str) -> UnitFile:
    """Read a unit's or drop-in's text; what systemd would not take is in `faults`.

    >>> parse("[Unit]\\nAfter=a.service\\nb.service\\n").faults
    (Fault(line=3, column=1, message='the line has no equals sign; systemd ignores it'),)
    """
    reader = Reader()
    for line, column, joined in logical_lines(text, reader.comments):
        reader.take(line, column, joined)
    return reader.read()


class Reader:
    """Collects sections, comments and faults line by line."""

    def __init__(self) -> None:
        self.sections: list[tuple[str, int, int, list[Option]]] = []
        self.comments: list[Comment] = []
        self.faults: list[Fault] = []

    def take(self, line: int, column: int, text: str) -> None:
        """Take one logical line that is neither blank nor a comment."""
        if text.startswith("["):
            self.take_header(line, column, text)
            return
        name, equals, value = text.partition("=")
        fault = (
            "the line has no equals sign; systemd ignores it"
            if not equals
            else "the option has no name; systemd ignores it"
            if not name.strip(BLANKS)
            else "the line stands before the first section; systemd ignores it"
            if not self.sections
            else None
        )
        if fault:
            self.faults.append(Fault(line, column, fault))
            return
        section, _, _, options = self.sections[-1]
        options.append(Option(section, name.strip(BLANKS), value.strip(BLANKS), line, column))

    def take_header(self, line: int, column: int, text: str) -> None:
        """Take the line of a section's name; a name that can't be read ends the section before it all the same."""
        if not text.endswith("]"):
            what = "there is text after the section's bracket" if "]" in text else "the section's bracket is not closed"
            self.faults.append(Fault(line, column, f"{what}; systemd does not know the section"))
        name = text[1:].partition("]")[0]
        self.sections.append((name, line, column, []))

    def read(self) -> UnitFile:
        """All that was taken."""
        sections = tuple(Section(name, line, column, tuple(own)) for name, line, column, own in self.sections)
        return UnitFile(sections, tuple(self.comments), tuple(self.faults))


def logical_lines(text: str, comments: list[Comment]) -> Iterator[tuple[int, int, str]]:
    """The lines that say something, without outer blanks, each with its place; continued ones joined by a blank.

    Comments, which may also stand between continued lines, go to `comments`.
    """
    parts: list[str] = []
    start, column = 0, 0
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        stripped = raw.strip(BLANKS)
        if not stripped and not parts:
            continue
        indent = raw.index(stripped) + 1
        if stripped[:1] in ("#", ";"):
            comments.append(Comment(number, indent, stripped))
            continue
        if not parts:
            start, column = number, indent
        whole = raw.removesuffix("\r")
        if is_continued(whole):
            parts.append(whole[:-1] + " ")
            continue
        joined = "".join((*parts, whole)).strip(BLANKS) if parts else stripped
        parts.clear()
        if joined:
            yield start, column, joined
    rest = "".join(parts).strip(BLANKS)
    if rest:
        yield start, column, rest


def is_continued(line: str) -> bool:
    """Whether a line ends in a backslash that no other one escapes."""
    return line.endswith("\\") and (len(line) - len(line.rstrip("\\"))) % 2 == 1


@lru_cache(maxsize=256)
def overlaid(texts: tuple[str, ...]) -> UnitFile:
    """A unit with its drop-ins, read from their texts in the order of their names: their options follow the unit's own.

    Each option's `source` tells where it stands. Comments and faults are the unit's alone.
    """
    unit, *dropins = map(parse, texts)
    sections = [*unit.sections]
    for number, dropin in enumerate(dropins, start=1):
        sections += (
            part._replace(options=tuple(option._replace(source=number) for option in part.options))
            for part in dropin.sections
        )
    return UnitFile(tuple(sections), unit.comments, unit.faults) if dropins else unit


def variables(unit: UnitFile, section: str = "Service") -> tuple[Variable, ...]:
    """What the `Environment=` lines that hold set, in order; a later one of the same name wins in systemd.

    >>> [(v.name, v.value) for v in variables(parse('[Service]\\nEnvironment="A=1 2" B=100%%\\n'))]
    [('A', '1 2'), ('B', '100%')]
    """
    return tuple(
        Variable(name, value.replace("%%", "%"), option)
        for option in unit.effective(section, "Environment")
        for word in split_words(option.value)
        for name, equals, value in [word.partition("=")]
        if equals
    )
