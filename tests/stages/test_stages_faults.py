"""What goes wrong on machines: bombs, links, disks that vanish, programs that fail, no room, no right to write, servers
that die. Each ends in the right exit code and one clear message, and leaves no half-written file behind.
"""

import gzip
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stages_machine import (
    LIMIT_S,
    Ended,
    Json,
    Machine,
    as_root,
    data_url,
    device,
    document,
    files,
    machine,
    names_below,
    referring,
)
from stages_shared import answer, serving, short, stalling

__all__ = ["device", "machine"]

# 2 GiB of zeros in 2 MB: members of 1 MiB, one after another.
BOMB = gzip.compress(bytes(1 << 20)) * 2048
# What a process may address: far below what the bomb unpacks to.
ADDRESSABLE_KIB = 900_000


def failed(machine: Machine, ended: Ended, stage: str) -> str:
    """The cause, once it is seen that the run failed as it is to fail: with one block, and that at the end."""
    assert ended.status == 1, ended.said
    assert ended.block["title"] == f"provision: stage {stage} failed"
    assert ended.stderr.count("what to do") == 1
    assert not leavings(machine.root)
    return ended.block["cause"]


def leavings(root: Path) -> list[str]:
    """Files under temporary names."""
    return [name for name in names_below(root) if ".provision-new" in name or name.endswith(".new")]


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system in memory at a folder."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "stages", folder], check=True, timeout=10)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True, timeout=10)


@pytest.fixture
def crowded(machine: Machine) -> Iterator[Machine]:
    """A machine whose root has room for 256 KiB."""
    with mounted(machine.root, "size=256k,mode=0755"):
        (machine.root / "etc").mkdir()
        yield machine


# ---- configs --------------------------------------------------------------------------------------------------------


def test_a_truncated_config_is_no_config_wherever_it_ends(machine: Machine) -> None:
    whole = document({**files("/etc/a"), "passwd": {"users": [{"name": "core"}]}})
    for size in range(1, len(whole), 25):
        cause = failed(machine, machine.run("fetch", config=whole[:size]), "fetch")
        assert "the config from file is not valid" in cause
    assert not machine.cache.exists()


@pytest.mark.parametrize("version", ["2.4.0", "3.6.0-experimental", "3.8.0-experimental", "4.0.0", "three"])
def test_a_wrong_version_is_named_with_those_that_are_known(version: str, machine: Machine) -> None:
    ended = machine.run("fetch", config={"ignition": {"version": version}})
    failed(machine, ended, "fetch")
    assert f"{version!r} is not known; known are 3.0.0, " in ended.stdout


# ---- bombs ----------------------------------------------------------------------------------------------------------


def narrow(machine: Machine, stages: str, config: Json) -> Ended:
    """Run stages where memory is short."""
    machine.config.write_bytes(document(config))
    script = f'ulimit -v {ADDRESSABLE_KIB}; exec "$@"'
    words = ["/bin/sh", "-c", script, "sh", str(machine.called("ignition")), *machine.arguments(stages)]
    ended = subprocess.run(
        words, env=machine.environ, cwd=machine.folder, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def test_a_bomb_in_a_data_url_is_refused_before_memory_is_full(machine: Machine) -> None:
    wanted = {"storage": {"files": [{"path": "/etc/a", "contents": {"source": data_url(BOMB), "compression": "gzip"}}]}}
    cause = failed(machine, narrow(machine, "fetch,files", wanted), "files")
    assert "/etc/a: contents: the content unpacks to more than 256 MiB, the limit" in cause
    assert not (machine.root / "etc/a").exists()


def test_many_small_bombs_are_one_large_one(machine: Machine) -> None:
    small = {"source": data_url(BOMB[: len(BOMB) // 2048 * 100]), "compression": "gzip"}
    wanted = {"storage": {"files": [{"path": f"/etc/{number}", "contents": small} for number in range(4)]}}
    cause = failed(machine, narrow(machine, "fetch,files", wanted), "files")
    assert "unpacks to more than" in cause
    assert not [name for name in names_below(machine.root / "etc") if name.isdigit()]


def test_a_bomb_for_a_config_is_refused_before_memory_is_full(machine: Machine) -> None:
    with serving({"/a": answer(200, BOMB)}) as server:
        child = {"source": f"{server.url}/a", "compression": "gzip"}
        cause = failed(machine, narrow(machine, "fetch", referring(child)), "fetch")
    assert "ignition.config.merge[0]: " in cause
    assert "64 MiB, the limit" in cause
    assert not machine.cache.exists()


@as_root
def test_a_bomb_for_a_file_is_refused_before_its_file_system_is_full(crowded: Machine) -> None:
    with serving({"/a": answer(200, BOMB)}) as server:
        wanted = {
            "storage": {"files": [{"path": "/etc/a", "contents": {"source": f"{server.url}/a", "compression": "gzip"}}]}
        }
        cause = failed(crowded, narrow(crowded, "fetch,files", wanted), "files")
    assert "all that is free on the file system" in cause
    assert not (crowded.root / "etc/a").exists()


def test_large_members_one_after_another_are_no_bomb(machine: Machine) -> None:
    content = bytes(1 << 20) + b"x" * (1 << 20) + b"end"
    packed = gzip.compress(bytes(1 << 20)) + gzip.compress(b"x" * (1 << 20)) + gzip.compress(b"end")
    with serving({"/a": answer(200, packed)}) as server:
        here = {"source": data_url(packed), "compression": "gzip"}
        there = {"source": f"{server.url}/a", "compression": "gzip"}
        wanted = {"storage": {"files": [{"path": "/a", "contents": here}, {"path": "/b", "contents": there}]}}
        assert machine.run("fetch,files", config=wanted).status == 0
    assert (machine.root / "a").read_bytes() == content
    assert (machine.root / "b").read_bytes() == content


# ---- links ----------------------------------------------------------------------------------------------------------


def test_chained_absolute_links_stay_in_the_root(machine: Machine) -> None:
    outside = machine.folder / "outside"
    outside.mkdir()
    (machine.root / "b").symlink_to(outside)
    (machine.root / "a").symlink_to("/b")
    ended = machine.run("fetch,files", config=files("/a/x", "/a/d/y"))
    assert ended.status == 0, ended.said
    assert names_below(outside) == []
    assert (machine.root / str(outside)[1:] / "x").read_text() == "x"
    assert (machine.root / str(outside)[1:] / "d/y").exists()


@pytest.mark.parametrize("target", ["../../../../../..", "/..", "../../outside", "/../../outside/../outside"])
def test_no_number_of_dots_leads_out(target: str, machine: Machine) -> None:
    outside = machine.folder / "outside"
    outside.mkdir()
    (machine.root / "link").symlink_to(target)
    ended = machine.run("fetch,files", config=files("/link/secret"))
    assert ended.status == 0, ended.said
    assert "secret" not in names_below(machine.folder)
    assert "outside/secret" not in names_below(machine.folder)
    assert [name for name in names_below(machine.root) if name.endswith("secret")]


def test_a_link_of_the_config_itself_may_not_be_a_way(machine: Machine) -> None:
    wanted = {"storage": {**files("/way/x")["storage"], "links": [{"path": "/way", "target": "/outside"}]}}
    failed(machine, machine.run("fetch", config=wanted), "fetch")


def test_a_loop_of_links_is_refused(machine: Machine) -> None:
    (machine.root / "a").symlink_to("/b")
    (machine.root / "b").symlink_to("/a")
    cause = failed(machine, machine.run("fetch,files", config=files("/a/x", "/etc/y")), "files")
    assert "most likely a loop" in cause
    assert not (machine.root / "etc/y").exists()


def test_the_last_component_is_replaced_and_never_followed(machine: Machine) -> None:
    outside = machine.folder / "outside"
    outside.write_text("kept")
    for name in ("file", "masked"):
        (machine.root / "etc" / name).symlink_to(outside)
    assert machine.run("fetch,files", config=files("/etc/file", overwrite=True)).status == 0
    assert outside.read_text() == "kept"
    assert not (machine.root / "etc/file").is_symlink()


@as_root
@pytest.mark.parametrize("kind", ["a file", "a fetched file"])
def test_a_link_that_is_slipped_in_after_the_plan_ends_the_run(kind: str, machine: Machine) -> None:
    """The program for users, which runs before files are written, stands for whoever changes the root meanwhile."""
    outside = machine.folder / "outside"
    outside.mkdir()
    (machine.root / "srv/d").mkdir(parents=True)
    program = machine.program("groupadd", f"rmdir {machine.root}/srv/d; ln -s {outside} {machine.root}/srv/d")
    with serving({"/x": answer(200, b"x")}) as server:
        source = "data:,x" if kind == "a file" else f"{server.url}/x"
        wanted = {
            "passwd": {"groups": [{"name": "staff"}]},
            "storage": {"files": [{"path": "/srv/d/x", "contents": {"source": source}}]},
        }
        ended = machine.run("fetch,files", config=wanted, PROVISION_GROUPADD=str(program))
    cause = failed(machine, ended, "files")
    assert cause in ("Too many levels of symbolic links", "Not a directory")
    assert "write /srv/d/x" in ended.block["operation"]
    assert names_below(outside) == []


@as_root
def test_a_key_of_a_user_does_not_follow_a_link_of_the_user(machine: Machine) -> None:
    outside = machine.folder / "outside"
    outside.mkdir()
    (machine.root / "home/core").mkdir(parents=True)
    with (machine.root / "etc/passwd").open("a") as file:
        file.write("core:x:1000:1000::/home/core:/bin/sh\n")
    (machine.root / "home/core/.ssh").symlink_to(outside)
    wanted = {"passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]}}
    machine.run("fetch,files", config=wanted)
    assert names_below(outside) == []


def test_a_mount_point_behind_a_link_is_refused(machine: Machine) -> None:
    outside = machine.folder / "outside"
    outside.mkdir()
    (machine.root / "var").symlink_to(outside)
    machine.program("mount", "echo mounted > $LOG")
    wanted = {"storage": {"filesystems": [{"device": "/dev/loop0", "format": "ext4", "path": "/var/lib"}]}}
    cause = failed(machine, machine.run("fetch,mount", config=wanted), "mount")
    assert "/var/lib: /var is a symbolic link, not a directory" in cause
    assert machine.log_of("mount") == ""
    assert names_below(outside) == []


# ---- devices --------------------------------------------------------------------------------------------------------

SECTIONS = {
    "disks": {"disks": [{"device": "/dev/none", "wipeTable": True}]},
    "raid": {"raid": [{"name": "r", "level": "raid1", "devices": ["/dev/none", "/dev/none2"]}]},
    "luks": {"luks": [{"name": "l", "device": "/dev/none"}]},
    "filesystems": {"filesystems": [{"device": "/dev/none", "format": "ext4"}]},
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_device_that_does_not_come_is_named(section: str, machine: Machine) -> None:
    ended = machine.run("fetch,disks", config={"storage": SECTIONS[section]}, PROVISION_DEVICE_TIMEOUT="0.1")
    cause = failed(machine, ended, "disks")
    assert cause.startswith("there is no device /dev/none, 0.1 s after it was first looked for")


def test_a_device_that_is_no_block_device_does_not_count(machine: Machine) -> None:
    wanted = {"storage": {"filesystems": [{"device": "/dev/null", "format": "ext4"}]}}
    ended = machine.run("fetch,disks", config=wanted, PROVISION_DEVICE_TIMEOUT="0.1")
    assert "there is no device /dev/null" in failed(machine, ended, "disks")


HALFWAY = {
    "the table cannot be wiped": ("1) exit 4;;", "wipe the partition table of ", 1),
    "the partitions cannot be made": ("2) exit 4;;", "partition ", 2),
}


@as_root
@pytest.mark.parametrize("name", HALFWAY)
def test_an_sgdisk_that_fails_half_way_ends_the_stage(name: str, machine: Machine, device: str) -> None:
    case, operation, count = HALFWAY[name]
    sgdisk = machine.program(
        "my-sgdisk", f'echo "$@" >> $LOG\necho "no such luck" >&2\ncase $(wc -l < $LOG) in {case} esac'
    )
    for other in ("partx", "mkfs.ext4", "wipefs"):
        machine.program(other, "echo called > $LOG")
    wanted = {
        "storage": {
            "disks": [
                {"device": device, "wipeTable": True, "partitions": [{"number": 1, "sizeMiB": 1, "startMiB": 1}]}
            ],
            "filesystems": [{"device": f"{device}p1", "format": "ext4"}],
        }
    }
    ended = machine.run("fetch,disks", config=wanted, PROVISION_SGDISK=str(sgdisk))
    assert failed(machine, ended, "disks") == f"{sgdisk} ended with status 4: no such luck"
    assert ended.block["operation"].startswith(f"{operation}{device}")
    assert ended.block["for"] == f"storage.disks {device}"
    calls = machine.log_of("my-sgdisk").splitlines()
    assert calls == ["--zap-all " + device, f"--new=1:2048:+2048 {device}"][:count]
    assert not [other for other in ("partx", "mkfs.ext4", "wipefs") if machine.log_of(other)]


@as_root
def test_refusals_of_a_step_are_told_together_and_nothing_is_touched(machine: Machine, device: str) -> None:
    for program in ("sgdisk", "wipefs"):
        machine.program(program, "echo called > $LOG")
    wanted = {"storage": {"disks": [{"device": device, "partitions": [{"number": 1, "sizeMiB": 500, "startMiB": 0}]}]}}
    ended = machine.run("fetch,disks", config=wanted)
    assert "the step partitions changed nothing" in failed(machine, ended, "disks")
    assert machine.log_of("sgdisk") == ""


def test_a_virtiofs_is_no_device_to_wait_for(machine: Machine) -> None:
    wanted = {
        "ignition": {"version": "3.7.0-experimental"},
        "storage": {"filesystems": [{"device": "tag", "format": "virtiofs", "path": "/mnt"}]},
    }
    assert machine.run("fetch,disks", config=wanted, PROVISION_DEVICE_TIMEOUT="0.1").status == 0


# ---- no room --------------------------------------------------------------------------------------------------------


@as_root
def test_a_full_disk_ends_the_run_with_advice_and_without_half_a_file(crowded: Machine) -> None:
    wanted = files("/etc/small")
    wanted["storage"]["files"].append({"path": "/etc/z/large", "contents": {"source": data_url(os.urandom(400_000))}})
    ended = crowded.run("fetch,files", config=wanted)
    assert failed(crowded, ended, "files") == "No space left on device"
    assert "make room on the file system" in ended.block["what to do"]
    assert ended.block["for"] == "storage.files /etc/z/large"
    assert (crowded.root / "etc/small").read_text() == "x"
    assert not (crowded.root / "etc/z/large").exists()


@as_root
def test_a_full_disk_keeps_what_was_to_be_replaced(crowded: Machine) -> None:
    (crowded.root / "etc/a").write_text("old")
    wanted = {
        "storage": {
            "files": [{"path": "/etc/a", "overwrite": True, "contents": {"source": data_url(os.urandom(400_000))}}]
        }
    }
    failed(crowded, crowded.run("fetch,files", config=wanted), "files")
    assert (crowded.root / "etc/a").read_text() == "old"


@as_root
def test_a_fetched_file_for_which_there_is_no_room_is_refused(crowded: Machine) -> None:
    (crowded.root / "etc/a").write_text("old")
    with serving({"/a": answer(200, os.urandom(400_000))}) as server:
        wanted = {
            "storage": {"files": [{"path": "/etc/a", "overwrite": True, "contents": {"source": f"{server.url}/a"}}]}
        }
        cause = failed(crowded, crowded.run("fetch,files", config=wanted), "files")
    assert "it has 400000 bytes, more than" in cause
    assert (crowded.root / "etc/a").read_text() == "old"


@as_root
def test_a_cache_for_which_there_is_no_room_leaves_nothing(machine: Machine) -> None:
    with mounted(machine.folder / "small", "size=64k") as small:
        machine.cache = small / "cache.json"
        ended = machine.run("fetch", config=files("/etc/a", text="x" * 100_000))
        assert f"{machine.cache}: cannot be written: No space left on device" in failed(machine, ended, "fetch")
        assert names_below(small) == []


@as_root
def test_a_state_for_which_there_is_no_room_fails_the_stage_and_leaves_nothing(machine: Machine) -> None:
    with mounted(machine.folder / "small", "size=64k,nr_inodes=2") as small:
        (small / "filler").touch()
        machine.state = small / "state"
        ended = machine.run("fetch", config=files("/etc/a"))
        assert f"{machine.state}: cannot be written: No space left on device" in failed(machine, ended, "fetch")
        assert names_below(small) == ["filler"]


# ---- no right to write ----------------------------------------------------------------------------------------------


@as_root
def test_a_read_only_root_is_told_as_such(machine: Machine) -> None:
    subprocess.run(["mount", "--bind", machine.root, machine.root], check=True, timeout=10)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", machine.root], check=True, timeout=10)
        before = names_below(machine.root)
        ended = machine.run("fetch,files", config=files("/etc/a", "/new/b"))
        assert failed(machine, ended, "files").endswith("the journal cannot be written: Read-only file system")
        assert "mount it for writing" in ended.block["what to do"]
        assert names_below(machine.root) == before
    finally:
        subprocess.run(["umount", machine.root], check=True, timeout=10)


PLACES: dict[str, Callable[[Machine], None]] = {
    "a cache in a folder that is missing": lambda machine: setattr(machine, "cache", machine.folder / "no/cache"),
    "a cache that is a folder": lambda machine: machine.cache.mkdir(),
    "a cache below a file": lambda machine: setattr(machine, "cache", machine.kernel / "cache"),
    "a state below a file": lambda machine: setattr(machine, "state", machine.kernel / "state"),
    "a state that is a folder": lambda machine: machine.state.mkdir(parents=True),
    "a state that cannot be replaced": lambda machine: (machine.state.parent / "state.new").mkdir(parents=True),
}


@pytest.mark.parametrize("name", PLACES)
def test_places_that_cannot_be_written_are_named(name: str, machine: Machine) -> None:
    PLACES[name](machine)
    ended = machine.run("fetch", config=files("/etc/a"))
    assert ended.status in (1, 3), ended.said
    place = machine.state if "state" in name else machine.cache
    assert str(place) in ended.stderr
    assert ended.stderr.count(str(place)) == 1


@pytest.mark.parametrize("name", ["below a file", "a folder"])
def test_a_marker_that_cannot_be_written_fails_the_stage(name: str, machine: Machine) -> None:
    if name == "a folder":
        machine.neednet.mkdir(parents=True)
    else:
        machine.neednet = machine.kernel / "neednet"
    wanted = {"storage": {"files": [{"path": "/etc/a", "contents": {"source": "http://host.example/a"}}]}}
    ended = machine.run("fetch-offline", config=wanted)
    cause = failed(machine, ended, "fetch-offline")
    assert str(machine.neednet) in cause
    assert not machine.cache.exists()


def test_a_failure_that_cannot_be_written_down_is_still_told(machine: Machine) -> None:
    machine.failure.parent.write_text("a file where a folder is due")
    ended = machine.run("fetch", config=b"{")
    failed(machine, ended, "fetch")
    assert "the failure could not be written down" in ended.stdout


@pytest.mark.parametrize("root", ["missing", "config.ign"])
def test_a_root_that_is_no_folder_fails_the_stage(root: str, machine: Machine) -> None:
    machine.config.write_bytes(document(files("/etc/a")))
    place = machine.folder / root
    for stages in ("fetch,files", "mount", "umount"):
        words = [word if word != str(machine.root) else str(place) for word in machine.arguments(stages)]
        ended = machine.call("ignition", *words)
        assert str(place) in failed(machine, ended, stages.split(",")[-1])


# ---- servers that die -----------------------------------------------------------------------------------------------


def remote(url: str, path: str = "/etc/a") -> Json:
    """A config with a file from elsewhere and not much time for it."""
    return {
        "ignition": {"timeouts": {"httpTotal": 1}},
        "storage": {"files": [{"path": path, "overwrite": True, "contents": {"source": url}}]},
    }


@pytest.mark.parametrize("name", ["stalls", "breaks off"])
def test_a_server_that_dies_in_the_middle_leaves_what_there_was(name: str, machine: Machine) -> None:
    (machine.root / "etc/a").write_text("old")
    route = stalling(b"half", 8) if name == "stalls" else short(b"half", 8)
    with serving({"/a": route}) as server:
        ended = machine.run("fetch,files", config=remote(f"{server.url}/a"))
    cause = failed(machine, ended, "files")
    assert "could not be fetched in time" in cause
    assert (machine.root / "etc/a").read_text() == "old"


def test_a_server_that_is_gone_ends_in_time(machine: Machine) -> None:
    with serving({}) as server:
        url = server.url
    before = names_below(machine.root)
    ended = machine.run("fetch,files", config=remote(f"{url}/a", "/etc/new"))
    assert "could not be fetched in time" in failed(machine, ended, "files")
    assert set(names_below(machine.root)) - set(before) == {"etc/.ignition-result.json", "etc/.provision-journal"}


def test_a_wrong_hash_leaves_what_there_was(machine: Machine) -> None:
    (machine.root / "etc/a").write_text("old")
    with serving({"/a": answer(200, b"content")}) as server:
        wanted = remote(f"{server.url}/a")
        wanted["ignition"]["timeouts"]["httpTotal"] = 20
        wanted["storage"]["files"][0]["contents"]["verification"] = {"hash": "sha256-" + "0" * 64}
        ended = machine.run("fetch,files", config=wanted)
    assert "sha256 hash" in failed(machine, ended, "files")
    assert (machine.root / "etc/a").read_text() == "old"


# ---- runs that are ended --------------------------------------------------------------------------------------------


@contextmanager
def under_way(machine: Machine, config: Json, count: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The applier while it waits for a server for so many files."""
    machine.config.write_bytes(document(config))
    with subprocess.Popen(
        [machine.called("ignition"), *machine.arguments("fetch,files")], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, env=machine.environ, cwd=machine.folder,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + LIMIT_S
        while len(leavings(machine.root)) < count:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        yield process


def two_files(url: str) -> Json:
    """A config with two files from elsewhere, without haste."""
    return {
        "storage": {"files": [{"path": f"/etc/{name}", "contents": {"source": f"{url}/{name}"}} for name in ("a", "b")]}
    }


def test_a_run_that_was_killed_left_no_half_file_and_the_next_one_clears_up(machine: Machine) -> None:
    with serving({"/a": stalling(b"half"), "/b": stalling(b"half")}) as server:
        with under_way(machine, two_files(server.url), 2) as process:
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert not {"etc/a", "etc/b"}.intersection(names_below(machine.root))
        server.stopping.set()
        server.routes = {"/a": answer(200, b"a"), "/b": answer(200, b"b")}
        assert machine.run("fetch,files").status == 0
    assert (machine.root / "etc/a").read_text() + (machine.root / "etc/b").read_text() == "ab"
    assert not leavings(machine.root)


def test_a_run_that_is_interrupted_ends_at_once(machine: Machine) -> None:
    with serving({"/a": stalling(b"half"), "/b": stalling(b"half")}) as server:
        with under_way(machine, two_files(server.url), 2) as process:
            process.send_signal(signal.SIGINT)
            # Far less than the server would take.
            said = process.communicate(timeout=10)[1].decode()
        assert process.returncode == 130
        assert said == "stopped; run it again to complete the work\n"
    assert not {"etc/a", "etc/b"}.intersection(names_below(machine.root))
