"""Which files a command line means; what the command line's own tests do not show of reading and writing them."""

import os
import stat
from pathlib import Path

import pytest
from cli_console import written

from provision.diagnostics import ProvisionError
from provision.inputs import SKIPPED_FOLDERS, STDIN, SUFFIXES, files_of, read_input, write_output


def test_a_folder_is_searched_in_the_order_of_names_with_its_own_files_first(tmp_path: Path) -> None:
    for name in ("b/z.bu", "b/a.bu", "a/x.ign", "c.bu", "a.bu", "a/y/deep.json"):
        written((tmp_path / name).parent)
        (tmp_path / name).touch()
    found = [os.path.relpath(path, tmp_path) for path, _ in files_of([str(tmp_path)])]
    assert found == ["a.bu", "c.bu", "a/x.ign", "a/y/deep.json", "b/a.bu", "b/z.bu"]


def test_a_search_takes_known_suffixes_and_leaves_folders_of_tools(tmp_path: Path) -> None:
    for suffix in (*SUFFIXES, ".txt", ".bu~", ".bu.bak", ""):
        (tmp_path / f"x{suffix}").touch()
    for folder in SKIPPED_FOLDERS:
        written(tmp_path / folder, x_bu="")
    assert {Path(path).name for path, _ in files_of([str(tmp_path)])} == {f"x{suffix}" for suffix in SUFFIXES}


def test_what_is_named_is_named_even_where_a_search_finds_it_too(tmp_path: Path) -> None:
    one = str(written(tmp_path, x_yaml="") / "x.yaml")
    assert files_of([str(tmp_path)]) == [(one, False)]
    assert files_of([one]) == [(one, True)]
    assert files_of([one, str(tmp_path)]) == files_of([str(tmp_path), one]) == [(one, True)]


def test_standard_input_and_what_does_not_exist_stand_for_themselves() -> None:
    assert files_of([STDIN, "/nowhere/x.bu", STDIN]) == [(STDIN, True), ("/nowhere/x.bu", True)]


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    """A link that leads back up would make the search endless."""
    written(tmp_path / "real", x_bu="")
    (tmp_path / "up").symlink_to(".")
    (tmp_path / "link.bu").symlink_to("real/x.bu")
    assert [Path(path).name for path, _ in files_of([str(tmp_path)])] == ["link.bu", "x.bu"]


def test_a_folder_that_ends_in_a_suffix_is_searched(tmp_path: Path) -> None:
    written(tmp_path / "configs.bu", x_bu="")
    assert files_of([str(tmp_path / "configs.bu")]) == [(str(tmp_path / "configs.bu" / "x.bu"), False)]


@pytest.mark.parametrize("path", ["/nowhere/x", "/", ""])
def test_what_can_not_be_read_is_refused_as_wrong_usage(path: str) -> None:
    with pytest.raises(ProvisionError) as caught:
        read_input(path)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(f"{path or repr('')}: ")


def test_bytes_come_back_as_they_were_written(tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    write_output(str(tmp_path / "x"), data)
    assert read_input(str(tmp_path / "x")) == data


def test_a_link_to_nothing_makes_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_output(str(tmp_path / "link"), b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"x"


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ProvisionError):
        read_input(str(tmp_path / "a"))


def test_special_permission_bits_of_an_existing_file_stay(tmp_path: Path) -> None:
    one = written(tmp_path, x_ign="old") / "x.ign"
    one.chmod(0o2640)
    write_output(str(one), b"new")
    assert stat.S_IMODE(one.stat().st_mode) == 0o2640


def test_another_name_of_the_same_file_keeps_the_old_content(tmp_path: Path) -> None:
    """The price of one step: a hard link is another file from then on."""
    one = written(tmp_path, x_ign="old") / "x.ign"
    os.link(one, tmp_path / "other")
    write_output(str(one), b"new")
    assert (tmp_path / "other").read_text() == "old"


def test_writing_leaves_the_umask_as_it_was(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_output(str(tmp_path / "x"), b"")
        assert os.umask(0o027) == 0o027
        assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
    finally:
        os.umask(before)


def test_a_search_takes_the_drop_ins_of_units_and_no_other_settings(tmp_path: Path) -> None:
    written(tmp_path / "web.service.d", x_conf="")
    written(tmp_path / "nginx.d", y_conf="")
    assert [Path(path).name for path, _ in files_of([str(tmp_path)])] == ["x.conf"]
