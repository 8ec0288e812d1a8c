"""Rules of characters in units that look like others."""

import re
import unicodedata
from collections.abc import Iterator

from provision.document.typography import ANY, MEANT, SPACES
from provision.ignition import Dropin, Unit
from provision.schema.machine.texts import text_of
from provision.schema.rules import Finding, rule

# Comments, and options that are words of people, where such characters are at home.
FREE_TEXT = re.compile(r"\s*(?:[#;]|(?:Description|Documentation)[ \t]*=)")
QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
BLANK = re.compile(f"[{SPACES}]")


@rule("PV566", "warning", on=Unit)
def characters_are_plain(unit: Unit) -> Iterator[Finding]:
    """Blanks, quotes, dashes and other marks of a unit are the plain ones of ASCII.

    To systemd a no-break space is a letter and a curly quote no quote; text that was copied from a web page or a word
    processor is full of them. Comments and descriptions may have them. Source: systemd.syntax(7).

    Bad:
      # app.service
      [Service]
      ExecStart=/bin/sh -c “echo hello”

    Good:
      # app.service
      [Unit]
      Description=The “hello” service
      [Service]
      ExecStart=/bin/sh -c "echo hello"
    """
    records: tuple[Unit | Dropin, ...] = (unit, *unit.dropins)
    for record in records:
        text = text_of(record)
        if text.isascii():
            continue
        for number, line in enumerate(text.split("\n"), start=1):
            found = suspicious(line)
            if found:
                odd, meant = found[0], MEANT[found[0]]
                name = unicodedata.name(odd, "unnamed").lower()
                said = f"column {found.start() + 1}: U+{ord(odd):04X} ({name}) stands where `{meant}` is meant"
                yield Finding("contents", said, "type it anew; copied text often has more", on=record, line=number)


def suspicious(line: str) -> re.Match[str] | None:
    """The first such character of a line. Within plain quotes only blanks are: the others may well be meant."""
    if line.isascii() or FREE_TEXT.match(line):
        return None
    outside = QUOTED.sub(lambda part: "".join(c if BLANK.match(c) else "x" for c in part[0]), line)
    return ANY.search(outside)
