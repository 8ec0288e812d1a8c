"""From file to file: what is written, what is refused, and that nothing is left half done."""

import json
from pathlib import Path

import pytest

from provision.decompile.files import convert_file, decompile_file
from provision.diagnostics import ProvisionError
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

CONFIG = {
    "ignition": {"version": "3.4.0"},
    "storage": {"files": [{"path": "/opt/a.bin", "contents": {"source": "data:;base64,/wA="}}, {"path": "/etc/b", "contents": {"source": "data:,b"}}]},
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "x.ign"
    path.write_text(json.dumps(CONFIG))
    return str(path)


def test_the_document_and_its_files_are_written_and_transpile_again(config: str, tmp_path: Path) -> None:
    out, folder = tmp_path / "out.bu", tmp_path / "out.d"
    found = decompile_file(config, None, str(out), str(folder))
    assert out.read_text() == found.text
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == ["opt/a.bin"]
    assert (folder / "opt" / "a.bin").read_bytes() == b"\xff\x00"
    again = compile_document(out.read_bytes(), "out.bu", Options(str(folder)))
    assert b"data:;base64,/wA=" in again.output() or b"data:,%FF%00" in again.output()


def test_without_a_folder_there_are_no_files_and_without_an_output_there_is_nothing(
    config: str, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    found = decompile_file(config, None, None, None)
    assert "source: data:;base64,/wA=" in (found.text or "")
    assert sorted(tmp_path.iterdir()) == before


def test_a_second_run_changes_nothing(config: str, tmp_path: Path) -> None:
    out, folder = tmp_path / "out.bu", tmp_path / "out.d"
    for _ in range(2):
        decompile_file(config, None, str(out), str(folder))
    assert out.exists()


def test_another_file_is_not_overwritten_and_then_nothing_is_written(config: str, tmp_path: Path) -> None:
    out, folder = tmp_path / "out.bu", tmp_path / "out.d"
    (folder / "opt").mkdir(parents=True)
    (folder / "opt" / "a.bin").write_text("mine")
    with pytest.raises(ProvisionError, match="there is another file already"):
        decompile_file(config, None, str(out), str(folder))
    assert not out.exists()
    assert (folder / "opt" / "a.bin").read_text() == "mine"


def test_a_symbolic_link_does_not_lead_out_of_the_folder(config: str, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "out.d", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "opt").symlink_to(elsewhere)
    with pytest.raises(ProvisionError, match="leads out of"):
        decompile_file(config, None, None, str(folder))
    assert not list(elsewhere.iterdir())


def test_a_folder_that_cannot_be_made_is_a_refusal(config: str, tmp_path: Path) -> None:
    (tmp_path / "out.d").write_text("a file")
    with pytest.raises(ProvisionError):
        decompile_file(config, None, str(tmp_path / "out.bu"), str(tmp_path / "out.d"))
    assert not (tmp_path / "out.bu").exists()


def test_with_mistakes_nothing_is_written(tmp_path: Path) -> None:
    path, out = tmp_path / "x.ign", tmp_path / "out.bu"
    path.write_text('{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "relative"}]}}')
    found = decompile_file(str(path), None, str(out), str(tmp_path / "out.d"))
    assert found.text is None
    assert [why.code for why in found.diagnostics] == ["PV301"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.ign"]


def test_only_what_exists_can_be_read_and_only_variants_can_be_written(config: str, tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="no such file"):
        decompile_file(str(tmp_path / "nothing.ign"), None, None, None)
    with pytest.raises(ProvisionError, match="use one of fcos, flatcar"):
        decompile_file(config, "rhcos", None, None)


def test_what_a_person_wrote_is_converted_not_decompiled(tmp_path: Path) -> None:
    path = tmp_path / "x.bu"
    path.write_text("# hello\nvariant: fcos\nversion: 1.5.0\nstorage:\n  trees:\n    - local: .\n      path: /srv\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("text\n")
    with pytest.raises(ProvisionError, match="provision convert"):
        decompile_file(str(path), None, None, None)
    found = convert_file(str(path), "flatcar", None, None, Options(str(tmp_path / "in")))
    assert found.text == (
        "# hello\nvariant: flatcar\nversion: 1.1.0\n\nstorage:\n  files:\n    # from storage.trees\n    - path: /srv/a\n      mode: 0644\n      contents:\n"
        "        inline: |\n          text\n"
    )
