"""Unit files read and written: what systemd would see, where it stands, and that both ways agree."""

import doctest
import subprocess
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.units import (
    Comment,
    command_line,
    environment_line,
    environment_value,
    escape_path,
    has_open_quote,
    names,
    overlaid,
    parse,
    quote,
    reading,
    render,
    split_commands,
    split_words,
    unescape_path,
    variables,
    words,
    writing,
)

UNIT = """\
# a comment
[Unit]
Description=Some app
  After = a.service b.service

[Service]
Environment=A=1
Environment="B=two words" 'C=3'
ExecStart=/bin/one
ExecStart=
ExecStart=/bin/two --flag \\
  # a comment between
    --other \\
    --last
[Unit]
After=c.service
"""


@pytest.mark.parametrize("module", [reading, writing, words, names], ids=lambda module: module.__name__)
def test_the_examples_in_the_manuals_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


# ---- reading ----------------------------------------------------------------------------------------------------


def test_options_know_their_places() -> None:
    places = [(option.name, option.line, option.column) for option in parse(UNIT).options()]
    assert places == [
        ("Description", 3, 1), ("After", 4, 3), ("Environment", 7, 1), ("Environment", 8, 1), ("ExecStart", 9, 1),
        ("ExecStart", 10, 1), ("ExecStart", 11, 1), ("After", 16, 1),
    ]  # fmt: skip


def test_repeated_sections_are_one_when_looked_up() -> None:
    assert parse(UNIT).words("Unit", "After") == ("a.service", "b.service", "c.service")
    assert [section.line for section in parse(UNIT).sections] == [2, 6, 15]


def test_an_empty_value_takes_back_those_before_it() -> None:
    unit = parse(UNIT)
    assert len(unit.assigned("Service", "ExecStart")) == 3
    assert [split_words(value) for value in unit.values("Service", "ExecStart")] == [
        ("/bin/two", "--flag", "--other", "--last")
    ]


def test_comments_may_stand_between_continued_lines() -> None:
    assert parse(UNIT).comments == (Comment(1, 1, "# a comment"), Comment(12, 3, "# a comment between"))


def test_the_last_of_several_values_counts() -> None:
    unit = parse("[Service]\nType=simple\nType=oneshot\nRestart=no\nRestart=\n")
    assert unit.value("Service", "Type") == "oneshot"
    assert unit.value("Service", "Restart") is None
    assert unit.value("Service", "User") is None


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("A=1\n[Unit]\n", (1, 1), "before the first section"),
        ("[Unit]\nA\n", (2, 1), "no equals sign"),
        ("[Unit]\n  =x\n", (2, 3), "no name"),
        ("[Unit\nA=1\n", (1, 1), "not closed"),
        ("[Unit] x\nA=1\n", (1, 1), "after the section's bracket"),
    ],
)
def test_what_systemd_does_not_take_is_a_fault_at_its_place(text: str, place: tuple[int, int], word: str) -> None:
    (fault,) = parse(text).faults
    assert (fault.line, fault.column) == place
    assert word in fault.message


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "[Unit]", "[Unit]\nA=\\", "\ufeff[Unit]\r\nA=1\r\n"])
def test_odd_texts_have_no_faults(text: str) -> None:
    assert parse(text).faults == ()


def test_an_escaped_backslash_does_not_continue_a_line() -> None:
    assert parse("[S]\nA=x\\\\\nB=y\n").values("S", "B") == ("y",)
    assert parse("[S]\nA=x\\\nB=y\n").values("S", "A") == ("x B=y",)


def test_a_dropin_follows_its_unit() -> None:
    unit = "[Service]\nExecStart=/a\nUser=core\n"
    dropin = "[Service]\nExecStart=\nExecStart=/b\n[Unit]\nAfter=x.service\n"
    both = overlaid((unit, dropin))
    assert both.values("Service", "ExecStart") == ("/b",)
    assert both.value("Service", "User") == "core"
    assert [(option.source, option.line) for option in both.effective("Service", "ExecStart")] == [(1, 3)]


def test_variables_are_read_with_their_quotes_and_doubled_percent_signs() -> None:
    text = "[Service]\nEnvironment=OLD=1\nEnvironment=\nEnvironment=\"A=1 2\" B=100%% 'C=x\\ty' rest\n"
    assert [(found.name, found.value) for found in variables(parse(text))] == [
        ("A", "1 2"),
        ("B", "100%"),
        ("C", "x\ty"),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ()),
        ("  a  b ", ("a", "b")),
        ("'a b' \"c d\"", ("a b", "c d")),
        ('a"b c"d', ("ab cd",)),
        ('""', ("",)),
        (r"\x41\u00e9\101\s\q", ("Aé" + "A \\q",)),
        (r'"say \"hi\""', ('say "hi"',)),
        ('"open', ('"open',)),
    ],
)
def test_words_are_parted_as_systemd_does(value: str, expected: tuple[str, ...]) -> None:
    assert split_words(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/a 1 ; /b", (("/a", "1"), ("/b",))),
        ("/a ;", (("/a",),)),
        ('/a ";" b', (("/a", ";", "b"),)),
        (r"/a \; b", (("/a", ";", "b"),)),
        (r'/a \\; "\;" "\\;"', (("/a", r"\;", r"\;", r"\;"),)),
        ("/a b;c", (("/a", "b;c"),)),
    ],
)
def test_a_bare_semicolon_parts_commands(value: str, expected: tuple[tuple[str, ...], ...]) -> None:
    assert split_commands(value) == expected


def test_an_escape_that_is_no_character_is_kept() -> None:
    assert split_words(r"\ud800 \U00110000") == (r"\ud800", r"\U00110000")


def test_an_open_quote_is_noticed() -> None:
    assert has_open_quote('sh -c "echo')
    assert has_open_quote("it's")
    assert not has_open_quote('"it\'s" \'say "x"\' \\"')


# ---- writing ----------------------------------------------------------------------------------------------------

NAMES = st.text("ABCDEFGHIJabcdefghij", min_size=1, max_size=8)
PRINTABLE = st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Z"]), max_size=30)
VALUES = PRINTABLE.map(lambda text: text.strip(" \t\r\n")).filter(lambda text: not text.endswith("\\"))


@given(st.lists(st.tuples(NAMES, st.lists(st.tuples(NAMES, VALUES), max_size=4)), max_size=4))
def test_what_is_written_is_read_back(sections: list[tuple[str, list[tuple[str, str]]]]) -> None:
    read = parse(render(sections))
    assert read.faults == ()
    assert [(part.name, [(option.name, option.value) for option in part.options]) for part in read.sections] == sections


@given(NAMES, st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30))
def test_a_variable_keeps_its_value(name: str, value: str) -> None:
    text = "[Service]\n" + environment_line(name, value) + "\n"
    (found,) = variables(parse(text))
    assert (found.name, found.value) == (name, value)
    assert render([("Service", [("Environment", environment_value(name, value))])]) == text


@given(st.lists(PRINTABLE | st.sampled_from([";", "\\;", "\\\\;"]), min_size=1, max_size=5))
def test_the_words_of_a_command_are_read_back(arguments: list[str]) -> None:
    line = command_line(arguments)
    assert "\n" not in line
    (words,) = split_commands(line)
    assert [word.replace("%%", "%").replace("$$", "$") for word in words] == arguments


@given(st.text(max_size=40))
def test_any_text_can_be_read(text: str) -> None:
    unit = parse(text)
    count = text.count("\n") + 1
    assert all(1 <= option.line <= count for option in unit.options())


def test_only_words_that_need_quotes_get_them() -> None:
    assert quote("--name=web") == "--name=web"
    assert quote("two words") == '"two words"'
    assert quote("") == '""'
    assert quote("100%") == "100%%"
    assert quote("it's") == '"it\'s"'


def test_a_value_stays_on_its_line() -> None:
    assert render([("A", [("B", "one\ntwo\\")])]) == "[A]\nB=one two\\\\\n"


# ---- names ------------------------------------------------------------------------------------------------------

PATHS = [
    "/",
    "//",
    "/var/lib/docker",
    "/var//my data/",
    "/.hidden/a-b",
    "/a/./b/",
    "/ä/x\\y",
    "/a:b_c.d",
    "/tab\there",
    "/-",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_escaped_as_systemd_escape_does(path: str) -> None:
    said = subprocess.run(["systemd-escape", "--path", "--", path], capture_output=True, check=True, text=True)
    assert escape_path(path) == said.stdout.removesuffix("\n")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20))
def test_an_escaped_path_is_unescaped(path: str) -> None:
    normal = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    assert unescape_path(escape_path(path)) == normal
