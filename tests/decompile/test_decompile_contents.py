"""Content as text in the document, as a file beside it, or as the URL that it was."""

import base64
import gzip
import json
from typing import Any

import pytest
from round_trips import config_of, meaning

from provision.decompile.contents import Contents
from provision.decompile.files import Decompiled, decompiled
from provision.transpile.compile import compile_document


def of(config: dict[str, Any], variant: str = "fcos", *, files: bool = False, version: str = "3.4.0") -> Decompiled:
    whole = {**config, "ignition": {"version": version, **config.get("ignition", {})}}
    return decompiled(compile_document(json.dumps(whole).encode(), "x.ign"), variant, files=files)


def contents(url: str, compression: str | None = None, *, files: bool = False) -> tuple[str, dict[str, bytes]]:
    """What a file's `contents` become, and the files beside the document."""
    resource = {"source": url, **({} if compression is None else {"compression": compression})}
    found = of({"storage": {"files": [{"path": "/etc/a.conf", "contents": resource}]}}, files=files)
    assert found.text is not None, found.diagnostics
    if not found.files:
        whole = {
            "ignition": {"version": "3.4.0"},
            "storage": {"files": [{"path": "/etc/a.conf", "contents": resource}]},
        }
        assert meaning(config_of(found.text)) == meaning(whole)
    return found.text.split("contents:\n")[1], found.files


def encoded(data: bytes) -> str:
    return "data:;base64," + base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("url", "compression"),
    [
        ("data:,a%0Ab%0A", None),
        ("data:,a%0Ab%0A", ""),
        ("data:text/plain;charset=utf-8;base64,YQpiCg==", None),
        (encoded(gzip.compress(b"a\nb\n", mtime=0)), "gzip"),
    ],
)
def test_text_stands_inline_however_it_was_encoded(url: str, compression: str | None) -> None:
    assert contents(url, compression) == ("        inline: |\n          a\n          b\n", {})


def test_what_is_no_text_stays_the_url_that_it_was() -> None:
    packed = gzip.compress(b"\xff\x00")
    assert contents(encoded(b"\xff\x00"))[0] == "        source: data:;base64,/wA=\n"
    assert contents(encoded(packed), "gzip")[0].splitlines() == [
        "        source: " + encoded(packed),
        "        compression: gzip",
    ]
    assert contents("data:,a%1Bb")[0] == "        source: data:,a%1Bb\n"


def test_what_is_no_text_goes_to_a_file_where_there_may_be_one() -> None:
    assert contents(encoded(b"\xff\x00"), files=True) == ("        local: etc/a.conf\n", {"etc/a.conf": b"\xff\x00"})
    assert contents(encoded(gzip.compress(b"\xff")), "gzip", files=True)[1] == {"etc/a.conf": b"\xff"}
    assert contents("data:,a%0D%0Ab%0D%0A", files=True)[1] == {"etc/a.conf": b"a\r\nb\r\n"}
    assert contents("data:,a%0Ab%0A", files=True)[1] == {}


def test_dos_line_ends_stand_in_quotes_where_there_is_no_file() -> None:
    assert contents("data:,a%0D%0Ab%0D%0A")[0] == '        inline: "a\\r\\n\\\n          b\\r\\n"\n'


def test_an_empty_content_is_an_empty_text() -> None:
    assert contents("data:,")[0] == '        inline: ""\n'


def test_gzip_that_does_not_unpack_is_left_alone() -> None:
    cut = encoded(gzip.compress(b"a" * 99)[:-9])
    assert contents(cut, "gzip")[0].startswith(f"        source: {cut}\n        compression: gzip\n")


def test_a_text_that_nobody_would_read_in_a_config_stays_packed() -> None:
    bomb = encoded(gzip.compress(b"a" * (40 << 20)))
    assert contents(bomb, "gzip")[0].startswith("        source: ")
    long = encoded(gzip.compress(b"a" * (2 << 20)))
    assert contents(long, "gzip")[0].startswith("        source: ")
    assert contents(long, "gzip", files=True)[1] == {"etc/a.conf": b"a" * (2 << 20)}


def test_a_remote_source_keeps_all_that_was_said_of_it() -> None:
    resource = {
        "source": "https://example.com/a", "compression": "gzip", "verification": {"hash": "sha512-" + "0" * 128},
        "httpHeaders": [{"name": "A", "value": "b"}],
    }  # fmt: skip
    config = {"storage": {"files": [{"path": "/a", "contents": resource}]}}
    found = of(config)
    assert found.text is not None
    assert config_of(found.text)["storage"] == config["storage"]


def test_files_are_named_after_what_they_are_for() -> None:
    blob = encoded(b"\xff")
    found = of({
        "ignition": {"security": {"tls": {"certificateAuthorities": [{"source": "data:,a"}, {"source": blob}]}}},
        "storage": {
            "files": [{"path": "/etc/a", "contents": {"source": blob}, "append": [{"source": blob}, {"source": blob}]}],
            "luks": [{"name": "x", "device": "/dev/sdb", "keyFile": {"source": blob}}],
        },
    }, files=True)  # fmt: skip
    assert sorted(found.files) == [
        "certificate_authorities/2",
        "etc/a",
        "etc/a.append-1",
        "etc/a.append-2",
        "luks/x.key",
    ]


@pytest.mark.parametrize(
    ("purpose", "file"),
    [("/a/../../b", "b"), ("../x", "x"), ("//a//b", "a/b"), ("/", None), ("..", None), ("a\0", None)],
)
def test_no_file_lies_outside_its_folder(purpose: str, file: str | None) -> None:
    assert Contents(files=True).file_for(purpose) == file


def test_a_file_below_another_file_keeps_its_url() -> None:
    blob = encoded(b"\xff")
    files: list[dict[str, Any]] = [{"path": path, "contents": {"source": blob}} for path in ("/a", "/b/c", "/b")]
    files.append({"path": "/d", "append": [{"source": blob}], "contents": {"source": blob}})
    found = of({"storage": {"files": files}}, files=True)
    assert sorted(found.files) == ["a", "b/c", "d", "d.append-1"]
    assert (found.text or "").count("source: ") == 1


def test_the_oldest_releases_know_inline_for_files_only_and_local_for_nothing() -> None:
    authorities = {"ignition": {"security": {"tls": {"certificateAuthorities": [{"source": "data:,a"}]}}}}
    files = {"storage": {"files": [{"path": "/a", "contents": {"source": encoded(b"\xff")}}]}}
    assert "source: data:,a" in (of(authorities, version="3.0.0").text or "")
    found = of(files, files=True, version="3.0.0")
    assert "source: data:;base64,/w==" in (found.text or "")
    assert not found.files


def test_a_config_to_merge_stands_inline_where_it_is_one() -> None:
    for text, inline in (
        ('{"ignition":{"version":"3.4.0"}}', True),
        ('{"ignition":{"version":"3.0.0"}}', True),
        ('{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"relative"}]}}', False),
        ("variant: fcos\n", False),
        ("{", False),
    ):
        found = of({"ignition": {"config": {"merge": [{"source": encoded(text.encode())}]}}}, files=True)
        assert ("inline: " in (found.text or "")) == inline, text
        assert not found.files
        assert "merge" in config_of(found.text or "")["ignition"]["config"]


def unit(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "enabled": True, "contents": text}


def mounted(path: str = "/var/data", **more: Any) -> dict[str, Any]:
    """What Butane makes of a file system with its mount unit."""
    options = "".join(f"            {key}: {value}\n" for key, value in more.items())
    text = (
        "variant: flatcar\nversion: 1.0.0\nstorage:\n    filesystems:\n"
        f"          - device: /dev/sdb\n            format: xfs\n            path: {path}\n            with_mount_unit: true\n{options}"
    )
    config: dict[str, Any] = config_of(text)
    return config


def test_a_mount_unit_that_butane_made_becomes_its_key_again() -> None:
    found = of(mounted(mount_options="[noatime]"), "flatcar", version="3.3.0")
    assert "with_mount_unit: true" in (found.text or "")
    assert "systemd" not in (found.text or "")


def test_a_mount_unit_that_differs_in_one_byte_stays_a_unit() -> None:
    for change in (
        {"contents": "x"},
        {"enabled": False},
        {"mask": False},
        {"dropins": [{"name": "a.conf", "contents": "[Mount]"}]},
    ):
        config = mounted()
        changed = config["systemd"]["units"][0]
        changed.update({**change, "contents": changed["contents"] + "\n"} if "contents" in change else change)
        found = of(config, "flatcar", version="3.3.0")
        assert "with_mount_unit" not in (found.text or ""), change
        assert meaning(config_of(found.text or "")) == meaning(config)


def test_a_mount_unit_in_another_place_than_butanes_stays_a_unit() -> None:
    config = mounted()
    config["systemd"]["units"].insert(0, unit("a.service", "[Install]\nWantedBy=multi-user.target\n"))
    found = of(config, "flatcar", version="3.3.0")
    assert "with_mount_unit" not in (found.text or "")
    assert config_of(found.text or "") == config


def test_a_mount_unit_where_the_variant_refuses_one_stays_a_unit() -> None:
    config = mounted("/data")
    newer = {**config, "ignition": {"version": "3.5.0"}}
    found = of(newer, "fcos", version="3.5.0")
    assert "with_mount_unit" not in (found.text or "")
    assert config_of(found.text or "") == newer
    assert "with_mount_unit" in (of(config, "flatcar", version="3.3.0").text or "")
