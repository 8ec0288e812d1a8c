"""Secrets of a config: not in what is said, not in files that others may read, not in the arguments of programs."""

import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from struct import pack
from typing import Any

import pytest
from stages_machine import (
    Ended,
    Json,
    Machine,
    as_root,
    data_url,
    device,
    document,
    environment,
    files,
    lines_with,
    machine,
    mode_of,
    names_below,
    referring,
)  # fmt: skip
from stages_shared import answer, serving

from provision.apply import command, log

__all__ = ["device", "machine"]

HASH = "$6$saltGEHEIM$hashGEHEIMhash"
GROUP_HASH = "$6$saltGEHEIM$groupGEHEIMhash"
CONTENT = "the content GEHEIM of a file"
KEY = "the key GEHEIM of a volume"
PIN = '{"url": "http://tang.example", "x": "pinGEHEIM"}'
# What everything secret has in it, as it is and within the base64 of what it is part of.
SECRETS = (
    "GEHEIM", *{b64encode(b" " * shift + text.encode())[4:-4].decode() for text in (CONTENT, KEY, PIN) for shift in range(3)},
)  # fmt: skip

# What a person may know besides.
PROGRAMS = ("useradd", "usermod", "groupadd", "groupmod", "chpasswd", "chgpasswd")


def secret_config(url: str = "") -> Json:
    """A config with a secret of every kind that a root directory can take."""
    remote = url.replace("://", "://user:pwGEHEIM@") + "/file?token=qGEHEIM#fGEHEIM"
    fetched = {
        "path": "/etc/fetched", "mode": 384,
        "contents": {"source": remote, "httpHeaders": [{"name": "X-Token", "value": "headerGEHEIM"}]},
    }  # fmt: skip
    return {
        "ignition": {"timeouts": {"httpTotal": 20}},
        "passwd": {
            "groups": [{"name": "staff", "passwordHash": GROUP_HASH}],
            "users": [{"name": "core", "passwordHash": HASH}, {"name": "root", "passwordHash": HASH}],
        },
        "storage": {
            "files": [
                {"path": "/etc/plain", "mode": 384, "contents": {"source": data_url(CONTENT.encode())}},
                {"path": "/etc/percent", "mode": 384, "contents": {"source": "data:,x%47EHEIM"}, "append": [
                    {"source": data_url(CONTENT.encode())},
                ]},
                *([fetched] if url else []),
            ]
        },
        "systemd": {"units": [{"name": "a.service", "contents": "[Service]\nEnvironment=A=unitGEHEIM\n"}]},
    }  # fmt: skip


def check(text: str) -> None:
    """No secret is in a text."""
    assert not [secret for secret in SECRETS if secret in text], text


def check_all(machine: Machine, ended: Ended) -> None:
    """No secret is in what a run said, wrote down for people or handed to programs."""
    check(ended.said)
    for path in (machine.failure, machine.root / "etc/.ignition-result.json", *machine.folder.glob("log-of-*")):
        if path.exists():
            check(path.read_text())


def recording(
    machine: Machine, *names: str, then: str = 'exec env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$NAME" "$@"'
) -> None:
    """Have programs note their arguments, and then do what they are for."""
    for name in names:
        machine.program(name, f'NAME={name}; printf "%s\\n" "$NAME $*" >> $LOG\n{then}')


# ---- the files stage ------------------------------------------------------------------------------------------------


@as_root
def test_a_run_that_succeeds_tells_no_secret(machine: Machine) -> None:
    recording(machine, *PROGRAMS)
    with serving({"/file": answer(200, b"fetchedGEHEIM")}) as server:
        ended = machine.run("fetch,kargs,disks,mount,files,umount", config=secret_config(server.url))
        assert server.seen[0].headers["x-token"] == "headerGEHEIM"
        assert "qGEHEIM" in server.seen[0].path
    assert ended.status == 0, ended.said
    check_all(machine, ended)
    assert HASH in (machine.root / "etc/shadow").read_text()
    assert "core" in machine.log_of("useradd")
    assert (machine.root / "etc/fetched").read_text() == "fetchedGEHEIM"


@as_root
def test_a_server_that_refuses_is_named_without_secrets(machine: Machine) -> None:
    recording(machine, *PROGRAMS)
    with serving({"/file": answer(403, b"bodyGEHEIM")}) as server:
        ended = machine.run("fetch,files", config=secret_config(server.url))
    assert ended.status == 1
    assert "/etc/fetched" in ended.block["operation"]
    assert "/file" in ended.block["operation"]
    check_all(machine, ended)


@as_root
@pytest.mark.parametrize("name", ["chpasswd", "chgpasswd", "useradd", "groupadd"])
def test_a_program_that_fails_and_repeats_what_it_was_told_is_not_quoted(name: str, machine: Machine) -> None:
    recording(machine, *PROGRAMS)
    recording(machine, name, then='cat - >&2; cat - ; echo "$@" >&2; exit 5')
    ended = machine.run("fetch,files", config=secret_config())
    assert ended.status == 1
    assert f"{name} ended with status 5" in ended.block["cause"]
    check_all(machine, ended)


@as_root
def test_where_hashes_are_arguments_they_are_not_said(machine: Machine) -> None:
    """For distributions that know nothing else; only their programs see them."""
    recording(machine, *PROGRAMS, then="true")
    ended = machine.run("fetch,files", config=secret_config(), PROVISION_PASSWORD_PROGRAM="usermod")
    assert any(HASH in machine.log_of(name) for name in PROGRAMS)
    check(ended.said)


@as_root
def test_where_hashes_are_arguments_a_failure_does_not_say_them(machine: Machine) -> None:
    recording(machine, *PROGRAMS, then="true")
    recording(machine, "usermod", then="echo \"usermod: invalid field '$*'\" >&2; exit 3")
    ended = machine.run("fetch,files", config=secret_config(), PROVISION_PASSWORD_PROGRAM="usermod")
    assert ended.status == 1
    assert "usermod ended with status 3" in ended.block["cause"]
    check(ended.said)


@as_root
def test_files_that_are_in_the_way_are_named_without_their_content(machine: Machine) -> None:
    (machine.root / "etc/plain").write_text("another GEHEIM")
    ended = machine.run("fetch,files", config=secret_config())
    assert ended.status == 1
    assert "/etc/plain: a file is there already" in ended.block["cause"]
    check_all(machine, ended)


# ---- the fetch stages -----------------------------------------------------------------------------------------------

BROKEN: dict[str, Callable[[Json], Json]] = {
    "a path that is not absolute": lambda config: with_file(config, path="aGEHEIM"[:1]),
    "a data URL that is damaged": lambda config: with_file(config, contents={"source": "data:;base64,GEHEIM!"}),
    "a data URL without a comma": lambda config: with_file(config, contents={"source": "data:GEHEIM"}),
    "a URL of an unknown scheme": lambda config: with_file(config, contents={"source": "gopher://u:GEHEIM@h/?GEHEIM"}),
    "a URL that cannot be taken apart": lambda config: with_file(config, contents={"source": "http://u:GEHEIM@[h/?GEHEIM"}),
    "a header without a source": lambda config: with_file(
        config, contents={"httpHeaders": [{"name": "A", "value": "GEHEIM"}]}
    ),
    "an empty header": lambda config: with_file(
        config, contents={"source": "http://u:GEHEIM@h/?GEHEIM", "httpHeaders": [{"name": "", "value": "GEHEIM"}]}
    ),
    "a hash of the wrong length": lambda config: with_file(
        config, contents={"source": "data:,GEHEIM", "verification": {"hash": "sha512-12"}}
    ),
    "a password that is a number": lambda config: {**config, "passwd": {"users": [{"name": "a", "passwordHash": 5}]}},
    "a proxy that is none": lambda config: {**config, "ignition": {"proxy": {"httpProxy": "socks://u:GEHEIM@h"}}},
    "a Tang server that is none": lambda config: {
        **config, "storage": {"luks": [{
            "name": "a", "device": "/dev/a",
            "clevis": {"tang": [{"url": "ftp://u:GEHEIM@h", "thumbprint": "t", "advertisement": "{GEHEIM"}]},
        }]},
    },
    "a custom pin without a name": lambda config: {
        **config, "storage": {"luks": [{"name": "a", "device": "/dev/a", "clevis": {"custom": {"config": PIN}}}]},
    },
    "a unit that is none": lambda config: {
        **config, "systemd": {"units": [{"name": "a.service", "contents": "[Service\nGEHEIM"}]},
    },
}  # fmt: skip


def with_file(config: Json, **more: Any) -> Json:
    """The config with one more file."""
    rest = config["storage"]["files"]
    return {**config, "storage": {"files": [*rest, {"path": "/etc/broken", **more}]}}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_in_a_config_is_told_without_secrets(name: str, machine: Machine) -> None:
    config = BROKEN[name](secret_config())
    ended = machine.run("fetch", config=config)
    judged = machine.call("ignition-validate", "-", stdin=document(config))
    assert ended.status == 1, ended.said
    assert judged.status == 1
    check(judged.said)
    check_all(machine, ended)


@pytest.mark.parametrize("size", range(60, 700, 90))
def test_a_config_that_is_cut_off_is_not_quoted(size: int, machine: Machine) -> None:
    ended = machine.run("fetch", config=document(secret_config())[:size])
    assert ended.status == 1
    check_all(machine, ended)


def test_references_are_named_without_secrets(machine: Machine) -> None:
    with serving({"/child": answer(200, b'{"a": "GEHEIM"'), "/none": answer(404, b"GEHEIM")}) as server:
        for name in ("child", "none"):
            url = server.url.replace("://", "://u:GEHEIM@") + f"/{name}?q=GEHEIM#GEHEIM"
            ended = machine.run("fetch", config=referring(url))
            assert ended.status == 1
            assert f"/{name}" in ended.block["cause"]
            check_all(machine, ended)


def test_the_kernel_command_line_is_not_repeated(machine: Machine) -> None:
    with serving({"/r": answer(500)}) as server:
        url = server.url.replace("://", "://u:GEHEIM@")
        machine.kernel.write_text(f"ignition.config.url={url}/c?GEHEIM provision.report.url={url}/none?GEHEIM\n")
        ended = machine.run("fetch", config={})
    assert ended.status == 1
    check_all(machine, ended)


# ---- the disks stage ------------------------------------------------------------------------------------------------


# Fakes of the programs that encrypt: this kernel cannot. They note arguments, and of the key file its mode and content.
FAKE = r"""
SEEN=${LOG%/*}/seen
printf '%s\n' "$NAME $*" >> $LOG
previous=
for word in "$@"; do
  case "$previous" in --key-file|-k) stat -c 'key %a %U' "$word" >> $LOG; cat "$word" >> $SEEN;; esac
  previous=$word
done
"""


def fakes(machine: Machine, failing: str = "") -> None:
    """Put the fakes in place; `failing` is the word of the command that fails, after it has repeated all it was given."""
    for name in ("cryptsetup", "clevis"):
        end = f'case " $* " in *" {failing} "*) echo "$*" >&2; cat $SEEN >&2; exit 4;; esac' if failing else ""
        machine.program(name, f"NAME={name}\n{FAKE}\n{end}")
    machine.program("udevadm", "true")


def volume(device: str, **more: Any) -> Json:
    """A config with an encrypted volume."""
    return {"storage": {"luks": [{"name": "data", "device": device, **more}]}}


KEY_FILE: Json = {"source": data_url(KEY.encode())}
CUSTOM: Json = {"custom": {"pin": "tang", "config": PIN}}


@as_root
def test_the_key_of_a_volume_goes_through_a_file_of_root_s(machine: Machine, device: str) -> None:
    fakes(machine)
    before = set(os.listdir("/run"))
    ended = machine.run("fetch,disks", config=volume(device, keyFile=KEY_FILE))
    assert ended.status == 0, ended.said
    assert lines_with("key ", machine.log_of("cryptsetup")) == ["key 600 root"] * 2
    assert (machine.folder / "seen").read_text() == KEY * 2
    check_all(machine, ended)
    assert not [name for name in set(os.listdir("/run")) - before if name.startswith("provision-key-")]
    assert machine.kept()["luksPersistKeyFiles"] == {"data": data_url(KEY.encode())}
    assert mode_of(machine.state) == 0o600


@as_root
def test_a_random_key_is_long_and_is_told_to_nobody(machine: Machine, device: str) -> None:
    fakes(machine)
    ended = machine.run("fetch,disks", config=volume(device))
    assert ended.status == 0, ended.said
    seen = (machine.folder / "seen").read_text()
    key = seen[: len(seen) // 2]
    assert key * 2 == seen
    assert len(key) == 8192
    assert bytes.fromhex(key)
    assert key[:16] not in ended.said + machine.log_of("cryptsetup")


@as_root
@pytest.mark.parametrize("failing", ["luksFormat", "luksOpen"])
def test_a_volume_that_cannot_be_made_is_told_without_its_key(failing: str, machine: Machine, device: str) -> None:
    fakes(machine)
    machine.program("cryptsetup", f'case "$1" in {failing}) echo "wrong key file: no key" >&2; exit 2;; esac')
    before = set(os.listdir("/run"))
    ended = machine.run("fetch,disks", config=volume(device, keyFile=KEY_FILE))
    assert ended.status == 1
    assert "cryptsetup ended with status 2: wrong key file: no key" in ended.block["cause"]
    check_all(machine, ended)
    assert not [name for name in set(os.listdir("/run")) - before if name.startswith("provision-key-")]


@as_root
def test_the_config_of_a_pin_is_given_to_clevis_alone(machine: Machine, device: str) -> None:
    """clevis takes it as an argument and has no other way; nobody else is told."""
    fakes(machine)
    ended = machine.run("fetch,disks", config=volume(device, keyFile=KEY_FILE, clevis=CUSTOM))
    assert ended.status == 0, ended.said
    assert "luks bind -f -k /run/provision-key-" in machine.log_of("clevis")
    assert PIN in machine.log_of("clevis")
    check(ended.said)
    check(machine.log_of("cryptsetup"))


@as_root
def test_a_pin_that_cannot_be_bound_is_told_without_its_config(machine: Machine, device: str) -> None:
    fakes(machine, failing="bind")
    ended = machine.run("fetch,disks", config=volume(device, keyFile=KEY_FILE, clevis=CUSTOM))
    assert ended.status == 1
    assert ended.block["operation"].startswith(f"bind {device} to the Clevis pin tang")
    assert ended.block["cause"] == "clevis ended with status 4"
    check(ended.said)
    check(machine.failure.read_text())


@as_root
def test_a_tang_server_is_named_without_secrets(machine: Machine, device: str) -> None:
    fakes(machine)
    with serving({}) as server:
        url = server.url.replace("://", "://u:GEHEIM@")
        clevis = {"tang": [{"url": url, "thumbprint": "t"}]}
        ended = machine.run("fetch,disks", config=volume(device, keyFile=KEY_FILE, clevis=clevis))
    assert ended.status == 1
    assert "/adv" in ended.block["cause"]
    check(ended.said)
    check(machine.failure.read_text())


@as_root
def test_the_files_stage_takes_the_keys_out_of_the_state(machine: Machine, device: str) -> None:
    fakes(machine)
    machine.run("fetch,disks", config=volume(device, keyFile=KEY_FILE))
    # The header that the fake did not make, as far as it is looked at. Source: LUKS2 On-Disk Format, 2.1.
    uuid = b"0b4a7e7c-8e39-4d42-9b1e-9f8a1d1c2b3a"
    header = pack(">6sHQQ48s32s64s40s48sQ", b"LUKS\xba\xbe", 2, 16384, 1, b"", b"sha256", b"", uuid, b"", 0)
    with (machine.folder / "image").open("r+b") as image:
        image.write(header)
    ended = machine.run("files")
    assert ended.status == 0, ended.said
    assert machine.kept()["luksPersistKeyFiles"] == {}
    assert (machine.root / "etc/luks/data").read_text() == KEY
    assert (mode_of(machine.root / "etc/luks/data"), mode_of(machine.root / "etc/luks")) == (0o600, 0o700)
    assert mode_of(machine.root / "etc/crypttab") == 0o600
    assert (
        machine.root / "etc/crypttab"
    ).read_text() == f"data UUID={uuid.decode()} /etc/luks/data luks,x-initrd.attach\n"
    check_all(machine, ended)


# ---- not even for a moment ------------------------------------------------------------------------------------------


class Modes:
    """What modes files had, from their first moment on: a look after every call that makes or changes one."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seen: dict[str, list[int]] = {}
        for name in ("open", "fchmod", "chmod", "rename", "mkdir"):
            patch.setattr(os, name, self.watched(getattr(os, name)))

    def watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, with a look after it."""

        def watching(*given: Any, **more: Any) -> Any:
            answer = call(*given, **more)
            for fd in [each for each in (answer, *given[:1]) if isinstance(each, int) and not isinstance(each, bool)]:
                self.note(fd)
            if call.__name__ == "rename":
                self.rename(str(given[0]), str(given[1]))
            return answer

        return watching

    def note(self, fd: int) -> None:
        """Look at what is open."""
        path = os.readlink(f"/proc/self/fd/{fd}")
        if os.path.isfile(path):
            mode = os.fstat(fd).st_mode & 0o7777
            modes = self.seen.setdefault(os.path.basename(path), [])
            modes += [mode] if modes[-1:] != [mode] else []

    def rename(self, old: str, new: str) -> None:
        """A file goes by its new name."""
        self.seen[os.path.basename(new)] = self.seen.pop(os.path.basename(old), [])


@pytest.fixture
def modes(machine: Machine) -> Iterator[Modes]:
    """A watch over the modes of all files that this process makes, where no umask helps."""
    with pytest.MonkeyPatch.context() as patch, environment(machine.environ):
        patch.setattr(command, "FAILURE_FILE", str(machine.failure))
        patch.setattr(log.State, "sink", log.State.sink)
        before = os.umask(0)
        try:
            yield Modes(patch)
        finally:
            os.umask(before)


def test_no_file_is_ever_more_open_than_in_the_end(machine: Machine, modes: Modes) -> None:
    wanted = secret_config()
    del wanted["passwd"]
    wanted["storage"]["files"] += files("/etc/open", "/srv/d/open")["storage"]["files"]
    wanted["storage"]["files"].append({"path": "/etc/group-only", "mode": 0o640, "contents": {"source": "data:,x"}})
    machine.config.write_bytes(document(wanted))
    assert command.main(["ignition", *machine.arguments("fetch,files")]) == 0
    ends = {
        "plain": 0o600, "percent": 0o600, "open": 0o644, "group-only": 0o640, ".ignition-result.json": 0o600,
        "cache.json": 0o640, "state": 0o600,
    }  # fmt: skip
    for name, end in ends.items():
        assert modes.seen[name][0] == 0o600, (name, list(map(oct, modes.seen[name])))
        assert modes.seen[name][-1] == end
        assert all(mode & ~end == 0 for mode in modes.seen[name])


@as_root
def test_keys_of_users_and_fetched_files_are_closed_from_the_start(machine: Machine, modes: Modes) -> None:
    with serving({"/a": answer(200, b"x"), "/b": answer(200, b"x")}) as server:
        wanted = {
            "passwd": {"users": [{"name": "root", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]},
            "storage": {"files": [
                {"path": f"/etc/fetched-{name}", "mode": 384, "contents": {"source": f"{server.url}/{name}"}}
                for name in ("a", "b")
            ]},
        }  # fmt: skip
        machine.config.write_bytes(document(wanted))
        assert command.main(["ignition", *machine.arguments("fetch,files")]) == 0
    for name in ("ignition", "fetched-a", "fetched-b"):
        assert set(modes.seen[name]) == {0o600}


def test_failures_are_closed_from_the_start(machine: Machine, modes: Modes) -> None:
    machine.config.write_bytes(b"{")
    assert command.main(["ignition", *machine.arguments("fetch")]) == 1
    assert set(modes.seen["failure.json"]) == {0o600}
    assert mode_of(machine.failure.parent) == 0o700


def test_a_file_that_was_open_is_closed_before_it_holds_a_secret(machine: Machine, modes: Modes) -> None:
    for name in ("cache.json.new", "run/state.new"):
        path = machine.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        path.chmod(0o666)
    machine.config.write_bytes(document(files("/etc/a")))
    assert command.main(["ignition", *machine.arguments("fetch")]) == 0
    assert modes.seen["cache.json"] == [0o666, 0o600, 0o640]
    assert modes.seen["state"] == [0o666, 0o600]


@as_root
def test_nothing_is_left_in_places_that_all_may_read(machine: Machine) -> None:
    before = {name for folder in ("/tmp", "/run", "/var/tmp") for name in os.listdir(folder)}
    with serving({"/file": answer(200, b"fetchedGEHEIM")}) as server:
        assert machine.run("fetch,files", config=secret_config(server.url)).status == 0
    after = {name for folder in ("/tmp", "/run", "/var/tmp") for name in os.listdir(folder)}
    assert not [name for name in after - before if "provision" in name and "vm" not in name]
    readable = [
        path for path in machine.folder.rglob("*")
        if path.is_file() and not path.is_symlink() and mode_of(path) & 0o004 and path not in (machine.config, machine.kernel)
    ]  # fmt: skip
    for path in readable:
        if "a.service" not in path.name:
            check(path.read_text(errors="replace"))


def test_the_plan_of_a_dry_run_tells_no_secret(machine: Machine) -> None:
    wanted = secret_config()
    ended = machine.call(
        "ignition-apply", "--root", str(machine.root), "--dry-run", "--skip", "passwd", "-", stdin=document(wanted)
    )
    assert ended.status == 0, ended.said
    for line in ended.said.splitlines():
        if "unitGEHEIM" not in line:
            check(line)


def test_the_failure_as_json_is_whole(machine: Machine) -> None:
    machine.run("fetch", config=b"{")
    assert json.loads(machine.failure.read_text())["failure"].keys() == {
        "stage", "operation", "subject", "place", "cause", "remedy",
    }  # fmt: skip


def test_names_below_the_root_hold_no_secret(machine: Machine) -> None:
    assert machine.run("fetch,files", config={**secret_config(), "passwd": {}}).status == 0
    check("\n".join(names_below(machine.root)))
