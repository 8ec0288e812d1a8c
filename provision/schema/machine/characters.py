"""Rules of characters in units: those that look like others, percent signs, and quotes."""

import re
import unicodedata
from collections.abc import Iterator

from provision.ignition import Dropin, Unit
from provision.schema.machine.directives import options_of, sections_for
from provision.schema.machine.texts import text_of, whole
from provision.schema.rules import Finding, rule
from provision.units import has_open_quote

# Comments, and options that are words of people, where such characters are at home.
FREE_TEXT = re.compile(r"\s*(?:[#;]|(?:Description|Documentation)[ \t]*=)")
QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
# Letters and digits that are no specifier, neither today nor in old releases. Source: systemd.unit(5), "Specifiers".
NO_SPECIFIER = re.compile(r"(?<!%)(?:%%)*(%[0-9ekxzFKOQXZ])")
RESOLVED = frozenset(("exec", "environment", "environment-file", "path", "directory"))
INSTANCE = re.compile(r"(?<!%)(?:%%)*(%[iI])")
DATE_FORMAT = re.compile(r"\+['\"]?%(?!%)[A-Za-z]")


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
        from provision.document.typography import MEANT  # texts in plain ASCII do not pay for it

        for number, line in enumerate(text.split("\n"), start=1):
            found = suspicious(line)
            if found:
                odd, meant = found[0], MEANT[found[0]]
                name = unicodedata.name(odd, "unnamed").lower()
                said = f"column {found.start() + 1}: U+{ord(odd):04X} ({name}) stands where `{meant}` is meant"
                yield Finding("contents", said, "type it anew; copied text often has more", on=record, line=number)


def suspicious(line: str) -> re.Match[str] | None:
    """The first such character of a line. Within plain quotes only blanks are: the others may well be meant."""
    from provision.document.typography import ANY, SPACES

    if line.isascii() or FREE_TEXT.match(line):
        return None
    outside = QUOTED.sub(lambda part: re.sub(f"[^{SPACES}]", "x", part[0]), line)
    return ANY.search(outside)


@rule("PV567", "warning", on=Unit)
def specifiers_say_something(unit: Unit) -> Iterator[Finding]:
    """A percent sign in a unit begins a specifier that says something there; a percent sign itself is doubled.

    %i and %I are the instance's name, empty in a unit that is no template. The letters of `date` are specifiers, too: %d
    is a directory and %m the machine's id. The %20 of a URL is none, and the service does not start.
    Source: systemd.unit(5), "Specifiers".

    Bad:
      # backup.service
      [Service]
      ExecStart=/bin/sh -c "tar cf /srv/$(date +%F).tar /etc"

    Good:
      # backup.service
      [Service]
      ExecStart=/bin/sh -c "tar cf /srv/$(date +%%F).tar /etc"
    """
    text, read_sections = whole(unit), sections_for(unit.name)
    for option in text.unit.options():
        if "%" not in option.value or not text.is_written(option):
            continue
        if "@" not in unit.name and INSTANCE.search(option.value) and option.section in read_sections:
            said = f"%i is the name of an instance, and {unit.name} is no template: it is empty"
            yield text.finding(option, said, "call the unit NAME@.service, or write the name out")
        elif option.name.startswith("Exec") and DATE_FORMAT.search(option.value):
            said = f"systemd takes the percent signs of a date's format in {option.name} for specifiers"
            yield text.finding(option, said, "double them: %%Y-%%m-%%d")
        elif options_of(option.section).get(option.name) in RESOLVED and (odd := NO_SPECIFIER.search(option.value)):
            said = f"{odd[1]} is no specifier, and systemd refuses the line"
            yield text.finding(option, said, f"write %{odd[1]} for a percent sign")


@rule("PV568", "warning", on=Unit)
def quotes_are_closed(unit: Unit) -> Iterator[Finding]:
    """A quote in a command or an assignment of variables is closed.

    systemd refuses the whole line otherwise. Source: systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting".

    Bad:
      # app.service
      [Service]
      ExecStart=/bin/sh -c "echo hello

    Good:
      # app.service
      [Service]
      ExecStart=/bin/sh -c "echo it's hello"
    """
    text = whole(unit)
    for option in text.unit.options():
        kind = options_of(option.section).get(option.name)
        if kind in ("exec", "environment") and has_open_quote(option.value):
            yield text.finding(
                option, f"a quote in {option.name} is never closed", "close it, or put a backslash before it"
            )
