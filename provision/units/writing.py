"""Unit files written: sections to text, with quoting such that systemd reads what was meant.

Source: systemd.syntax(7), systemd.exec(5), "Quoting" in systemd.service(5).
"""

import re
from collections.abc import Iterable

from provision.units.reading import BLANKS, is_continued

Sections = Iterable[tuple[str, Iterable[tuple[str, str]]]]


def render(sections: Sections) -> str:
    """Write sections with their options, a blank line between two sections.

    A value stays one line: its line breaks become blanks, and a backslash that would continue it is doubled.

    >>> render([("Service", [("ExecStart", "/bin/true")]), ("Install", [("WantedBy", "multi-user.target")])])
    '[Service]\\nExecStart=/bin/true\\n\\n[Install]\\nWantedBy=multi-user.target\\n'
    """
    return "\n".join(
        "".join((f"[{section}]\n", *(f"{name}={one_line(value)}\n" for name, value in options)))
        for section, options in sections
    )


def one_line(value: str) -> str:
    """A value as it can stand after the equals sign."""
    line = re.sub(r"[\r\n]+", " ", value).strip(BLANKS)
    return line + "\\" if is_continued(line) else line


def environment_line(name: str, value: str) -> str:
    """The line that sets one variable to exactly this value.

    >>> print(environment_line("MOTTO", 'say "100%"'))
    Environment="MOTTO=say \\"100%%\\""
    """
    return f"Environment={environment_value(name, value)}"


def environment_value(name: str, value: str) -> str:
    """What follows `Environment=` in `environment_line`, for use with `render`."""
    return quoted(f"{name}={value}")


def quote(word: str) -> str:
    """A word as settings with specifiers take it: in quotes only where it needs them, `%` doubled.

    >>> print(quote("plain"), quote("two words"))
    plain "two words"
    """
    return quoted(word) if word in ("", ";") or re.search(r"[^!#-&(-\[\]-~]", word) else word.replace("%", "%%")


def command_line(words: Iterable[str]) -> str:
    """A program with its arguments for `ExecStart=`: quoted, and neither a specifier nor a variable to systemd.

    >>> print(command_line(["/bin/echo", "a b", "$5"]))
    /bin/echo "a b" $$5
    """
    return " ".join(quote(word).replace("$", "$$") for word in words)


def quoted(text: str) -> str:
    """A text between double quotes; what can't stand in a line is written as an escape, `%` doubled."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", escaped) + '"'
