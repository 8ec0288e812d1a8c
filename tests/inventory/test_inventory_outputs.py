"""The folder of results: what is written, what stays, what is told of files that nobody needs any more."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from inventory_shared import PLAIN, build, told, wanted, write

from provision.diagnostics import ProvisionError
from provision.inventory.building import build_inventory
from provision.inventory.hosts import build_host
from provision.inventory.outputs import STAGING, opened
from provision.inventory.report import words

TWO = "templates: host.bu.j2\nhosts:\n  a: {variables: {port: 1}}\n  b: {variables: {port: 2}}\n"
LONG_AGO = 1_000_000_000


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out/manifest.json").read_text())
    return found


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder / "out"))


def age(folder: Path) -> None:
    """Make everything old."""
    for path in (folder / "out").iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))


def changed(folder: Path) -> list[str]:
    """What is not old."""
    return sorted(path.name for path in (folder / "out").iterdir() if path.stat().st_mtime != LONG_AGO)


def test_each_host_has_a_file_and_the_manifest_its_hash(tmp_path: Path) -> None:
    report = build(tmp_path, TWO)
    assert names(tmp_path) == ["a.ign", "b.ign", "manifest.json"]
    data = (tmp_path / "out/a.ign").read_bytes()
    entry = {"file": "a.ign", "sha512": hashlib.sha512(data).hexdigest(), "size": len(data)}
    found = manifest(tmp_path)
    assert list(found) == ["version", "inventory", "hosts", "failed", "stale"]
    assert (found["version"], list(found["hosts"]), found["hosts"]["a"]) == (1, ["a", "b"], entry)
    assert (report.written, report.unchanged, list(words(report))) == (
        ("a", "b"),
        0,
        ["2 hosts: 2 written, 0 unchanged"],
    )


def test_what_is_the_same_keeps_its_time(tmp_path: Path) -> None:
    build(tmp_path, TWO)
    age(tmp_path)
    report = build(tmp_path, TWO)
    assert (changed(tmp_path), report.written, report.unchanged) == ([], (), 2)
    report = build(tmp_path, TWO.replace("port: 2", "port: 3"))
    assert (changed(tmp_path), report.written, report.unchanged) == (["b.ign", "manifest.json"], ("b",), 1)


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    build(tmp_path, TWO)
    (tmp_path / "out/a.ign").chmod(0o600)
    build(tmp_path, TWO.replace("port: 1", "port: 5"))
    assert (tmp_path / "out/a.ign").stat().st_mode & 0o777 == 0o600


def test_a_host_that_fails_leaves_the_others_and_its_older_file(tmp_path: Path) -> None:
    build(tmp_path, TWO)
    before = (tmp_path / "out/b.ign").read_bytes()
    hosts = manifest(tmp_path)["hosts"]
    report = build(tmp_path, TWO.replace("port: 2", "port: many").replace("port: 1", "port: 9"))
    assert (report.written, report.failed, report.outdated, report.is_wrong) == (("a",), ("b",), ("b",), True)
    assert (tmp_path / "out/b.ign").read_bytes() == before
    assert (list(manifest(tmp_path)["hosts"]), manifest(tmp_path)["failed"]) == (["a"], {"b": hosts["b"]})
    assert list(words(report)) == [
        "b.ign is of an earlier build: b could not be built",
        "2 hosts: 1 written, 0 unchanged, 1 failed",
    ]
    report = build(tmp_path, TWO)
    assert (manifest(tmp_path)["failed"], report.unchanged) == ({}, 1)


def test_files_of_hosts_that_are_gone_are_told_and_removed_when_asked(tmp_path: Path) -> None:
    build(tmp_path, TWO)
    (tmp_path / "out/mine.ign").write_text("{}")
    one = TWO.replace("  a: {variables: {port: 1}}\n", "")
    report = build(tmp_path, one)
    assert (report.stale, report.removed, names(tmp_path)) == (
        ("a",),
        (),
        ["a.ign", "b.ign", "manifest.json", "mine.ign"],
    )
    assert list(manifest(tmp_path)["stale"]) == ["a"]
    assert next(words(report)) == "a.ign is stale: a is no host any more; --prune removes its file"
    assert build(tmp_path, one).stale == ("a",)
    report = build(tmp_path, one, prune=True)
    assert (report.stale, report.removed, names(tmp_path)) == ((), ("a",), ["b.ign", "manifest.json", "mine.ign"])
    assert manifest(tmp_path)["stale"] == {}


def test_a_stale_file_that_was_changed_is_not_removed(tmp_path: Path) -> None:
    build(tmp_path, TWO)
    (tmp_path / "out/a.ign").write_text("by hand")
    report = build(tmp_path, TWO.replace("  a: {variables: {port: 1}}\n", ""), prune=True)
    assert (report.kept, report.removed, (tmp_path / "out/a.ign").read_text()) == (("a",), (), "by hand")
    assert next(words(report)) == "a.ign is stale: a was changed since it was built, and stays"


def test_a_host_that_comes_back_is_no_longer_stale(tmp_path: Path) -> None:
    build(tmp_path, TWO)
    build(tmp_path, TWO.replace("  a: {variables: {port: 1}}\n", ""))
    report = build(tmp_path, TWO)
    assert (report.stale, report.unchanged, manifest(tmp_path)["stale"]) == ((), 2, {})


def test_only_some_hosts_leave_the_rest_as_it_is(tmp_path: Path) -> None:
    text = "templates: host.bu.j2\nhosts: {web-1: {}, web-2: {}, db-1: {}}\n"
    report = build(tmp_path, text, only=("web-*",))
    assert (report.total, report.written, names(tmp_path)) == (
        2,
        ("web-1", "web-2"),
        ["manifest.json", "web-1.ign", "web-2.ign"],
    )
    age(tmp_path)
    report = build(tmp_path, text, only=("db-1", "web-1"))
    assert (report.written, changed(tmp_path)) == (("db-1",), ["db-1.ign", "manifest.json"])
    assert list(manifest(tmp_path)["hosts"]) == ["web-1", "web-2", "db-1"]
    with pytest.raises(ProvisionError, match=r"--only x: no host of .* has such a name"):
        build(tmp_path, text, only=("web-1", "x"))


def test_only_keeps_what_is_known_of_hosts_that_failed(tmp_path: Path) -> None:
    text = "templates: host.bu.j2\nhosts: {a: {}, b: {variables: {port: many}}}\n"
    build(tmp_path, text)
    build(tmp_path, text, only=("a",))
    assert manifest(tmp_path)["failed"] == {"b": {}}


def test_nothing_is_written_where_nothing_is_to_be(tmp_path: Path) -> None:
    report = build(tmp_path, TWO, folder=None)
    assert (report.built, report.checked, (tmp_path / "out").exists()) == (2, True, False)
    assert list(words(report)) == ["2 hosts: 2 right"]


def test_a_host_with_warnings_is_not_written_where_none_are_taken(tmp_path: Path) -> None:
    write(tmp_path, a_bu=PLAIN.replace("0644", "644"))
    report = build(tmp_path, "hosts:\n  a: {templates: host.bu.j2}\n  b: {fragments: a.bu}\n", strict=True)
    assert (report.written, report.failed) == (("a",), ("b",))


def test_another_file_called_manifest_is_not_overwritten(tmp_path: Path) -> None:
    for text in (
        "{}",
        "[]",
        "no json",
        '{"version": 2}',
        '{"version": 1, "hosts": {"../a": {}}, "failed": {}, "stale": {}}',
    ):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out/manifest.json").write_text(text)
        with pytest.raises(ProvisionError, match="is no manifest that this provision has written"):
            build(tmp_path, TWO)
        assert (names(tmp_path), (tmp_path / "out/manifest.json").read_text()) == (["manifest.json"], text)


def test_a_folder_where_a_file_belongs_is_told(tmp_path: Path) -> None:
    (tmp_path / "out/a.ign").mkdir(parents=True)
    with pytest.raises(ProvisionError, match=r"out/a\.ign: is a directory"):
        build(tmp_path, TWO)
    assert names(tmp_path) == ["a.ign"]


def test_two_builds_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with opened(str(tmp_path / "out")), pytest.raises(ProvisionError, match="another build is writing to this folder"):
        build(tmp_path, TWO)
    assert build(tmp_path, TWO).built == 2


def test_what_a_build_that_was_killed_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "out" / f"{STAGING}x"
    left.mkdir(parents=True)
    (left / "a.ign").write_text("half")
    build(tmp_path, TWO)
    assert names(tmp_path) == ["a.ign", "b.ign", "manifest.json"]


def test_a_build_that_breaks_off_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, TWO)
    age(tmp_path)

    def fails(*given: Any) -> Any:
        if given[0].name == "b":
            raise KeyboardInterrupt
        return build_host(*given)

    monkeypatch.setattr("provision.inventory.gathering.build_host", fails)
    (tmp_path / "hosts.yaml").write_text(TWO.replace("port: ", "port: 1"))
    with pytest.raises(KeyboardInterrupt):
        build_inventory(wanted(tmp_path))
    assert (changed(tmp_path), names(tmp_path)) == ([], ["a.ign", "b.ign", "manifest.json"])


def test_an_own_mistake_says_which_host_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any) -> Any:
        raise RuntimeError("x")

    monkeypatch.setattr("provision.inventory.gathering.build_host", fails)
    with pytest.raises(RuntimeError) as caught:
        build(tmp_path, TWO)
    assert caught.value.__notes__ == ["while building a"]


def test_several_processes_give_what_one_gives(tmp_path: Path) -> None:
    write(tmp_path, t_bu_j2=(write(tmp_path) / "host.bu.j2").read_text().replace("mode: 0644", "mode: {{ port }}"))
    hosts = "".join(
        f"  h{i}: {{variables: {{port: {420 if i % 3 else 'many' if i % 2 else 644}}}}}\n" for i in range(200)
    )
    text = f"templates: t.bu.j2\nhosts:\n{hosts}"
    one = build(tmp_path, text)
    contents = {name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path)}
    two = build(tmp_path, text, jobs=3, folder=str(tmp_path / "second"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "second").iterdir()} == contents
    assert (one.diagnostics, one.failed, one.written, one.sources) == (
        two.diagnostics,
        two.failed,
        two.written,
        two.sources,
    )
    assert len(one.failed) == 33
    assert len(told(one)) == 34
