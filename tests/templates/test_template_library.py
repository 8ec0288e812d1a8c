"""Libraries: folders and zips, in their order."""

import io
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates_shared import HEAD

from provision.templates.library import (
    LibraryError,
    NotFound,
    Template,
    all_templates,
    find,
    is_inner,
    is_template,
    library,
    shipped,
    template_file,
    title_of,
)
from provision.templates.rendering import check, render


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A team's library with a template of its own, one that has a name of ours, and parts."""
    folder = tmp_path / "team"
    (folder / "sub").mkdir(parents=True)
    (folder / "own.bu.j2").write_text(HEAD + "own {% include '_part.j2' %}")
    (folder / "swap-file.bu.j2").write_text(HEAD + "theirs")
    (folder / "sub" / "deep.yaml.j2").write_text(HEAD + "deep {% include '_part.j2' %}")
    (folder / "_part.j2").write_text("part")
    (folder / "_hidden.bu.j2").write_text("part")
    (folder / "README.md").write_text("no template")
    (folder / "plain.j2").write_text("part")
    return folder


@pytest.fixture
def zipped(team: Path, tmp_path: Path) -> Path:
    """The same as a zip."""
    path = tmp_path / "team.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(team.rglob("*")):
            if file.is_file():
                archive.write(file, str(file.relative_to(team)))
        archive.writestr("../outside.bu.j2", HEAD)
        archive.writestr("/absolute.bu.j2", HEAD)
    return path


@pytest.mark.parametrize("kind", ["team", "zipped"])
def test_a_folder_and_a_zip_are_libraries(kind: str, request: pytest.FixtureRequest) -> None:
    path = str(request.getfixturevalue(kind))
    names = [each.title for each in all_templates([path])]
    assert names[:3] == ["own", "sub/deep", "swap-file"]
    assert "k3s-server" in names
    assert len(names) == len(set(names))
    found = find("own", [path])
    assert isinstance(found, Template)
    assert found.file == f"{path}/own.bu.j2"
    assert render(found).text == "own part"
    deep = find("sub/deep", [path])
    assert isinstance(deep, Template)
    assert render(deep).text == "deep part"
    ours = find("swap-file", [path])
    assert isinstance(ours, Template)
    assert render(ours).text == "theirs"


def test_a_template_is_found_by_name_with_suffixes_and_as_a_file(team: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("own", "own.bu.j2", str(team / "own.bu.j2")):
        found = find(name, [str(team)])
        assert isinstance(found, Template)
        assert found.title.endswith("own")
    monkeypatch.chdir(team)
    assert template_file("own.bu.j2").file == "own.bu.j2"
    assert render(template_file("own.bu.j2")).text == "own part"
    assert isinstance(find("k3s-server", []), Template)


def test_a_name_that_no_library_has_comes_with_those_that_there_are(team: Path) -> None:
    found = find("onw", [str(team)])
    assert isinstance(found, NotFound)
    assert "own" in found.known


def test_the_shipped_library_is_sound() -> None:
    assert os.path.isdir(shipped())
    for each in all_templates([]):
        assert not check(each), each.file


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no such folder or zip"),
        (lambda path: path.write_text("text"), "is neither a folder nor a zip"),
        (lambda path: path.write_bytes(b"PK\x03\x04 damaged"), "the zip is damaged"),
        (lambda path: path.write_bytes(b""), "is neither a folder nor a zip"),
        (lambda path: os.mkfifo(path), "is neither a folder nor a zip"),
    ],
)
def test_a_path_that_is_no_library_is_told(tmp_path: Path, make: object, said: str) -> None:
    path = tmp_path / "lib.zip"
    make(path)  # type: ignore[operator]  # one of the functions above
    with pytest.raises(LibraryError) as caught:
        library(str(path)).names()
    found = caught.value.diagnostic
    assert (found.code, found.file, found.span.line) == ("PV789", str(path), 1)
    assert said in found.message


def test_a_damaged_file_in_a_zip_is_told(zipped: Path) -> None:
    data = zipped.read_bytes()
    at = data.index(b"own {%")
    zipped.write_bytes(data[:at] + b"OWN" + data[at + 3 :])
    found = find("own", [str(zipped)])
    assert isinstance(found, Template)
    assert [(each.code, each.file) for each in check(found)] == [("PV789", str(zipped))]


@given(
    st.lists(st.tuples(st.integers(0, 1 << 12), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 1 << 12)
)
def test_damage_to_a_zip_is_told_or_does_no_harm(changes: list[tuple[int, int]], cut: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.bu.j2", HEAD + "one\n" * 40)
        archive.writestr("two.bu.j2", HEAD, zipfile.ZIP_STORED)
    data = bytearray(packed.getvalue())
    for place, byte in changes:
        data[place % len(data)] = byte
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lib.zip"
        path.write_bytes(data[: len(data) - cut] if cut < len(data) // 4 else data)
        with suppress(LibraryError):
            found = library(str(path))
            for name in found.names():
                found.data(name)


def test_a_zip_that_is_packed_in_another_way_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lib.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("own.bu.j2", HEAD)
    found = find("own", [str(path)])
    assert isinstance(found, Template)
    (said,) = check(found)
    assert (said.code, said.file) == ("PV789", str(path))
    assert "`own.bu.j2` in the zip is not packed by deflate" in said.message


def test_a_zip_that_unpacks_to_too_much_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.bu.j2", HEAD + "x" * (64 << 20))
    found = find("big", [str(path)])
    assert isinstance(found, Template)
    assert [each.code for each in check(found)] == ["PV787"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_can_not_be_searched_is_told(team: Path) -> None:
    (team / "sub").chmod(0)
    try:
        with pytest.raises(LibraryError, match="can't be searched"):
            library(str(team)).names()
    finally:
        (team / "sub").chmod(0o755)


@pytest.mark.parametrize(
    ("name", "title", "is_one"),
    [
        ("web.bu.j2", "web", True), ("a/web.yaml.j2", "a/web", True), ("x.service.j2", "x", True), ("x.ign.j2", "x", True),
        ("_web.bu.j2", "_web", False), ("web.j2", "web", False), ("web.bu", "web", False), ("a/_b.bu.j2", "a/_b", False),
    ],
)  # fmt: skip
def test_names_of_templates(name: str, title: str, is_one: bool) -> None:
    assert (title_of(name), is_template(name)) == (title, is_one)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "a//b", "./a", "a\\b", "", "a\0b", "a/.."])
def test_names_that_lead_out(name: str) -> None:
    assert not is_inner(name)
    assert is_inner("a/b.j2")
