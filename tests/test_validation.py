"""Validating many files: the choice of codes, the order of results, and one process or several."""

from pathlib import Path

import pytest
from cli_console import ERROR, GOOD, WARNING, written
from hypothesis import given
from hypothesis import strategies as st

from provision import validation
from provision.diagnostics import ProvisionError
from provision.transpile.author import Options
from provision.validation import Selection, check_selection, validate_files
from provision.workers import CHUNK

CODES = st.sampled_from(["PV001", "PV101", "PV102", "PV201", "PV301", "PV310", "PV311", "PV601"])
PREFIXES = st.lists(CODES.flatmap(lambda code: st.integers(2, 5).map(lambda length: code[:length])), max_size=3)


@given(CODES)
def test_without_a_choice_every_code_is_kept(code: str) -> None:
    assert Selection().keeps(code)


@given(CODES, PREFIXES)
def test_what_is_ignored_alone_is_gone_and_the_rest_is_kept(code: str, ignored: list[str]) -> None:
    assert Selection(ignore=tuple(ignored)).keeps(code) == (not code.startswith(tuple(ignored)))


@given(CODES, PREFIXES)
def test_only_what_is_selected_is_kept(code: str, selected: list[str]) -> None:
    assert Selection(select=tuple(selected)).keeps(code) == (not selected or code.startswith(tuple(selected)))


@given(CODES, PREFIXES, PREFIXES, PREFIXES)
def test_a_code_in_full_decides_against_any_beginning(
    code: str, selected: list[str], ignored: list[str], extended: list[str]
) -> None:
    shorter = [tuple(prefix for prefix in some if prefix != code) for some in (selected, ignored, extended)]
    assert Selection(shorter[0], shorter[1], (*shorter[2], code)).keeps(code)
    assert not Selection(shorter[0], (*shorter[1], code), shorter[2]).keeps(code)


@given(CODES, PREFIXES, PREFIXES)
def test_extending_without_a_selection_takes_nothing_away(code: str, ignored: list[str], extended: list[str]) -> None:
    without = Selection(ignore=tuple(ignored)).keeps(code)
    assert Selection(ignore=tuple(ignored), extend=tuple(extended)).keeps(code) >= without


@pytest.mark.parametrize("prefix", ["PV9999", "X", "pv1", "PV1 ", "310"])
def test_a_beginning_of_no_code_is_refused(prefix: str) -> None:
    for selection in (Selection((prefix,)), Selection((), (prefix,)), Selection((), (), (prefix,))):
        with pytest.raises(ProvisionError, match="is no code, nor the beginning of one") as caught:
            check_selection(selection)
        assert caught.value.exit_code == 2


@pytest.mark.parametrize("prefix", ["P", "PV", "PV1", "PV10", "PV101", "PV6", "PV010"])
def test_the_beginning_of_a_code_of_any_family_is_taken(prefix: str) -> None:
    check_selection(Selection((prefix,), (prefix,), (prefix,)))


def test_results_come_in_the_order_of_files_and_places(tmp_path: Path) -> None:
    two = WARNING + "bar: 2\n"
    written(tmp_path, b_bu=two, a_bu=ERROR)
    paths = [str(tmp_path / name) for name in ("b.bu", "a.bu", "nothing.bu")]
    result = validate_files(paths, Options(), Selection(), 1, "<stdin>")
    assert [(Path(one.file).name, one.span.line) for one in result.diagnostics] == [
        ("a.bu", 5),
        ("b.bu", 3),
        ("b.bu", 4),
    ]
    assert [Path(name).name for name in result.files] == ["b.bu", "a.bu"]
    assert result.unreadable == [f"{paths[2]}: no such file or directory"]
    assert result.sources == {paths[0]: two, paths[1]: ERROR}


def test_a_text_is_kept_only_where_something_in_it_is_shown(tmp_path: Path) -> None:
    written(tmp_path, good_bu=GOOD, warning_bu=WARNING)
    result = validate_files([str(tmp_path)], Options(), Selection(), 1, "<stdin>")
    assert list(result.sources) == [str(tmp_path / "warning.bu")]


def test_a_config_that_two_files_refer_to_is_reported_once(tmp_path: Path) -> None:
    outer = "variant: fcos\nversion: 1.6.0\nignition:\n  config:\n    merge:\n      - local: inner.bu\n"
    written(tmp_path, a_bu=outer, b_bu=outer, inner_bu=WARNING)
    paths = [str(tmp_path / name) for name in ("a.bu", "b.bu")]
    result = validate_files(paths, Options(str(tmp_path)), Selection(), 1, "<stdin>")
    assert [(Path(one.file).name, one.code) for one in result.diagnostics] == [("inner.bu", "PV101")]


# Python 3.12 warns of forking beside threads, which pytest-xdist has and the command line has not.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("count", [1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_several_processes_give_what_one_gives(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "MANY_FILES", 1)
    for number in range(count):
        (tmp_path / f"{number:03}.bu").write_text((GOOD, WARNING, ERROR)[number % 3])
    one, two = (validate_files([str(tmp_path)], Options(), Selection(), jobs, "<stdin>") for jobs in (1, 2))
    assert one == two
    assert len(one.files) == count
