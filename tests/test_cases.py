"""Whole documents in `cases/butane`: what they are translated to, and what is said about which line.

A line of a case that ends in `#! PV310` is where that diagnostic must be (`#! PV651:warning` also says how severe); all
others have none. Beside a case that has an output stands `<case>.json`, or `<case>.yaml` for a MachineConfig. A case
without `version` runs under every release of its dialect that knows its keys. Comments on the first lines set the
stage: `#! raw`, `#! no files-dir`, and `#! since 1.3.0`, `#! until 1.7.0` (exclusive) for a case without `version`.
"""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import pytest
from ruamel.yaml import YAML

from provision.document import read
from provision.document.nodes import NodeSource
from provision.ignition import Config, full_version
from provision.record import Problem, decode
from provision.schema.dialects import view_of
from provision.transpile.author import Options
from provision.transpile.butane import SUGARS
from provision.transpile.compile import Compiled, compile_document
from provision.versions import BY_NAME, Release, releases_of, version_key

CASES = Path(__file__).parent / "cases" / "butane"
FILES = CASES.parent / "files"
VERDICT = re.compile(r"#! (PV\d{3}(?::\w+)?(?:, PV\d{3}(?::\w+)?)*)\s*$")
STAGE = re.compile(r"#! (raw|no files-dir|since|until)(?: (\S+))?$", re.M)
TOP_KEY = re.compile(r'^(?:  ")?(variant|version)"?:[ ]*"?([^\s#",]*)', re.M)
ANY_VERSION = b'"version":"*"'
DATA_URL = re.compile(r"data:(;base64)?,(.*)", re.S)


class Case(NamedTuple):
    """One case under one release; `text` is the document, in which `added` lines stand before the case's own."""

    name: str
    text: str
    added: int
    stage: dict[str, str]
    release: Release

    @property
    def options(self) -> Options:
        return Options(None if "no files-dir" in self.stage else str(FILES), raw="raw" in self.stage)

    def expected(self) -> Path | None:
        """The file with the output, if there is one."""
        found = [path for suffix in (".json", ".yaml") if (path := CASES / f"{self.name}{suffix}").exists()]
        return found[0] if found else None

    def verdicts(self) -> list[tuple[int, str, str]]:
        """Line, code and severity (empty where the case leaves it open) of each diagnostic, sorted."""
        found = []
        for number, line in enumerate(self.text.split("\n"), 1):
            verdict = VERDICT.search(line)
            for code in verdict[1].split(", ") if verdict else ():
                name, _, severity = code.partition(":")
                found.append((number, name, severity))
        return sorted(found)


def cases_in(path: Path) -> list[Case]:
    """A case file as the cases that it stands for."""
    text = path.read_text()
    keys = dict(TOP_KEY.findall(text))
    stage = dict(STAGE.findall(text))
    variant, version = keys.get("variant", "fcos"), keys.get("version")
    if version is not None:
        return [Case(path.stem, text, 0, stage, BY_NAME[variant, version])]
    found = []
    for release in releases_of(variant):
        lines = [f"version: {release.version}", *(() if "variant" in keys else (f"variant: {variant}",))]
        whole = "".join(f"{line}\n" for line in lines) + text
        if in_range(release, stage) and knows_keys(whole, release):
            found.append(Case(path.stem, whole, len(lines), stage, release))
    return found


def in_range(release: Release, stage: dict[str, str]) -> bool:
    """Whether a case's `since` and `until` let a release in."""
    since, until = stage.get("since", "0"), stage.get("until", "999")
    return version_key(since) <= version_key(release.version) < version_key(until)


def knows_keys(text: str, release: Release) -> bool:
    """Whether a release has every key of a document."""
    assert SUGARS  # their modules declare the keys
    document = read(text.encode(), "case.bu")
    problems: list[Problem] = []
    root: Any = document.root
    decode(Config, root, view_of(release), NodeSource(document), problems)
    return all(problem.wanted != "key" or problem.key.startswith("x-") for problem in problems)


def compiled(case: Case) -> Compiled:
    return compile_document(case.text.encode(), f"{case.name}.bu", case.options)


def decoded(value: Any) -> Any:
    """JSON in which gzip data URLs are replaced by their content: compressors differ, what they pack must not."""
    if isinstance(value, dict):
        out = {key: decoded(inner) for key, inner in value.items()}
        source = value.get("source")
        data = DATA_URL.fullmatch(source) if isinstance(source, str) else None
        if data and value.get("compression") == "gzip":
            packed = base64.b64decode(data[2]) if data[1] else unquote_to_bytes(data[2])
            out["source"] = gzip.decompress(packed)
        return out
    return [decoded(item) for item in value] if isinstance(value, list) else value


def parsed(output: bytes) -> Any:
    """An output as plain values, be it JSON or YAML."""
    return json.loads(output) if output.startswith(b"{") else YAML(typ="safe").load(output)


ALL = [case for path in sorted(CASES.glob("*.bu")) for case in cases_in(path)]


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.name}-{case.release.dialect}-{case.release.version}")
def test_a_case_gets_its_verdicts_and_its_output(case: Case) -> None:
    result = compiled(case)
    expected, verdicts = case.expected(), case.verdicts()
    own = [found for found in result.diagnostics if found.file == f"{case.name}.bu"]
    severities = {(line, code): severity for line, code, severity in verdicts}
    said = sorted(
        (found.span.line, found.code, found.severity if severities.get((found.span.line, found.code)) else "")
        for found in own
    )
    assert said == verdicts, [f"{found.span.line}: {found.code} {found.message}" for found in own]
    if expected is None:
        assert verdicts or len(own) < len(result.diagnostics), "a case without output must at least have a verdict"
        return
    assert not result.failed
    output = result.output()
    wanted = expected.read_bytes().replace(ANY_VERSION, f'"version":"{full_version(case.release.spec)}"'.encode())
    assert decoded(parsed(output)) == decoded(parsed(wanted))
    if b"gzip" not in wanted:
        assert output == wanted


def test_every_case_runs_and_every_expected_output_has_its_case() -> None:
    names = {case.name for case in ALL}
    assert names == {path.stem for path in CASES.glob("*.bu")}
    assert {path.stem for path in CASES.iterdir() if path.suffix != ".bu"} <= names


def test_a_case_without_version_runs_under_every_release_that_knows_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "some.bu"
    path.write_text("kernel_arguments:\n  should_exist: [quiet]\n")
    assert [case.release.version for case in cases_in(path)] == [
        "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0-experimental",
    ]  # fmt: skip
    path.write_text(
        "#! until 1.6.0\nvariant: flatcar\nstorage:\n  files:\n    - path: /a  #! PV605\n      mode: 0644\n"
    )
    assert [case.release.name for case in cases_in(path)] == [
        "flatcar 1.0.0",
        "flatcar 1.1.0",
        "flatcar 1.2.0-experimental",
    ]
    assert cases_in(path)[0].verdicts() == [(6, "PV605", "")]
