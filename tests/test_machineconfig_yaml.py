"""The YAML of a MachineConfig: the spelling of awkward texts as Butane spells them, and that readers read them back.

The tables come from one run of Butane over labels with these values; a row of OURS says why it is not Butane's.
"""

from typing import Any

import pytest
from cli_console import SAMPLES, provision
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from provision.transpile.output import MACHINECONFIG_HEADER, to_yaml

PLAIN = [
    "--", "_1", "inf", "nan", "?x", ":x", "a:b", "a :b", "a#b", "a# b", "a'b", "it's", "a\"b", "\\", "a\\b",
    "\\n", "a,b", "a, b", "-a", "a - b", "\xe9", "\u65e5\u672c\u8a9e", "\xa0", "a\xa0b", "\ue000", "\ufffd",
    "0o8", "0xg", "0x", "0b", "0b2", "1e", "e1", "1e1e1", "1.2.3", "1.2.3.4", "10.0.0.0/8", "+", "+a", "1,000",
    "1 000", ".e3", ".", "..", "3.4.0", "0x1p-2", "0x1.8p1", "Infinity", "Inf", "NaN", "nil", "None",
    "data:,a%20b", "data:;base64,SGk=", "https://example.com/a?b=c#d", "core@example.com",
    "ssh-ed25519 AAAA== a b", "a  b", "==", "=a", "a=", "<", "<a", "<<a", "null#", "~a", "a~", "a%", "a!", "a&",
    "a*", "a@",
]  # fmt: skip
SINGLE = [
    "-", "---", "...", "!", "!x", "&a", "*a", "@x", "`x", "%x", "%", "?", "? x", ":", "::", ": x", "a: b", "a:",
    "a: ", "#", "#a", "a #b", " a", "a ", "  ", "\"", "\"a\"", "[", "]", "[a]", "{", "}", "{}", "[]", "{a: b}",
    ",a", ",", "|", "|-", ">", "> x", "- a", "- ", "TRUE ", "y ", "--- a", "\"a\": b", "!!str a", "!!binary x",
    "foo ", "5:", "1e5 ", "true:", "%a", "`", "@", "*", "&",
]  # fmt: skip
DOUBLE = [
    "y", "Y", "n", "N", "yes", "Yes", "YES", "no", "on", "On", "ON", "off", "OFF", "true", "True", "TRUE",
    "false", "null", "Null", "NULL", "~", "", "012", "0o12", "0x1F", "0b101", "1e3", "1E3", "1e+3", "1.", "1.5",
    ".5", "-.5", "+1", "-1", "1_000", "1__0", "12:30", "12:30:45", "1:2", "190:20:30", "190:20:30.15",
    "2001-01-01", "2001-1-1", "2001-01-01T00:00:00Z", "2001-01-01 00:00:00", ".inf", "-.inf", "+.Inf", ".INF",
    ".nan", ".NaN", ".NAN", "0", "00", "08", "09", "0777", "-0", "+0", "-0x1", "+0x1f", "0X1F", "0B1", "0O7",
    "+.5", "-1.5e3", "1._", "1_", "0_7", "0x_1", "1.0", "99999999999999999999", "-9223372036854775808",
    "9223372036854775807", "18446744073709551615", "0.1e-3", "1.e3", "12e03", "-2e+05", "685.230_15e+03",
    "685_230.15",
]  # fmt: skip
SPELT = {
    "\t": "\"\\t\"",
    "\ta": "\"\\ta\"",
    "a\t": "\"a\\t\"",
    "a\tb": "\"a\\tb\"",
    "'": "''''",
    "''": "''''''",
    "'a'": "'''a'''",
    "a\n": "|\n  a",
    "a\nb": "|-\n  a\n  b",
    "a\nb\n": "|\n  a\n  b",
    "a\n\n": "|+\n  a\n",
    "a\nb\n\n": "|+\n  a\n  b\n",
    " a\nb": "|2-\n   a\n  b",
    "\ta\nb": "|-\n  \ta\n  b",
    "a\n b": "|-\n  a\n   b",
    "a\n\tb": "|-\n  a\n  \tb",
    "a \nb": "\"a \\nb\"",
    "a\nb ": "\"a\\nb \"",
    "a\n b\n": "|\n  a\n   b",
    "a\n\nb": "|-\n  a\n\n  b",
    "  a\n b": "|2-\n    a\n   b",
    "a\r\nb": "\"a\\r\\nb\"",
    "a\rb": "\"a\\rb\"",
    "\r": "\"\\r\"",
    "\ra": "\"\\ra\"",
    "a\r": "\"a\\r\"",
    "a\r\n": "\"a\\r\\n\"",
    "\U0001f600": "\"\\U0001F600\"",
    "a\U0001f600b": "\"a\\U0001F600b\"",
    "\ufeff": "\"\\uFEFF\"",
    "a\ufeff": "\"a\\uFEFF\"",
    "\x85": "\"\\N\"",
    "a\x85b": "\"a\\Nb\"",
    "\x07": "\"\\a\"",
    "a\x00b": "\"a\\0b\"",
    "\x1b[0m": "\"\\e[0m\"",
    "\x7f": "\"\\x7F\"",
    "\x80": "\"\\x80\"",
    "\x9f": "\"\\x9F\"",
    "\ufffe": "\"\\uFFFE\"",
    "\uffff": "\"\\uFFFF\"",
    "\U0010ffff": "\"\\U0010FFFF\"",
    "Null\n": "|\n  Null",
    "a: b\nc": "|-\n  a: b\n  c",
    "# a\nb": "|-\n  # a\n  b",
    "- a\n- b": "|-\n  - a\n  - b",
    "a\n---\nb": "|-\n  a\n  ---\n  b",
    "---\na": "|-\n  ---\n  a",
    "...\na": "|-\n  ...\n  a",
    "a\n...": "|-\n  a\n  ...",
    "key: 'v'": "'key: ''v'''",
    "tab\there": "\"tab\\there\"",
    "[Unit]\nDescription=x\n": "|\n  [Unit]\n  Description=x",
    "[Unit]\nDescription=x\n\n[Service]\nExecStart=/bin/sh -c \"echo: 'x'\"\n": "|\n  [Unit]\n  Description=x\n\n  [Service]\n  ExecStart=/bin/sh -c \"echo: 'x'\"",
    "#!/bin/bash\necho hi\n": "|\n  #!/bin/bash\n  echo hi",
    "a\n  \nb": "\"a\\n  \\nb\"",
    "a\n  \n": "\"a\\n  \\n\"",
    "  \na": "\"  \\na\"",
    "a\n\n\nb": "|-\n  a\n\n\n  b",
    "a\t\n": "|\n  a\t",
    "\t\n": "|\n  \t",
    "x\n\t": "|-\n  x\n  \t",
    " \n": "\" \\n\"",
    "a'\nb": "|-\n  a'\n  b",
    "a\"\nb": "|-\n  a\"\n  b",
    "a\\\nb": "|-\n  a\\\n  b",
}  # fmt: skip
# What is not spelled as Butane spells it.
OURS = {
    # Butane drops the first of the empty lines that a text begins with.
    "\n": "|2+\n", "\n\n": "|2+\n\n", "\na": "|2-\n\n  a", "\na\n": "|2\n\n  a", "\n a": "|2-\n\n   a", "\n\na": "|2-\n\n\n  a",
    # Butane's single quotes add blanks after a line separator.
    "\u2028": '"\\L"', "a\u2028b": '"a\\Lb"', "a\u2029b": '"a\\Pb"',
    # Butane leaves these plain, and readers of YAML 1.1 take them for a merge, a value or a number.
    "<<": '"<<"', "=": '"="', "1e400": '"1e400"', "._": '"._"',
}  # fmt: skip
LONG = ["a" * 300, "word " * 60 + "end"]
# What comes before what among keys: other characters, numbers by their value, letters.
IN_ORDER = [
    "", "-", "-a", "_", "0", "1", "2", "10", "A", "B", "a", "a b", "a-b", "a.b", "a/b", "a_b", "a1", "a9", "a10", "a10b", "aB", "aa",
]  # fmt: skip


def spelled(text: str) -> str:
    """How a value is spelled between its key and the next."""
    written = to_yaml({"a": text, "b": 1}).decode()
    assert written.startswith(f"{MACHINECONFIG_HEADER}a: ")
    assert written.endswith("\nb: 1\n")
    return written.removeprefix(f"{MACHINECONFIG_HEADER}a: ").removesuffix("\nb: 1\n")


def read(data: bytes) -> Any:
    """What a reader makes of it."""
    return YAML(typ="safe", pure=True).load(data.decode())


@pytest.mark.parametrize("text", [*PLAIN, *LONG])
def test_what_nobody_misreads_is_plain_and_never_folded(text: str) -> None:
    assert spelled(text) == text


@pytest.mark.parametrize("text", SINGLE)
def test_what_has_a_meaning_in_yaml_is_in_single_quotes(text: str) -> None:
    assert spelled(text) == f"'{text}'"


@pytest.mark.parametrize("text", DOUBLE)
def test_what_some_reader_takes_for_another_type_is_in_double_quotes(text: str) -> None:
    assert spelled(text) == f'"{text}"'


@pytest.mark.parametrize("text", SPELT)
def test_what_needs_escapes_or_lines_of_its_own_is_spelled_as_butane_spells_it(text: str) -> None:
    assert spelled(text) == SPELT[text]


@pytest.mark.parametrize("text", OURS)
def test_what_butane_spells_wrong_reads_back_right(text: str) -> None:
    assert spelled(text) == OURS[text]


@pytest.mark.parametrize("text", [*PLAIN, *SINGLE, *DOUBLE, *SPELT, *OURS, *LONG])
def test_every_row_of_the_tables_reads_back_as_it_was(text: str) -> None:
    value = {"a": text, "b": [text, {"c": text}], text or "d": {"e": {"f": text}}}
    assert read(to_yaml(value)) == value


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(st.sampled_from(list("ab \n\t:#-?'\"\\.0é😀\u2028\x85\r")), max_size=10),
    st.sampled_from([*PLAIN, *SINGLE, *DOUBLE, *SPELT]),
)
VALUES = st.recursive(
    TEXTS | st.integers(-(10**20), 10**20) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1))
def test_what_we_write_reads_back_equal(value: dict[str, Any]) -> None:
    assert read(to_yaml(value)) == value


@pytest.mark.parametrize("number", [0, 7, -1, 420, 999999, 1000000, 1048576, 10**15, -(10**9)])
def test_integers_are_plain_however_large(number: int) -> None:
    """Butane's way through JSON makes `1e+06` of a million, which is no integer to its readers."""
    assert to_yaml({"a": number}).decode() == f"{MACHINECONFIG_HEADER}a: {number}\n"


def test_structure_is_indented_by_two_and_lists_below_their_key() -> None:
    value = {"b": [{"y": 1, "x": [1, 2]}, "s"], "a": {"d": True, "c": False}, "e": [], "f": {}}
    assert to_yaml(value).decode() == (
        f"{MACHINECONFIG_HEADER}a:\n  c: false\n  d: true\n"
        'b:\n  - x:\n      - 1\n      - 2\n    "y": 1\n  - s\ne: []\nf: {}\n'
    )


def test_keys_are_sorted_with_numbers_by_their_value() -> None:
    assert list(read(to_yaml(dict.fromkeys(sorted(IN_ORDER), 1)))) == IN_ORDER


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("openshift-*.bu")))
def test_the_config_inside_is_the_one_that_raw_gives(name: str) -> None:
    def config(*flags: str) -> Any:
        return read(provision("transpile", *flags, "-d", SAMPLES / "files", SAMPLES / name).out.encode())

    wrapped, raw = config(), config("-r")
    assert wrapped["kind"] == "MachineConfig"
    assert wrapped["spec"]["config"] == raw
