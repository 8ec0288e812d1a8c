"""The generated scripts, run for real in a temporary directory."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from cloud_init_contents import compiled, script_of, units_of

MIB = 2**20
GIB = 2**30


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = folder / "script"
    path.write_text(script)
    return subprocess.run(
        ["/bin/sh", str(path)], cwd=folder, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )  # fmt: skip


def stub(folder: Path, name: str, script: str) -> str:
    """A program of our own in front of the system's; gives the PATH with it."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{programs}:{os.environ['PATH']}"


def test_runcmd_runs_texts_by_the_shell_and_lists_as_words(tmp_path: Path) -> None:
    text = """#cloud-config
runcmd:
  - [touch, "two words", "it's", "$HOME", "a;b"]
  - echo "shell $((1 + 1))" > out
  - null
  - |
    for name in a b; do
      echo "$name" >> out
    done
  - [printf, "%s\\\\n", 5] # a number is a word
"""
    script = script_of(compiled(text), "runcmd")
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "5\n"
    assert {"two words", "it's", "$HOME", "a;b"} <= set(os.listdir(tmp_path))
    assert (tmp_path / "out").read_text() == "shell 2\na\nb\n"


def test_what_runs_once_has_a_stamp_and_comes_after_packages() -> None:
    units = units_of(compiled("#cloud-config\nruncmd: [a]\npackages: [vim]\nbootcmd: [b]\n"))
    late, packages, early = (
        units[f"cloud-init-{name}.service"].contents or "" for name in ("runcmd", "packages", "bootcmd")
    )
    assert "ConditionPathExists=!/var/lib/provision/cloud-init-runcmd.stamp\n" in late
    assert "After=cloud-init-packages.service\n" in late
    assert "After=network-online.target\n" in packages
    assert "Before=sysinit.target" in early
    assert "ConditionPathExists" not in early
    assert all(unit.enabled for unit in units.values())


SWAP = "#cloud-config\nswap: {{filename: {file}, size: {size}{limit}}}\n"


def swap_file(folder: Path, size: str, memory: int, free: int, limit: str = "") -> int | None:
    """Run the script that makes the swap file, on a machine with so much memory and free space; its size in MiB."""
    file = folder / "below" / "swap"
    text = SWAP.format(file=file, size=size, limit=f", maxsize: {limit}" if limit else "")
    meminfo = folder / "meminfo"
    meminfo.write_text(f"MemTotal: {memory // 1024} kB\nMemFree: 1 kB\n")
    stub(folder, "df", f"echo Avail; echo {free}")
    stub(folder, "mkswap", 'echo "mkswap $(stat -c %a "$1")"')
    # A sparse file of the size: nobody has to write gigabytes.
    path = stub(folder, "fallocate", 'truncate -s "$2" "$3"')
    script = script_of(compiled(text), "swap").replace("/proc/meminfo", shlex.quote(str(meminfo)))
    done = run(script, folder, PATH=path)
    assert done.returncode == 0, done.stderr
    assert not (folder / "below" / "swap.new").exists()
    if not file.exists():
        return None
    assert "mkswap 600" in done.stdout
    return file.stat().st_size // MIB


@pytest.mark.parametrize(
    ("memory", "free", "limit", "mib"),
    [
        (2 * GIB, 100 * GIB, "", 2048),
        (8 * GIB, 100 * GIB, "", 4096),
        (64 * GIB, 100 * GIB, "", 8192),
        (64 * GIB, 8 * GIB, "", 2048),  # a quarter of the free space
        (8 * GIB, 100 * GIB, "1G", 1024),
        (8 * GIB, 2 * GIB, "4G", 1843),  # nine tenths of the free space
        (2 * GIB, 2 * MIB, "", None),
    ],
)
def test_an_automatic_swap_file_has_the_size_that_cloud_init_takes(
    tmp_path: Path, memory: int, free: int, limit: str, mib: int | None
) -> None:
    assert swap_file(tmp_path, "auto", memory, free, limit) == mib


@pytest.mark.parametrize(("size", "mib"), [("512M", 512), ("1G", 1024), ("1.5G", 1536), (str(3 * MIB), 3)])
def test_a_swap_file_has_the_size_that_is_asked_for(tmp_path: Path, size: str, mib: int) -> None:
    assert swap_file(tmp_path, size, GIB, GIB) == mib


def test_the_own_name_is_put_into_the_hosts_file_once(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n127.0.1.1 old.example.com old\n")
    script = script_of(compiled("#cloud-config\ntimezone: UTC\nmanage_etc_hosts: localhost\n"), "hosts")
    path = stub(tmp_path, "hostname", "echo web.example.com")
    for _ in range(2):
        done = run(script.replace("/etc/hosts", str(hosts)), tmp_path, PATH=path)
        assert done.returncode == 0, done.stderr
        assert hosts.read_text() == "127.0.0.1 localhost\n127.0.1.1 web.example.com web\n"


def test_phone_home_posts_what_is_asked_for(tmp_path: Path) -> None:
    text = (
        "#cloud-config\nphone_home: {url: 'http://x/$INSTANCE_ID/$5?a=b c', post: [hostname, instance_id], tries: 3}\n"
    )
    script = script_of(compiled(text), "phone-home")
    machine_id = tmp_path / "machine-id"
    machine_id.write_text("0123\n")
    stub(tmp_path, "hostname", "echo web")
    path = stub(tmp_path, "curl", 'printf "%s\\n" "$@"')
    done = run(script.replace("/etc/machine-id", str(machine_id)), tmp_path, PATH=path)
    assert done.stdout.splitlines() == [
        "-fsS", "--retry", "2", "--retry-delay", "3", "--retry-all-errors",
        "--data-urlencode", "hostname=web", "--data-urlencode", "instance_id=0123", "http://x/0123/$5?a=b c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "runs"), [("true", True), ("test -e script", True), ("test -e nothing", False), ('["false"]', False)]
)
def test_the_machine_is_turned_off_where_the_condition_holds(tmp_path: Path, condition: str, runs: bool) -> None:
    text = f"#cloud-config\npower_state: {{mode: poweroff, delay: 5, message: good bye, condition: {condition}}}\n"
    path = stub(tmp_path, "shutdown", 'printf "%s|" "$@"')
    done = run(script_of(compiled(text), "power-state"), tmp_path, PATH=path)
    assert done.stdout == ("-P|+5|good bye|" if runs else "")


def test_a_condition_that_is_false_makes_no_service() -> None:
    assert not units_of(compiled("#cloud-config\npower_state: {mode: reboot, condition: false}\n"))


def test_a_message_is_printed_as_it_stands(tmp_path: Path) -> None:
    script = script_of(compiled("#cloud-config\nfinal_message: |\n  it's\n  done: 100%\n"), "message")
    assert run(script, tmp_path).stdout == "it's\ndone: 100%\n"


def test_host_keys_are_printed_but_those_that_are_hidden(tmp_path: Path) -> None:
    text = "#cloud-config\nssh: {emit_keys_to_console: true}\nssh_key_console_blacklist: [ssh-rsa]\n"
    (tmp_path / "ssh_host_rsa_key.pub").write_text("ssh-rsa AAAA root\n")
    (tmp_path / "ssh_host_ed25519_key.pub").write_text("ssh-ed25519 BBBB root\n")
    script = script_of(compiled(text), "fingerprints").replace("/etc/ssh", str(tmp_path))
    path = stub(tmp_path, "ssh-keygen", "echo fingerprint")
    out = run(script, tmp_path, PATH=path).stdout
    assert "ssh-ed25519 BBBB root" in out
    assert "ssh-rsa AAAA" not in out
    assert out.count("fingerprint") == 2
