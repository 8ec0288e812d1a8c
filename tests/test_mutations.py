"""Documents with seeded mistakes: whatever they hold, they end in diagnostics with sane places, never in an exception."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.diagnostics import CODES, LINE_END
from provision.document import read
from provision.migration import as_plain, report_of
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases"
BESIDE = (".json", ".verdict")
DIALECTS = ("butane", *sorted(path.name for path in CASES.iterdir() if path.name not in ("butane", "files")))
DOCUMENTS = {
    dialect: sorted(
        [path for path in (CASES / dialect).iterdir() if path.suffix not in BESIDE]
        + [path for path in (ROOT / "samples" / dialect).rglob("*") if path.is_file()]
    )
    for dialect in DIALECTS
}
DOCUMENTS["butane"] = sorted([*(ROOT / "samples").rglob("*.bu"), *(CASES / "butane").glob("*.bu")])
MUTANTS = 2000  # of each dialect at the least
CHUNKS = 12

Mutation = Callable[[str, random.Random], str]

ODD = "\t\x00\x01\x07\x1b\x7f\x85\u2028\ufeff\ud800é日😀\\\"'`@%&*!|>{}[],:#?-~<=\r"
SCALARS = (
    "~", "null", "", "0", "-1", "08", "1.5", "1e400", ".nan", "99999999999999999999", "true", "yes", "'true'", '""', "[]", "{}", "[[]]",
    "{a: b}", "- x", "|\n  text", "!!binary @", "!!binary gA==", "!!int x", "!!null x", "!custom [a]", "*nowhere", "&a [*a]", "2020-01-01",
    "0x", "\"\\u0000\"", "\"\\ud800\"", "'", '"', "@", "/", "//", "/a/../b", "\"a\\nb\"", "data:,%", "s3://", "http://[", "<<", "x" * 3000,
)  # fmt: skip


def lines_of(text: str) -> list[str]:
    return text.split("\n")


def delete_a_line(text: str, chance: random.Random) -> str:
    lines = lines_of(text)
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def repeat_a_line(text: str, chance: random.Random) -> str:
    lines = lines_of(text)
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    return "\n".join(lines)


def swap_two_lines(text: str, chance: random.Random) -> str:
    lines = lines_of(text)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def insert_an_odd_character(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(ODD) + text[place:]


def replace_a_character(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    return text[:place] + chance.choice(ODD + "abcxyz0189 \n/") + text[place + 1 :]


def delete_some_characters(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    return text[:place] + text[place + chance.randrange(1, 9) :]


def change_an_indentation(text: str, chance: random.Random) -> str:
    lines = lines_of(text)
    place = chance.randrange(len(lines))
    blank = chance.choice(["", " ", "  ", "\t", "    ", "      ", " \t "])
    lines[place] = blank + lines[place].lstrip() if chance.random() < 0.5 else blank + lines[place]
    return "\n".join(lines)


def cut_it_off(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text))]


def replace_a_value(text: str, chance: random.Random) -> str:
    lines = lines_of(text)
    keyed = [number for number, line in enumerate(lines) if re.match(r"[ -]*[\w-]+:", line)]
    if keyed:
        place = chance.choice(keyed)
        lines[place] = lines[place].split(":", 1)[0] + ": " + chance.choice(SCALARS)
    return "\n".join(lines)


def replace_an_element(text: str, chance: random.Random) -> str:
    lines = lines_of(text)
    elements = [number for number, line in enumerate(lines) if line.lstrip().startswith("- ")]
    if elements:
        place = chance.choice(elements)
        lines[place] = lines[place].split("- ", 1)[0] + "- " + chance.choice(SCALARS)
    return "\n".join(lines)


def rename_a_key(text: str, chance: random.Random) -> str:
    keys = list(re.finditer(r"[\w-]+(?=:)", text))
    if not keys:
        return text
    here, other = chance.choice(keys), chance.choice(keys)
    return (
        text[: here.start()]
        + chance.choice([other[0], here[0] + "x", "x-" + here[0], here[0].upper()])
        + text[here.end() :]
    )


def change_the_version(text: str, chance: random.Random) -> str:
    version = chance.choice(
        ["1.0.0", "1.3.0", "1.7.0", "1.8.0-experimental", "4.8.0", "4.14.0", "4.23.0-experimental", "1", "9.9.9"]
    )
    variant = chance.choice(["fcos", "flatcar", "r4e", "fiot", "openshift", "rhcos"])
    text = re.sub(r"^version:.*$", f"version: {version}", text, flags=re.M)
    return re.sub(r"^variant:.*$", f"variant: {variant}", text, flags=re.M)


def splice_another_document(text: str, chance: random.Random) -> str:
    other = text_of(chance.choice(DOCUMENTS[chance.choice(DIALECTS)]))
    return text[: chance.randrange(len(text))] + other[chance.randrange(len(other)) :]


MUTATIONS: tuple[Mutation, ...] = (
    delete_a_line, repeat_a_line, swap_two_lines, insert_an_odd_character, replace_a_character, delete_some_characters,
    change_an_indentation, cut_it_off, replace_a_value, replace_an_element, rename_a_key, change_the_version, splice_another_document,
)  # fmt: skip


def text_of(path: Path) -> str:
    """A document; one of the cases that leave the release open gets one."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    if path.suffix != ".bu" or CASES not in path.parents or re.search(r"^ *\"?version", text, re.M):
        return text
    return ("" if re.search("^variant", text, re.M) else "variant: fcos\n") + "version: 1.8.0-experimental\n" + text


def mutant(path: Path, number: int) -> bytes:
    """The document with one to three mistakes, always the same ones for the same number."""
    chance = random.Random(f"{path.name} {number}")
    text = text_of(path)
    for kind in chance.choices(MUTATIONS, k=chance.choice((1, 1, 1, 2, 3))):
        text = kind(text, chance) or "x"
    return b"".join(character.encode("utf-8", surrogates_of(character)) for character in text)


def surrogates_of(character: str) -> str:
    """How a character that is half of a pair is written: those that stand for a byte as that byte."""
    return "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"


def each_of(dialect: str) -> int:
    """How many mutants each document of a dialect has."""
    return -(-MUTANTS // len(DOCUMENTS[dialect]))


def check(data: bytes, name: str, options: Options) -> None:
    """Compile and look at all that comes out."""
    compiled = compile_document(data, name, options)
    for found in compiled.diagnostics:
        text = compiled.sources[found.file] or data.decode("utf-8", "replace")
        lines = len(LINE_END.split(text))
        assert 1 <= found.span.line <= lines + 1, found
        assert found.span.line <= found.span.end_line <= lines + 1, found
        assert found.span.column >= 1, found
        assert found.span.end_column >= 1, found
        assert found.code in CODES, found
        assert found.message, found
    assert compiled.diagnostics == sorted(compiled.diagnostics, key=lambda found: found.sort_key())
    json.dumps(as_plain(report_of(compiled)))
    if not compiled.failed:
        output = compiled.output()
        if output.startswith(b"{"):
            assert json.loads(output)["ignition"]["version"]
        else:
            again = read(output, "output.yaml")
            assert again.root is not None
            assert not again.diagnostics


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_mutant_ends_in_an_exception(dialect: str, chunk: int) -> None:
    for path in DOCUMENTS[dialect][chunk::CHUNKS]:
        for number in range(each_of(dialect)):
            data = mutant(path, number)
            files = ROOT / "samples" / "files" if "samples" in path.parts else CASES / "files"
            options = Options(str(files), pretty=number % 5 == 0, raw=number % 7 == 0)
            options = options._replace(
                target=chance_of(number, {3: "3.0.0", 4: "2.2.0", 5: "2.4.0"}), lossy=number % 2 == 0,
                platform=chance_of(number, {1: "ec2", 2: "nowhere"}),
                values=(("private_ipv4", "10.0.0.5"),) if number % 3 == 0 else (),
                target_os=chance_of(number, {2: "ubuntu", 4: "fcos"}),
            )  # fmt: skip
            try:
                check(data, path.name, options)
            except BaseException as error:
                error.add_note(f"{path.name}, mutant {number}: {data!r}")
                raise


def chance_of(number: int, choices: dict[int, str]) -> str | None:
    """What a mutant of this number is compiled with."""
    return choices.get(number % 11)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_there_are_enough_mutants_and_they_are_the_same_every_time(dialect: str) -> None:
    documents = DOCUMENTS[dialect]
    assert len(documents) * each_of(dialect) >= MUTANTS
    once = [mutant(path, 0) for path in documents]
    assert once == [mutant(path, 0) for path in documents]
    tried = [(path, number) for path in documents for number in range(10)]
    changed = sum(mutant(path, number) != path.read_bytes() for path, number in tried)
    assert changed > len(tried) * 0.75
