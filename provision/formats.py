"""Diagnostics as other programs read them: editors, continuous integration, code scanning.

One function for each format, and the table of them. All imports of weight stand in the functions: most runs print
none of these. The frame that people read is `report`'s business.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from provision import __version__
from provision.diagnostics import CODES, ISSUES_URL, SEVERITIES, Code, Diagnostic, Severity, dedented

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PROJECT_URL = ISSUES_URL.removesuffix("/issues")
# Where editors and code scanning find the schema of what `sarif` writes.
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class Run(NamedTuple):
    """What is reported: the diagnostics in their order, the texts by file name, all files that were checked."""

    diagnostics: Sequence[Diagnostic]
    sources: Mapping[str, str]
    files: Sequence[str]
    color: bool


Writer = Callable[[Run], str]


class Level(NamedTuple):
    """What other programs call a severity, and its colour on a terminal (SGR parameters)."""

    sarif: str
    github: str
    gitlab: str
    color: str


LEVELS: dict[Severity, Level] = {
    "error": Level("error", "error", "major", "1;31"),
    "warning": Level("warning", "warning", "minor", "1;33"),
    "info": Level("note", "notice", "info", "1;36"),
}


def visible(text: str) -> str:
    r"""The text with everything that has no glyph of its own escaped as in Python: `\n`, `\x1b`, `\u202e`, `\xa0`.

    So a document can neither drive the terminal nor forge a line of the report, and a no-break space shows.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def paint(text: str, sgr: str, color: bool) -> str:
    """The text in a terminal's colour, or as it is."""
    return f"\x1b[{sgr}m{text}\x1b[0m" if color else text


def title(diagnostic: Diagnostic, color: bool) -> str:
    """`error[PV310]`, in the severity's colour."""
    return paint(visible(f"{diagnostic.severity}[{diagnostic.code}]"), LEVELS[diagnostic.severity].color, color)


def words(diagnostic: Diagnostic) -> str:
    """Message and hint as one text."""
    return f"{diagnostic.message} ({diagnostic.hint})" if diagnostic.hint else diagnostic.message


def tally(diagnostics: Iterable[Diagnostic]) -> dict[Severity, int]:
    """How many there are of each severity, the worst first."""
    counts: dict[Severity, int] = dict.fromkeys(reversed(SEVERITIES), 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
    return counts


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def by_file(run: Run) -> dict[str, list[Diagnostic]]:
    """The diagnostics of each file, also of those that have none and of those that nobody announced."""
    found: dict[str, list[Diagnostic]] = {file: [] for file in run.files}
    for diagnostic in run.diagnostics:
        found.setdefault(diagnostic.file, []).append(diagnostic)
    return found


def code_row(code: str) -> Code:
    """The registry's row; a code that is not declared stands for itself."""
    return CODES.get(code) or Code(code, "error", "", code)


def fingerprints(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """A name for each problem that holds when lines move, unique in the run.

    Numbers don't count, since messages name other lines and paths count list items. Nor does the text of the line:
    it may hold a secret, and a short secret can be guessed from its hash.
    """
    from hashlib import sha256

    seen: dict[tuple[str, ...], int] = {}
    names = []
    for one in diagnostics:
        identity = one.code, one.file, *(re.sub(r"\d+", "#", text) for text in (one.message, one.path or ""))
        nth = seen[identity] = seen.get(identity, 0) + 1
        names.append(sha256(repr((identity, nth)).encode()).hexdigest()[:32])
    return names


def concise(run: Run) -> str:
    """`path:line:col: error[PV310]: message (hint)`, a line for each diagnostic."""
    return "".join(f"{concise_line(one, run.color)}\n" for one in run.diagnostics)


def concise_line(one: Diagnostic, color: bool) -> str:
    """A diagnostic on one line, whatever its words hold."""
    place = f"{visible(one.file)}:{one.span.line}:{one.span.column}"
    return f"{place}: {title(one, color)}: {visible(words(one))}"


def as_json(run: Run) -> str:
    """One object; keys are only ever added, and `version` rises when one changes its meaning.

    `version` (1), `files` (how many were checked), `errors`, `warnings`, `infos` (how many of each), `diagnostics`: a
    list, in order, of objects with `file`; `line`, `column`, `end_line`, `end_column` (characters from 1, the end
    exclusive); `severity` (error, warning, info); `code` (PV310); `name` (of the code, for people; may be empty);
    `message`; `hint` (or null); `path` (of the value in the document, or null).
    """
    import json

    head = {"version": 1, "files": len(by_file(run))}
    counts = {f"{severity}s": count for severity, count in tally(run.diagnostics).items()}
    diagnostics = [json_entry(one) for one in run.diagnostics]
    return json.dumps({**head, **counts, "diagnostics": diagnostics}, indent=2) + "\n"


def json_entry(one: Diagnostic) -> dict[str, object]:
    """A diagnostic as `as_json` documents it."""
    span = {"line": one.span.line, "column": one.span.column}
    end = {"end_line": one.span.end_line, "end_column": one.span.end_column}
    problem = {"severity": one.severity, "code": one.code, "name": code_row(one.code).name, "message": one.message}
    return {"file": one.file, **span, **end, **problem, "hint": one.hint, "path": one.path}


def sarif(run: Run) -> str:
    """SARIF 2.1.0, one run, with the rules that it used."""
    import json

    rules = {code: at for at, code in enumerate(sorted({one.code for one in run.diagnostics}))}
    driver = {"name": "provision", "version": __version__, "informationUri": PROJECT_URL}
    names = fingerprints(run.diagnostics)
    analysis = {
        "tool": {"driver": {**driver, "rules": [sarif_rule(code_row(code)) for code in rules]}},
        "columnKind": "unicodeCodePoints",
        "results": [sarif_result(one, rules[one.code], name) for one, name in zip(run.diagnostics, names, strict=True)],
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [analysis]}, indent=2) + "\n"


def sarif_rule(row: Code) -> dict[str, object]:
    """A reportingDescriptor (SARIF 2.1.0, 3.49): the code's manual, its examples only in `help`."""
    manual = dedented(row.doc).strip()
    return {
        "id": row.code,
        "name": row.name or row.code,
        "shortDescription": {"text": row.summary},
        "fullDescription": {"text": re.split(r"\n+Bad:\n", manual)[0]},
        "help": {"text": manual},
        "defaultConfiguration": {"level": LEVELS[row.severity].sarif},
    }


def sarif_result(one: Diagnostic, rule_index: int, fingerprint: str) -> dict[str, object]:
    """A result (SARIF 2.1.0, 3.27); the place in the document tree is its logical location."""
    start = {"startLine": one.span.line, "startColumn": one.span.column}
    region = {**start, "endLine": one.span.end_line, "endColumn": one.span.end_column}
    place: dict[str, object] = {"physicalLocation": {"artifactLocation": {"uri": uri(one.file)}, "region": region}}
    if one.path:
        place["logicalLocations"] = [{"fullyQualifiedName": one.path}]
    return {
        "ruleId": one.code,
        "ruleIndex": rule_index,
        "level": LEVELS[one.severity].sarif,
        "message": {"text": words(one)},
        "locations": [place],
        "partialFingerprints": {"provision/v1": fingerprint},
    }


def uri(file: str) -> str:
    """A file name as a URI reference: relative stays relative, absolute becomes `file:///…`."""
    from urllib.parse import quote

    return ("file://" if file.startswith("/") else "") + quote(file.removeprefix("./"), errors="surrogatepass")


# GitHub's runner unescapes these, and no others: actions/toolkit, packages/core/src/command.ts.
GITHUB_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
GITHUB_PROPERTY = GITHUB_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def github(run: Run) -> str:
    """GitHub's workflow commands, which become annotations on the changed lines."""
    return "".join(f"{github_command(one)}\n" for one in run.diagnostics)


def github_command(one: Diagnostic) -> str:
    """`::error file=…,line=…::message`; of several lines GitHub takes no columns."""
    columns = {"col": one.span.column, "endColumn": one.span.end_column}
    values: dict[str, object] = {
        "file": one.file.removeprefix("./"),
        "line": one.span.line,
        "endLine": one.span.end_line,
        **(columns if one.span.line == one.span.end_line else {}),
        "title": f"{one.code} {code_row(one.code).name}".strip(),
    }
    listed = ",".join(f"{key}={visible(str(value).translate(GITHUB_PROPERTY))}" for key, value in values.items())
    return f"::{LEVELS[one.severity].github} {listed}::{visible(words(one).translate(GITHUB_MESSAGE))}"


def gitlab(run: Run) -> str:
    """GitLab's Code Quality report: a subset of Code Climate's, an array of issues."""
    import json

    names = fingerprints(run.diagnostics)
    return json.dumps([gitlab_issue(*pair) for pair in zip(run.diagnostics, names, strict=True)], indent=2) + "\n"


def gitlab_issue(one: Diagnostic, fingerprint: str) -> dict[str, object]:
    """An issue, with `lines` for what reads no `positions`; the path must not begin with `./`."""
    begin = {"line": one.span.line, "column": one.span.column}
    end = {"line": one.span.end_line, "column": one.span.end_column}
    lines = {"begin": one.span.line, "end": one.span.end_line}
    path = one.file.removeprefix("./")
    return {
        "description": words(one),
        "check_name": one.code,
        "fingerprint": fingerprint,
        "severity": LEVELS[one.severity].gitlab,
        "location": {"path": path, "lines": lines, "positions": {"begin": begin, "end": end}},
    }


def junit(run: Run) -> str:
    """JUnit's XML: a file is a test case, its errors are its one failure, the rest is its output.

    One failure, since Jenkins and GitLab show only the first of a case. Warnings don't make a case fail.
    """
    from xml.etree import ElementTree as Xml

    found = by_file(run)
    failed = sum(any(one.severity == "error" for one in problems) for problems in found.values())
    counts = {"name": "provision", "tests": str(len(found)), "failures": str(failed), "errors": "0"}
    root = Xml.Element("testsuites", counts)
    suite = Xml.SubElement(root, "testsuite", counts)
    for file, problems in found.items():
        suite.append(junit_case(file, problems))
    Xml.indent(root)
    # ElementTree's own declaration would name the encoding of the locale.
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def junit_case(file: str, problems: Sequence[Diagnostic]) -> "Element":
    """One file: the test passes where it has no errors."""
    from xml.etree import ElementTree as Xml

    case = Xml.Element("testcase", {"classname": "provision", "name": visible(file)})
    errors = [one for one in problems if one.severity == "error"]
    rest = [one for one in problems if one.severity != "error"]
    if errors:
        message = visible(errors[0].message) if len(errors) == 1 else counted(len(errors), "error")
        failure = Xml.SubElement(case, "failure", {"type": visible(errors[0].code), "message": message})
        failure.text = "\n".join(concise_line(one, False) for one in errors)
    if rest:
        Xml.SubElement(case, "system-out").text = "\n".join(concise_line(one, False) for one in rest)
    return case


WRITERS: dict[str, Writer] = {
    "concise": concise,
    "json": as_json,
    "sarif": sarif,
    "github": github,
    "gitlab": gitlab,
    "junit": junit,
}
