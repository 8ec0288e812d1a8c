"""Damaged user-data never ends in a traceback: for every system, with its report."""

import random
from pathlib import Path

from provision.migration import report_of
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

CASES = Path(__file__).parents[1] / "cases" / "cloud-init"
MUTANTS = 600
SEED = 725
PIECES = (
    "[]", "{}", "null", "true", "- ", "~", ": ", "-1", "99999999999999999999", "'", '"', "[[[]]]", "{a: b}", "!!binary x",
    "*a", "&a ", "|\n", "\t", "é", "%", "$", "..", "0o644", "<<: ", "default", "--==", "#cloud-config", "\ud800",
)  # fmt: skip
SYSTEMS = (None, "fcos", "ubuntu", "flatcar", "opensuse-microos")


def mutant(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        line = lines[at]
        cut = chance.randrange(len(line) + 1)
        lines[at : at + 1] = chance.choice(
            [
                [line[: line.find(":") + 1] + " " + chance.choice(PIECES)],
                [line[:cut] + chance.choice(PIECES) + line[cut:]],
                [line[:cut] + line[cut + 1 :]],
                [line, chance.choice(lines)],
                ["  " + line],
                [line[2:]],
                [],
            ]
        )
        lines = lines or [""]
    return "\n".join(lines)


def test_no_mutant_ends_in_a_traceback() -> None:
    chance = random.Random(SEED)
    texts = [path.read_text() for path in sorted(CASES.iterdir()) if path.suffix == ".yaml"]
    verdicts = set()
    for _ in range(MUTANTS):
        text = mutant(chance.choice(texts), chance)
        forced = None if text.startswith("#cloud-config-archive") else "cloud-init"
        options = Options(target_os=chance.choice(SYSTEMS), dialect=forced)
        found = compile_document(text.encode("utf-8", "surrogatepass"), "mutant.yaml", options)
        verdicts.add(found.failed)
        report_of(found)
        if found.config is not None and not found.failed:
            found.output()
    assert verdicts == {True, False}
