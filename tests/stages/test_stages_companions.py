"""`ignition-validate`, `ignition-apply` and `ignition-rmcfg`: what they take, what they say, how they end."""

import pytest
from stages_machine import Json, Machine, as_root, data_url, document, files, machine, names_below, referring
from stages_shared import answer, serving

from provision import __version__

__all__ = ["machine"]


# ---- ignition-validate ----------------------------------------------------------------------------------------------


def test_a_sound_config_is_judged_in_silence(machine: Machine) -> None:
    machine.config.write_bytes(document(files("/etc/a")))
    assert machine.call("ignition-validate", str(machine.config)) == (0, "", "")


def test_standard_input_is_judged(machine: Machine) -> None:
    assert machine.call("ignition-validate", "-", stdin=document(files("/etc/a"))) == (0, "", "")
    assert machine.call("ignition-validate", "-", stdin=b"{").status == 1


def test_every_error_is_reported_on_standard_output(machine: Machine) -> None:
    wanted = {"storage": {"files": [{"path": "a"}, {"path": "/b", "mode": 10000}]}}
    ended = machine.call("ignition-validate", "-", stdin=document(wanted))
    assert (ended.status, ended.stderr) == (1, "")
    assert "storage.files[0].path" in ended.stdout
    assert "storage.files[1].mode" in ended.stdout


def test_warnings_are_reported_and_are_no_failure(machine: Machine) -> None:
    ended = machine.call("ignition-validate", "-", stdin=document({"colour": "red"}))
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout == "warning: colour: the key is not known in this version and has no effect\n"


@pytest.mark.parametrize("version", ["3.0.0", "3.3.0", "3.6.0", "3.7.0-experimental"])
def test_a_version_that_is_known_is_judged(version: str, machine: Machine) -> None:
    assert machine.call("ignition-validate", "-", stdin=document({"ignition": {"version": version}})).status == 0


@pytest.mark.parametrize("version", ["2.3.0", "3.6.0-experimental", "3.8.0-experimental", "4.0.0", "3", ""])
def test_a_version_that_is_not_known_is_an_error(version: str, machine: Machine) -> None:
    ended = machine.call("ignition-validate", "-", stdin=document({"ignition": {"version": version}}))
    assert ended.status == 1
    assert "is not known; known are 3.0.0" in ended.stdout


@pytest.mark.parametrize("words", [(), ("a", "b"), ("missing.ign",), (".",)])
def test_what_cannot_be_judged_ends_with_1(words: tuple[str, ...], machine: Machine) -> None:
    ended = machine.call("ignition-validate", *words)
    assert (ended.status, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: ")


def test_every_program_tells_its_version(machine: Machine) -> None:
    for name in ("ignition", "ignition-validate", "ignition-rmcfg", "ignition-apply"):
        assert machine.call(name, "--version") == (0, f"provision {__version__}\n", "")


# ---- ignition-apply -------------------------------------------------------------------------------------------------


@as_root
def test_a_config_is_applied_from_standard_input(machine: Machine) -> None:
    ended = machine.call("ignition-apply", "--root", str(machine.root), "-", stdin=document(files("/etc/a")))
    assert (ended.status, ended.stderr) == (0, "")
    assert "[1/1] write /etc/a" in ended.stdout
    assert (machine.root / "etc/a").read_text() == "x"
    assert not (machine.root / "etc/.ignition-result.json").exists()


def test_base_configs_and_the_files_between_stages_are_not_its_own(machine: Machine) -> None:
    (machine.system / "base.d").mkdir(parents=True)
    (machine.system / "base.d/a.ign").write_bytes(document(files("/etc/base")))
    ended = machine.call("ignition-apply", "--root", str(machine.root), "-", stdin=document(files("/etc/a")))
    assert ended.status == 0
    assert not (machine.root / "etc/base").exists()
    assert not machine.cache.exists()
    assert not machine.state.exists()


UNSUPPORTED: Json = {
    "kernelArguments": {"shouldExist": ["x"]},
    "passwd": {"users": [{"name": "core"}]},
    "storage": {
        "disks": [{"device": "/dev/vda"}],
        "raid": [{"name": "r", "level": "raid1", "devices": ["/dev/a"]}],
        "luks": [{"name": "l", "device": "/dev/a"}],
        "filesystems": [{"device": "/dev/a", "format": "ext4", "path": "/a"}],
    },
}


@pytest.mark.parametrize("section", ["kernelArguments", "disks", "raid", "luks", "filesystems"])
def test_what_a_directory_cannot_have_is_refused_with_1(section: str, machine: Machine) -> None:
    storage = UNSUPPORTED["storage"]
    part = {section: UNSUPPORTED[section]} if section in UNSUPPORTED else {"storage": {section: storage[section]}}
    ended = machine.call("ignition-apply", "--root", str(machine.root), "-", stdin=document(part))
    assert ended.status == 1
    assert section in ended.stderr
    assert "a directory has no" in ended.stderr


def test_what_is_not_supported_can_be_left_out(machine: Machine) -> None:
    wanted = {**UNSUPPORTED, "storage": {**UNSUPPORTED["storage"], **files("/etc/a")["storage"]}}
    ended = machine.call(
        "ignition-apply", "--root", str(machine.root), "--ignore-unsupported", "-", stdin=document(wanted)
    )
    assert ended.status == 0, ended.said
    assert (machine.root / "etc/a").exists()
    assert "core" not in (machine.root / "etc/passwd").read_text()


FAILURES = {
    "no root": ((), b"{}"),
    "a root that is missing": (("--root", "missing"), document()),
    "a root that is the running system": (("--root", "/"), document()),
    "an unknown flag": (("--root", "root", "--colour"), document()),
    "a config that is not valid": (("--root", "root"), b"{"),
    "an empty config": (("--root", "root"), b""),
    "a section to skip that is none": (("--root", "root", "--skip", "files"), document()),
    "a source map that is missing": (("--root", "root", "--source-map", "missing"), document()),
    "a source map that is none": (("--root", "root", "--source-map", "config.ign"), document()),
}


@pytest.mark.parametrize("name", FAILURES)
def test_any_failure_ends_with_1(name: str, machine: Machine) -> None:
    flags, config = FAILURES[name]
    machine.config.write_text("{}")
    ended = machine.call("ignition-apply", *flags, "-", stdin=config)
    assert ended.status == 1, ended.said
    assert ended.stderr


def test_a_source_map_is_read_before_anything_is_done(machine: Machine) -> None:
    words = ("ignition-apply", "--root", str(machine.root), "--source-map", "missing", "-")
    ended = machine.call(*words, stdin=document(files("/etc/a")))
    assert "--source-map missing: cannot be read" in ended.stderr
    assert not (machine.root / "etc/a").exists()


def test_wrong_numbers_of_configs_end_with_1(machine: Machine) -> None:
    assert machine.call("ignition-apply", "--root", str(machine.root)).status == 1
    assert machine.call("ignition-apply", "--root", str(machine.root), "a", "b").status == 1


def test_references_and_files_are_fetched(machine: Machine) -> None:
    with serving({"/b": answer(200, document(files("/etc/b"))), "/c": answer(200, b"content")}) as server:
        fetched: Json = {"storage": {"files": [{"path": "/etc/c", "contents": {"source": f"{server.url}/c"}}]}}
        wanted = referring(f"{server.url}/b", **fetched)
        ended = machine.call("ignition-apply", "--root", str(machine.root), "-", stdin=document(wanted))
    assert ended.status == 0, ended.said
    assert (machine.root / "etc/b").read_text() == "x"
    assert (machine.root / "etc/c").read_text() == "content"


@pytest.mark.parametrize("kind", ["a file", "a config"])
def test_offline_nothing_is_asked_for(kind: str, machine: Machine) -> None:
    with serving({}) as server:
        source = f"{server.url}/secret?token=t"
        wanted = (
            {"storage": {"files": [{"path": "/etc/a", "contents": {"source": source}}]}}
            if kind == "a file"
            else referring(source)
        )
        ended = machine.call("ignition-apply", "--root", str(machine.root), "--offline", "-", stdin=document(wanted))
        assert server.seen == []
    assert ended.status == 1
    assert "this run is offline" in ended.stderr
    assert "token" not in ended.said


def test_offline_what_the_config_holds_itself_is_applied(machine: Machine) -> None:
    wanted = referring(data_url(document(files("/etc/b"))), **files("/etc/a"))
    ended = machine.call("ignition-apply", "--root", str(machine.root), "--offline", "-", stdin=document(wanted))
    assert ended.status == 0, ended.said
    assert {"etc/a", "etc/b"} <= set(names_below(machine.root))


# ---- ignition-rmcfg -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [((), "--platform is missing"), (("--platform", "toaster"), "toaster: not known"), (("--colour",), "--colour")],
)
def test_a_mistake_of_use_of_rmcfg_ends_with_2(words: tuple[str, ...], message: str, machine: Machine) -> None:
    ended = machine.call("ignition-rmcfg", *words)
    assert ended.status == 2
    assert message in ended.stderr


@pytest.mark.parametrize("platform", ["metal", "file", "qemu", "aws"])
def test_platforms_that_cannot_forget_end_with_1(platform: str, machine: Machine) -> None:
    ended = machine.call("ignition-rmcfg", "--platform", platform, "--log-to-stdout")
    assert ended.status == 1
    assert ended.stderr.startswith(f"error: {platform}: ")


def test_vmware_forgets_the_config(machine: Machine) -> None:
    script = """
echo "$1" >> $LOG
case "$1" in *info-get*ovfenv*) exit 1;; *info-get*data) echo eyJhIjoxfQ==;; esac
"""
    machine.program("vmware-rpctool", script)
    ended = machine.call("ignition-rmcfg", "--platform", "vmware", "--log-to-stdout")
    said = machine.log_of("vmware-rpctool")
    assert ended.status == 0, ended.said + said
    assert "info-set guestinfo.ignition.config.data e30K" in said
    assert "vmware has forgotten the config" in ended.stdout
