"""The applier's own command line: what it reads, what it says and its exit codes. No input ends in a traceback."""

import io
import json
import os
import random
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from apply_fakes import data, tree

from provision.apply.reading import read_config
from provision.apply.root_command import main

FILES = {"files": [{"path": "/etc/a", "contents": data("a"), "mode": 420}]}


def ignition(version: str = "3.4.0", **sections: Any) -> str:
    return json.dumps({"ignition": {"version": version}, **sections})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/etc").mkdir(parents=True)
    return tmp_path / "root"


def run(text: str | bytes, root: Path, *options: str) -> int:
    """Apply a config; the answer is the exit code."""
    config = root.parent / "config.ign"
    config.write_bytes(text if isinstance(text, bytes) else text.encode())
    return main(["--root", str(root), *options, str(config)])


@pytest.mark.parametrize("minor", range(8))
def test_every_spec_is_applied(minor: int, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = f"3.{minor}.0" + ("-experimental" if minor == 7 else "")
    assert run(ignition(version, storage=FILES), root) == 0
    assert (root / "etc/a").read_text() == "a"
    assert capsys.readouterr().out.endswith("operations: 1 done, 0 were so already\n")


@pytest.mark.parametrize(("version", "mode"), [("3.5.0", 0o755), ("3.6.0", 0o4755)])
def test_special_bits_count_from_the_spec_that_brought_them(version: str, mode: int, root: Path) -> None:
    assert run(ignition(version, storage={"files": [{"path": "/etc/a", "mode": 0o4755}]}), root) == 0
    assert os.stat(root / "etc/a").st_mode & 0o7777 == mode


def test_standard_input_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ignition(storage=FILES).encode())))
    assert main(["--root", str(root), "-"]) == 0
    assert (root / "etc/a").exists()


def test_a_dry_run_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(str(root))
    assert run(ignition(storage=FILES), root, "--dry-run") == 0
    assert tree(str(root)) == before
    assert "write /etc/a: 1 byte," in capsys.readouterr().out


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "the config is empty"),
    "truncated": (ignition(storage=FILES)[:-9], "line 1, column"),
    "a list": ("[]", "a JSON object is due"),
    "text after it": (ignition() + "}", "not JSON"),
    "no version": ("{}", "ignition.version is missing"),
    "a null": ('{"ignition":null}', "ignition.version is missing"),
    "a number as version": ('{"ignition":{"version":3}}', "ignition.version 3 is not known"),
    "an old version": (ignition("2.3.0"), "'2.3.0' is not known; known are 3.0.0, 3.1.0"),
    "a version to come": (ignition("3.8.0-experimental"), "is not known"),
    "a version that is a list": ('{"ignition":{"version":[]}}', "is not known"),
    "bad UTF-8": (b'{"ignition":{"version":"3.4.0\xff"}}', "byte 29: not UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "BOM"),
    "deep nesting": ("[" * 100_000, "nested too deeply"),
    "deep objects": ('{"a":' * 100_000, "nested too deeply"),
    "NaN": ('{"ignition":NaN}', "not JSON: NaN"),
    "a huge number": ('{"ignition":' + "9" * 5000 + "}", "error"),
    "wrong types": (
        ignition(storage={"files": [{"path": 5, "mode": "0644", "overwrite": 1, "append": {}}]}),
        "storage.files[0].mode: an integer",
    ),
    "a list for an object": (ignition(storage=[]), "storage: an object is due here"),
    "an object for a list": (ignition(storage={"files": {}}), "storage.files: a list is due here"),
    "a string in a list of objects": (ignition(storage={"files": ["x"]}), "storage.files[0]: an object is due here"),
    "a missing path": (ignition(storage={"files": [{}]}), "storage.files[0]: `path` is missing"),
    "an integer of 65 bits": (ignition(storage={"files": [{"path": "/a", "mode": 2**64}]}), "64 bits"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_config_is_explained(name: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, message = BROKEN[name]
    assert run(text, root) == 1
    assert message in capsys.readouterr().err
    assert tree(str(root)).keys() == {"etc"}


def test_a_violated_rule_is_shown_with_its_code_and_key(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [{"path": "/etc/a"}, {"path": "etc/b"}]
    assert run(ignition(storage={"files": files}), root) == 1
    message = capsys.readouterr().err
    assert "error[PV3" in message
    assert "storage.files[1].path: " in message


def test_an_unknown_key_is_only_a_warning(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ignition(storage={"files": [{"path": "/etc/a", "colour": 1}]}), root) == 0
    assert "warning: storage.files[0].colour: the key is not known" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["missing.ign", "."])
def test_a_config_that_cannot_be_read_is_a_mistake_of_use(
    path: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(root), str(root / path)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_root_that_is_missing_is_a_mistake_of_use(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ignition(), root / "missing") == 2
    assert "give a directory that exists" in capsys.readouterr().err


def test_the_running_system_needs_yes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = root / "empty.ign"
    config.write_text(ignition())
    assert main(["--root", "/", str(config)]) == 2
    assert "--yes" in capsys.readouterr().err
    assert main(["--root", "/", "--yes", str(config)]) == 0


@pytest.mark.parametrize("options", [[], ["x"], ["--root"], ["--root", "/x", "--skip", "files", "x"]])
def test_wrong_options_are_a_mistake_of_use(options: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2


def test_what_is_not_built_is_refused_with_3_and_can_be_skipped(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = ignition(storage={**FILES, "disks": [{"device": "/dev/vda"}]}, kernelArguments={"shouldExist": ["quiet"]})
    assert run(text, root) == 3
    message = capsys.readouterr().err
    assert "storage.disks: a directory has no disks" in message
    assert "kernelArguments: a directory has no disks or boot loader; leave out with --skip kernel_arguments" in message
    assert not (root / "etc/a").exists()
    assert run(text, root, "--skip", "disks", "--skip", "kernel_arguments") == 0
    assert (root / "etc/a").exists()


def test_a_reader_that_stops_reading_is_no_failure_of_ours(root: Path) -> None:
    files = [{"path": f"/etc/{i}"} for i in range(2000)]
    text = ignition(storage={"files": files})
    with subprocess.Popen(
        [sys.executable, "-m", "provision.apply", "--root", str(root), "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(text)
        process.stdin.close()
        message = process.stderr.read()
    assert "Traceback" not in message
    assert "the output was closed" in message


# ---- configs in configs ---------------------------------------------------------------------------------------------


def reference(text: str) -> dict[str, str]:
    return {"source": "data:;base64," + b64encode(text.encode()).decode()}


def referring(version: str = "3.4.0", *, storage: Any = None, **config: Any) -> str:
    return json.dumps({"ignition": {"version": version, "config": config}, "storage": storage or {}})


def test_merged_configs_win_and_nest(root: Path) -> None:
    inner = ignition("3.0.0", storage={"files": [{"path": "/etc/inner"}]})
    child = referring(
        "3.1.0", merge=[reference(inner)], storage={"files": [{"path": "/etc/a", "contents": data("child")}]}
    )
    parent = referring(
        merge=[reference(child)], storage={"files": [{"path": "/etc/a", "contents": data("parent"), "mode": 0o600}]}
    )
    assert run(parent, root) == 0
    assert (root / "etc/a").read_text() == "child"
    assert os.stat(root / "etc/a").st_mode & 0o777 == 0o600
    assert (root / "etc/inner").exists()


def test_a_replacing_config_replaces_all(root: Path) -> None:
    parent = referring(
        replace=reference(ignition(storage=FILES)), merge=[reference("junk")], storage={"files": [{"path": "/etc/b"}]}
    )
    assert run(parent, root) == 0
    assert tree(str(root)).keys() == {"etc", "etc/a"}


@pytest.mark.parametrize(
    ("child", "code", "message"),
    [
        ("", 1, "ignition.config.merge[0] is not a valid config"),
        ("{", 1, "ignition.config.merge[0] is not a valid config"),
        (ignition(storage={"files": [{"path": "relative"}]}), 1, "ignition.config.merge[0] is not a valid config"),
        (ignition(storage={"links": [{"path": "/etc/a", "target": "/"}]}), 0, ""),
        (ignition(storage={"links": [{"path": "/etc", "target": "/"}]}), 1, "merging resulted in an invalid config"),
    ],
)
def test_a_child_must_be_sound_alone_and_merged(
    child: str, code: int, message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = reference(child) if child else {"source": "data:,"}
    parent = referring(merge=[source], storage={"files": [{"path": "/etc/a"}]})
    assert run(parent, root) == code
    assert message in capsys.readouterr().err


def test_offline_a_remote_config_is_refused_even_in_a_child(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = referring(merge=[{"source": "https://host/x"}])
    assert run(referring(merge=[reference(child)]), root, "--offline") == 3
    assert (
        "ignition.config.merge[0]: https://host/x has to be fetched, and this run is offline" in capsys.readouterr().err
    )


def test_a_child_s_hash_is_checked(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = {**reference(ignition()), "verification": {"hash": "sha512-" + "0" * 128}}
    assert run(referring(merge=[child]), root) == 3
    assert "ignition.config.merge[0]: the content has the sha512 hash" in capsys.readouterr().err


# ---- damage ---------------------------------------------------------------------------------------------------------

WHOLE = ignition(
    passwd={"users": [{"name": "core", "sshAuthorizedKeys": ["k"]}], "groups": [{"name": "g", "gid": 5}]},
    storage={
        "directories": [{"path": "/srv", "mode": 448, "user": {"id": 0}}],
        "files": [
            {"path": "/etc/a", "append": [data("x")], "overwrite": False},
            {"path": "/etc/b", "contents": {"source": "data:;base64,YQ==", "compression": "", "verification": {}}},
        ],
        "links": [{"path": "/etc/l", "target": "../x", "hard": False}],
    },
    systemd={"units": [{"name": "a@b.service", "enabled": True, "mask": False, "dropins": [{"name": "x.conf"}]}]},
)
JUNK: tuple[object, ...] = (
    None,
    True,
    -1,
    2**40,
    2**70,
    1.5,
    "",
    "\0",
    "\ud800",
    "/",
    "a/../..",
    "data:,%",
    [],
    {},
    [None],
    [[]],
)


def mutated(seed: int) -> str:
    """The config with one value replaced, taken away or doubled."""
    chance = random.Random(seed)
    document = json.loads(WHOLE)
    containers = [document]
    for container in containers:
        inner = container.values() if isinstance(container, dict) else container
        containers += [value for value in inner if isinstance(value, (dict, list)) and value]
    container = chance.choice(containers)
    key = chance.choice(list(container)) if isinstance(container, dict) else chance.randrange(len(container))
    act = chance.randrange(4)
    if act == 0:
        del container[key]
    elif act == 1 and isinstance(container, list):
        container.append(container[key])
    else:
        container[key] = chance.choice(JUNK)
    return json.dumps(document)


@pytest.mark.parametrize("block", range(20))
def test_no_mutation_ends_in_a_traceback(block: int, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(block * 50, block * 50 + 50):
        code = run(mutated(seed), root, "--dry-run", "--skip", "passwd" if seed % 2 else "disks")
        said = capsys.readouterr()
        assert code in (0, 1, 3), said.err
        assert said.err or code == 0
    assert tree(str(root)).keys() == {"etc"}


@pytest.mark.parametrize("size", range(0, len(WHOLE), 7))
def test_no_truncation_is_taken_for_a_config(size: int) -> None:
    assert not read_config(WHOLE[:size].encode()).is_sound
