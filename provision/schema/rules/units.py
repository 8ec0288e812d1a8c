"""Unit files, as far as Ignition reads them: sections, options, comments and continued lines.

The reader has the habits of the go-systemd package that Ignition uses, for a unit must meet the same verdict here as
there. What the options mean is systemd's business. Source: systemd.syntax(7); the limit of a line is LINE_MAX (POSIX).
"""

from collections.abc import Callable
from functools import lru_cache

from provision.typed import NamedTuple

LINE_MAX = 2048
# go-systemd reads through a buffer of this size and sees over-long lines only in what it holds at the time.
BUFFER = 4096

# What Go takes for a space. Source: Go, `unicode.IsSpace`.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
SPACE_BYTES = frozenset([space.encode() for space in SPACES])


def is_blank(line: bytes) -> bool:
    """Whether there is nothing but spaces."""
    return not line.decode(errors="replace").strip(SPACES)


class UnitText(NamedTuple):
    """What is known of a unit's text: why it can't be read, whether its [Install] section has an option, and the fault's line."""

    fault: str | None
    installs: bool
    line: int | None = None


@lru_cache(maxsize=32)  # several rules look at the same unit, one after another
def read(contents: str) -> UnitText:
    """Read a unit's or drop-in's text."""
    lexer = Lexer(contents.encode("utf-8", "replace"))
    step: Step = lexer.outside
    try:
        while step is not None:
            lexer.check_line()
            step = step()
    except ValueError as reason:
        line = lexer.data.count(b"\n", 0, lexer.at) + 1
        return UnitText(f"line {line}: {reason}", False, line)
    return UnitText(None, lexer.installs)


Step = Callable[[], "Step"] | None


class Lexer:
    """A walk over the bytes of a unit: each step takes one piece and answers with the next step, None at the end.

    `at` is where the walk stands, `held` where the buffer of the reader that it follows ends.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.held = 0
        self.section = b""
        self.installs = False

    def check_line(self) -> None:
        """Refuse a stretch that systemd would cut off: no line break within LINE_MAX bytes of what is held."""
        end = self.at + LINE_MAX
        if self.held >= end and self.data.find(b"\n", self.at, end) < 0 and self.data.find(b"\r", self.at, end) < 0:
            raise ValueError(f"the line is longer than {LINE_MAX} bytes, after which systemd cuts it off")

    def outside(self) -> Step:
        """Text before the first section: everything is passed over."""
        if not self.fill_rune():
            return None
        char = self.data[self.at]
        self.at += self.rune_length()
        if char == ord("["):
            return self.header
        if char in b"#;":
            return self.comment(self.outside)
        return self.outside

    def inside(self) -> Step:
        """What may stand in a section: blanks, comments, options, the next section."""
        if not self.fill_rune():
            return None
        char = self.data[self.at]
        if char == ord("["):
            self.at += 1
            return self.header
        if char in b"#;":
            self.at += 1
            return self.comment(self.inside)
        end = self.at + self.rune_length()
        if self.data[self.at : end] in SPACE_BYTES:
            self.at = end
            return self.inside
        return self.option

    def header(self) -> Step:
        """A section's name, up to its bracket."""
        start, end = self.at, self.data.find(b"]", self.at)
        if end < 0:
            raise ValueError("a section's name has no closing bracket")
        self.take(end + 1)
        self.section = self.data[start:end]
        return self.after_header

    def after_header(self) -> Step:
        """The rest of a section's line, which must be blank."""
        start = self.at
        rest = self.line()
        if not is_blank(rest):
            self.at = start
            raise ValueError("there is text after a section's closing bracket")
        return self.inside

    def comment(self, after: Callable[[], Step]) -> Step:
        """The step over a comment, which a backslash at the line's end continues."""

        def step() -> Step:
            while self.line().removesuffix(b" ").endswith(b"\\"):
                pass
            return after

        return step

    def option(self) -> Step:
        """An option's name, up to the equals sign."""
        end = self.data.find(b"\n", self.at)
        equals = self.data.find(b"=", self.at, len(self.data) if end < 0 else end)
        if equals < 0 or self.data.find(b"\r", self.at, equals) >= 0:
            raise ValueError("an option has no equals sign")
        while equals >= self.held:
            self.refill(self.rune_start(self.held))
        self.at = equals + 1
        return self.value

    def value(self) -> Step:
        """One line of an option's value; a backslash at its end continues it."""
        line = self.line()
        if line.endswith(b"\\") and not is_blank(line):
            return self.value
        self.installs = self.installs or self.section == b"Install"
        return self.inside

    def line(self) -> bytes:
        """Take the rest of the line; it is returned without its line break."""
        start, end = self.at, self.data.find(b"\n", self.at)
        self.take(len(self.data) if end < 0 else end + 1)
        return self.data[start : self.at].removesuffix(b"\r").removesuffix(b"\n")

    def take(self, stop: int) -> None:
        """Move to `stop`, filling the buffer from where the piece starts, in whole buffers."""
        if stop > self.held:
            self.refill(self.at + (stop - self.at - 1) // BUFFER * BUFFER)
        self.at = stop

    def refill(self, start: int) -> None:
        """Let the buffer hold what stands from `start` on."""
        self.held = min(len(self.data), start + BUFFER)

    def fill_rune(self) -> bool:
        """See that a whole character is held; False at the end of the text."""
        if self.at >= len(self.data):
            return False
        if self.at + self.rune_length() > self.held:
            self.refill(self.at)
        return True

    def rune_length(self) -> int:
        """How many bytes the character here takes."""
        lead = self.data[self.at]
        return 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4

    def rune_start(self, place: int) -> int:
        """Where the character that a place lies in starts."""
        while place < len(self.data) and self.data[place] & 0xC0 == 0x80:
            place -= 1
        return place
