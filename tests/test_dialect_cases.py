"""Whole documents of the dialects other than Butane, in `cases/<dialect>`: what they become, and what is said of which line.

A line that ends in `#! PV310` is where that diagnostic must be (`#! PV310:warning` also says how severe), and all others have
none; a file that takes no comments has a `<case>.verdict` beside it, with lines such as `12 PV310`. Beside a case that
has an output stands `<case>.json`. Comments anywhere set the stage: `#! platform ec2`, `#! set private_ipv4=10.0.0.5`,
`#! fsmap data=/srv`, `#! target-os fcos`, `#! target 2.3.0`, `#! lossy`, `#! every-boot`.
"""

import json
import re
from pathlib import Path

import pytest

from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document

CASES = Path(__file__).parent / "cases"
FILES = CASES / "files"
BESIDE = (".json", ".verdict")
VERDICT = re.compile(r"#! (PV\d{3}(?::\w+)?(?:, PV\d{3}(?::\w+)?)*)\s*$")
STAGE = re.compile(r"#! (platform|set|fsmap|target-os|target|lossy|every-boot|dialect)(?: (\S+))?\s*$", re.M)

ALL = sorted(
    path
    for path in CASES.glob("*/*")
    if path.is_file()
    and path.parent.name not in ("butane", "files")
    and not (path.suffix in BESIDE and path.with_suffix("").exists())
)


def options_of(text: str) -> Options:
    """What a case's comments ask for."""
    stage = STAGE.findall(text)
    given = dict(stage)

    def named(option: str) -> tuple[tuple[str, str], ...]:
        pairs = [value.partition("=") for key, value in stage if key == option]
        return tuple((name, value) for name, _, value in pairs)

    return Options(
        str(FILES), dialect=given.get("dialect"), platform=given.get("platform"), target_os=given.get("target-os"),
        target=given.get("target"), lossy="lossy" in given, every_boot="every-boot" in given,
        values=named("set"), fsmap=named("fsmap"),
    )  # fmt: skip


def verdicts_of(path: Path, text: str) -> list[tuple[int, str, str]]:
    """Line, code and severity (empty where the case leaves it open) of each diagnostic, sorted."""
    beside = path.with_name(path.name + ".verdict")
    rows: list[tuple[int, str]] = []
    if beside.exists():
        rows = [(int(line), code) for line, code in map(str.split, beside.read_text().splitlines())]
    for number, line in enumerate(text.split("\n"), 1):
        verdict = VERDICT.search(line)
        rows += [(number, code) for code in verdict[1].split(", ")] if verdict else []
    return sorted((line, code.partition(":")[0], code.partition(":")[2]) for line, code in rows)


def compiled(path: Path) -> Compiled:
    data = path.read_bytes()
    return compile_document(data, path.name, options_of(data.decode("utf-8", "replace")))


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_case_gets_its_verdicts_and_its_output(path: Path) -> None:
    result = compiled(path)
    verdicts = verdicts_of(path, path.read_bytes().decode("utf-8", "replace"))
    severities = {(line, code): severity for line, code, severity in verdicts}
    said = sorted(
        (found.span.line, found.code, found.severity if severities.get((found.span.line, found.code)) else "")
        for found in result.diagnostics
    )
    assert said == verdicts, [f"{found.span.line}: {found.code} {found.message}" for found in result.diagnostics]
    expected = path.with_name(path.name + ".json")
    if not expected.exists():
        assert verdicts, "a case without output must at least have a verdict"
        return
    assert not result.failed
    assert json.loads(result.output()) == json.loads(expected.read_text())
