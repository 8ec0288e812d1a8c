"""Where the options of a service stand: `Environment=` lines, files of variables, the flags of its program.

Source: systemd.exec(5), "EnvironmentFile="; etcd's and flannel's manuals.
"""

import re
from collections.abc import Mapping

from provision.ignition import Dropin, File, Unit
from provision.schema.etcd_options import BY_VARIABLE
from provision.schema.machine.services import Setting
from provision.schema.machine.texts import text_of
from provision.units import Option, UnitFile, split_words, variables

# Files that hold addresses of the machine and nothing else.
METADATA = ("/run/metadata/", "/etc/environment", "/run/flannel/", "/etc/network-environment")
ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][\w-]*)[ \t]*=[ \t]*(.*)")
FLAG = re.compile(r"(?<![\w-])--?([A-Za-z][\w-]*)")
TOML_SECTION = re.compile(r"\s*\[(\w+)\]\s*")

Part = Unit | Dropin
Texts = Mapping[str, tuple[File, str]]


def environment_of(parts: tuple[Part, ...], text: UnitFile, texts: Texts) -> tuple[dict[str, Setting], bool]:
    """The variables that a unit's program gets, and whether these are all; files win over lines of the unit."""
    found: dict[str, Setting] = {}
    for variable in variables(text):
        part = parts[variable.option.source]
        spotted = part.spot(variable.name) is not None
        field, line = (variable.name, None) if spotted else ("contents", variable.option.line)
        found[variable.name] = Setting(variable.name, variable.value, "variable", part, field, line, variable.name)
    whole = True
    for path in text.values("Service", "EnvironmentFile"):
        name = path.removeprefix("-").strip('"')
        if name in texts:
            found.update(file_settings(*texts[name]))
        elif not name.startswith(METADATA):
            whole = False
    for name in text.words("Service", "UnsetEnvironment"):
        found.pop(name.partition("=")[0], None)
    return found, whole


def file_settings(file: File, text: str) -> dict[str, Setting]:
    """The assignments in a file, one on a line: variables, or keys in the manner of INI and TOML."""
    found: dict[str, Setting] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), start=1):
        header = TOML_SECTION.fullmatch(line)
        if header:
            section = f"{header[1]}_"
        assigned = ASSIGNMENT.match(line)
        if assigned is None:
            continue
        name = section + assigned[1]
        value = assigned[2].strip()
        if value[:1] in ('"', "'") and value[-1:] == value[0] and len(value) > 1:
            value = value[1:-1]
        spotted = file.spot(assigned[1]) is not None
        record, field, at = (file, assigned[1], None) if spotted else (file.contents, "source", number)
        found[name] = Setting(name, value, "file", record, field, at, assigned[1])
    return found


def expanded(words: tuple[str, ...], environment: Mapping[str, Setting]) -> list[str]:
    """The words of a command, with variables that are words of their own replaced by their words."""
    out: list[str] = []
    for word in words:
        setting = environment.get(word.strip("${}")) if word.startswith("$") else None
        out.extend(split_words(setting.value) if setting else [word])
    return out


def flags_of(parts: tuple[Part, ...], command: Option, words: list[str], prefix: str) -> dict[str, Setting]:
    """The flags in the arguments of a program, under their keys; `prefix` makes a flag its variable."""
    part = parts[command.source]
    lines = lines_of_flags(text_of(part), command.line)
    found: dict[str, Setting] = {}
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-") or not name:
            continue
        key = name.replace("-", "_")
        variable = prefix + key.upper()
        if not equals:
            option = BY_VARIABLE.get(variable)
            following = words[at] if at < len(words) else "-"
            if (option is None or option.kind == "bool") and (option or following.startswith("-")):
                value = "true"
            else:
                value = following
                at += 1
        spotted = part.spot(variable) is not None
        field, line = (variable, None) if spotted else ("contents", lines.get(name, command.line))
        found[key] = Setting(key, value, "flag", part, field, line, f"--{name}")
    return found


def lines_of_flags(text: str, first: int) -> dict[str, int]:
    """The last line on which each flag stands, in a command that starts on one line and may go over several."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n")[first - 1 :], start=first):
        if line.lstrip().startswith(("#", ";")):
            continue
        found.update((name, number) for name in FLAG.findall(line))
        if not line.rstrip().endswith("\\"):
            break
    return found
