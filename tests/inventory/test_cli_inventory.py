"""`provision build --inventory` as a user runs it, and the sample that the manual speaks of."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from cli_console import REPOSITORY, SCRIPT, on_terminal, provision, started
from inventory_shared import HOST, write

from provision.transpile.compile import compile_document

SAMPLE = REPOSITORY / "samples/inventory/hosts.yaml"
TWO = "templates: host.bu.j2\nhosts:\n  a: {variables: {port: 1}}\n  b: {variables: {port: 2}}\n"
# Many hosts that take a while each.
SLOW = HOST.replace("variant:", "{% for i in range(100000) %}{% endfor %}\nvariant:")


def many(folder: Path, count: int, text: str = HOST) -> Path:
    """An inventory of many hosts."""
    write(folder, t_bu_j2=text)
    hosts = "".join(f"  h{i}: {{variables: {{port: {i + 1}}}}}\n" for i in range(count))
    (folder / "hosts.yaml").write_text(f"templates: t.bu.j2\nhosts:\n{hosts}")
    return folder


def test_the_sample_builds_without_a_word(tmp_path: Path) -> None:
    ran = provision("build", "--strict", "--inventory", SAMPLE, "-o", tmp_path / "out")
    assert ran == (0, "", "5 hosts: 5 written, 0 unchanged\n")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert list(manifest["hosts"]) == ["etcd-1", "etcd-2", "etcd-3", "web-1", "web-2"]
    for name in manifest["hosts"]:
        compiled = compile_document((tmp_path / "out" / f"{name}.ign").read_bytes(), f"{name}.ign")
        assert not compiled.diagnostics
    config = json.loads((tmp_path / "out/web-2.ign").read_text())
    assert [unit["name"] for unit in config["systemd"]["units"]] == ["systemd-oomd.service", "web.service"]
    assert "caddy:2.10.1" in config["systemd"]["units"][1]["contents"]


def test_a_mistake_in_the_sample_is_told_where_it_is(tmp_path: Path) -> None:
    for path in SAMPLE.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (
        SAMPLE.read_text()
        .replace("192.0.2.22/24", "192.0.2.21/24")
        .replace("etcd-3, address: 192.0.2.13", "etcd-3, address: 192.0.2.300")
    )
    (tmp_path / "hosts.yaml").write_text(text)
    ran = provision("build", "--inventory", "hosts.yaml", "-o", "out", cwd=tmp_path)
    assert ran.code == 1
    assert [line.partition(" ")[0] for line in ran.err.splitlines()[:2]] == ["hosts.yaml:24:35:", "hosts.yaml:44:3:"]
    assert ran.err.endswith("2 errors in 1 file\n5 hosts: 0 written, 0 unchanged, 5 failed\n")


def test_json_says_what_was_done(tmp_path: Path) -> None:
    write(tmp_path, hosts_yaml=TWO.replace("port: 2", "port: many"))
    ran = provision("build", "--inventory", "hosts.yaml", "-o", "out", "--json", cwd=tmp_path)
    assert ran.code == 1
    assert json.loads(ran.out) == {
        "hosts": 2, "built": 1, "unchanged": 0, "written": ["a"], "failed": ["b"], "outdated": [], "stale": [], "removed": [], "kept": [],
    }  # fmt: skip


def test_an_inventory_may_come_from_standard_input(tmp_path: Path) -> None:
    write(tmp_path)
    ran = provision("build", "--inventory", "-", "-o", "out", cwd=tmp_path, stdin=TWO.replace("host.bu", "./host.bu"))
    assert (ran.code, sorted(os.listdir(tmp_path / "out"))) == (0, ["a.ign", "b.ign", "manifest.json"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--inventory", "hosts.yaml"), "name the folder to build into with -o"),
        (("--inventory", "hosts.yaml", "-o", "hosts.yaml"), "name the folder to build into with -o"),
        (("--inventory", "missing.yaml", "-o", "out"), "missing.yaml: no such file or directory"),
        (("--inventory", "hosts.yaml", "-o", "hosts.yaml/out"), "not a directory"),
        (("--inventory", "hosts.yaml", "-o", "out", "--only", "x*"), "--only x*: no host of hosts.yaml has such a name"),
        (("--inventory", "hosts.yaml", "-o", "out", "--source-map", "m"), "--source-map is not with --inventory"),
    ],
)  # fmt: skip
def test_a_wrong_use_is_told(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    write(tmp_path, hosts_yaml=TWO)
    ran = provision("build", *arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_a_library_that_is_not_there_is_told(tmp_path: Path) -> None:
    write(tmp_path, hosts_yaml=TWO.replace("host.bu.j2", "web"))
    ran = provision("build", "--inventory", "hosts.yaml", "-o", "out", "--path", "nowhere", cwd=tmp_path)
    assert ran.code == 1
    assert "nowhere:1:1: error[PV789]: there is no such folder or zip" in ran.err


def test_check_and_strict(tmp_path: Path) -> None:
    write(tmp_path, hosts_yaml=TWO.replace("templates", "variables: {foo: 1}\ntemplates"))
    ran = provision("build", "--inventory", "hosts.yaml", "--check", cwd=tmp_path)
    assert (ran.code, ran.err.splitlines()[-1], (tmp_path / "out").exists()) == (0, "2 hosts: 2 right", False)
    assert provision("build", "--inventory", "hosts.yaml", "--check", "--strict", cwd=tmp_path).code == 1


def test_a_bar_shows_how_far_it_is(tmp_path: Path) -> None:
    many(tmp_path, 300, SLOW)
    code, shown = on_terminal(
        SCRIPT, "build", "--inventory", str(tmp_path / "hosts.yaml"), "-o", str(tmp_path / "out")
    )[:2]
    assert code == 0
    assert "building" in shown
    assert "/300" in shown


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    many(tmp_path, 2000, SLOW)
    process = started(
        sys.executable,
        "-m",
        "provision",
        "build",
        "--inventory",
        str(tmp_path / "hosts.yaml"),
        "-o",
        str(tmp_path / "out"),
        "-j",
        "2",
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(path.suffix == ".ign" for path in (tmp_path / "out").glob("*/*")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"Traceback" not in err
    assert os.listdir(tmp_path / "out") == []


def test_memory_does_not_grow_with_the_hosts(tmp_path: Path) -> None:
    """Peak memory of one process for 200 hosts and for 1400; what a host leaves behind is well below 20 kB."""

    def peak(count: int) -> int:
        folder = many(tmp_path / str(count), count)
        command = [
            sys.executable,
            "-m",
            "provision",
            "build",
            "--inventory",
            str(folder / "hosts.yaml"),
            "-o",
            str(folder / "out"),
        ]
        with started(*command, "-j", "1") as process:
            assert process.stdout is not None
            process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss * 1024

    assert peak(1400) - peak(200) < 1200 * 20_000
