"""Unit files: text to sections and options with their places, and back; quoting, and the escapes of unit names.

What the options mean is left to others. Standard library only.
"""

from provision.units.names import escape, escape_path, unescape, unescape_path
from provision.units.reading import (
    Comment,
    Fault,
    Option,
    Section,
    UnitFile,
    Variable,
    overlaid,
    parse,
    variables,
)
from provision.units.words import has_open_quote, split_commands, split_words
from provision.units.writing import command_line, environment_line, environment_value, quote, quoted, render

__all__ = [
    "Comment",
    "Fault",
    "Option",
    "Section",
    "UnitFile",
    "Variable",
    "command_line",
    "environment_line",
    "environment_value",
    "escape",
    "escape_path",
    "has_open_quote",
    "overlaid",
    "parse",
    "quote",
    "quoted",
    "render",
    "split_commands",
    "split_words",
    "unescape",
    "unescape_path",
    "variables",
]
