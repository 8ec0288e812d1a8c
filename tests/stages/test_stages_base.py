"""Where a config comes from: fragments of the image, `user.ign`, the kernel command line, the platform."""

import os
from pathlib import Path

import pytest
from stages_machine import Json, Machine, document, files, lines_with, machine
from stages_shared import answer, serving

__all__ = ["machine"]


def fragment(folder: Path, name: str, config: Json | bytes, below: str = "base.d") -> None:
    """Put a fragment into one of the image's folders."""
    place = folder / below
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(config if isinstance(config, bytes) else document(config))


def content(machine: Machine, path: str) -> str:
    return (machine.root / path).read_text()


def applied(machine: Machine, config: Json | None = None) -> str:
    """Apply the user's config over the fragments; what was said."""
    ended = machine.run("fetch,files", config=config or {})
    assert ended.status == 0, ended.said
    return ended.stdout


# ---- fragments ------------------------------------------------------------------------------------------------------


def test_fragments_of_all_folders_are_merged_under_the_user_s_config(machine: Machine) -> None:
    fragment(machine.system, "10-a.ign", files("/etc/system", "/etc/both", text="system"))
    fragment(machine.local, "20-b.ign", files("/etc/local", text="local"))
    fragment(machine.runtime, "30-c.ign", files("/etc/runtime", text="runtime"))
    applied(machine, files("/etc/both", "/etc/user", text="user"))
    found = {name: content(machine, f"etc/{name}") for name in ("system", "local", "runtime", "both", "user")}
    assert found == {"system": "system", "local": "local", "runtime": "runtime", "both": "user", "user": "user"}


def test_of_fragments_with_one_name_the_highest_folder_s_counts_whole(machine: Machine) -> None:
    fragment(machine.system, "a.ign", files("/etc/a", "/etc/lost", text="system"))
    fragment(machine.local, "a.ign", files("/etc/a", "/etc/lost2", text="local"))
    fragment(machine.runtime, "a.ign", files("/etc/a", text="runtime"))
    applied(machine)
    assert content(machine, "etc/a") == "runtime"
    assert not (machine.root / "etc/lost").exists()
    assert not (machine.root / "etc/lost2").exists()


def test_later_names_win_whatever_their_folder_and_bytes_decide(machine: Machine) -> None:
    fragment(machine.runtime, "10", files("/etc/a", text="ten"))
    fragment(machine.system, "9", files("/etc/a", text="nine"))
    fragment(machine.system, "Z", files("/etc/b", text="capital"))
    fragment(machine.runtime, "a", files("/etc/b", text="small"))
    fragment(machine.system, "\N{LATIN SMALL LETTER E WITH ACUTE}", files("/etc/b", text="accent"))
    applied(machine)
    assert content(machine, "etc/a") == "nine"
    assert content(machine, "etc/b") == "accent"


def test_fragments_need_no_extension(machine: Machine) -> None:
    fragment(machine.system, "README", files("/etc/a"))
    applied(machine)
    assert (machine.root / "etc/a").exists()


def test_fragments_of_the_platform_lie_over_the_common_ones(machine: Machine) -> None:
    fragment(machine.system, "z.ign", files("/etc/a", "/etc/common", text="common"))
    fragment(machine.system, "a.ign", files("/etc/a", text="platform"), below="base.platform.d/file")
    fragment(machine.system, "a.ign", files("/etc/other", text="other"), below="base.platform.d/metal")
    applied(machine)
    assert content(machine, "etc/a") == "platform"
    assert content(machine, "etc/common") == "common"
    assert not (machine.root / "etc/other").exists()


BAD = {
    "no JSON": b"{",
    "an empty one": b"",
    "one that breaks a rule": document({"storage": {"files": [{"path": "a"}]}}),
    "an unknown version": document({"ignition": {"version": "2.2.0"}}),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_fragment_fails_every_stage(name: str, machine: Machine) -> None:
    fragment(machine.system, "bad.ign", BAD[name])
    ended = machine.run("fetch", config=files("/etc/a"))
    assert ended.status == 1
    assert "base.d/bad.ign is not a valid config: error" in ended.block["cause"]
    assert not machine.cache.exists()


def test_a_folder_among_fragments_cannot_be_read(machine: Machine) -> None:
    (machine.system / "base.d/folder").mkdir(parents=True)
    ended = machine.run("fetch", config={})
    assert ended.status == 1
    assert "base.d/folder cannot be read: Is a directory" in ended.block["cause"]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_fragment_of_the_platform_voids_only_the_platform_s(name: str, machine: Machine) -> None:
    fragment(machine.system, "a.ign", files("/etc/common"))
    fragment(machine.system, "a.ign", files("/etc/platform"), below="base.platform.d/file")
    fragment(machine.system, "b.ign", BAD[name], below="base.platform.d/file")
    said = applied(machine, files("/etc/user"))
    assert "the fragments for the platform file are left out" in lines_with("WARNING", said)[0]
    assert not (machine.root / "etc/platform").exists()
    assert (machine.root / "etc/common").exists()
    assert (machine.root / "etc/user").exists()


def test_fragments_are_read_anew_by_each_stage_and_are_not_cached(machine: Machine) -> None:
    fragment(machine.system, "a.ign", files("/etc/before"))
    assert machine.run("fetch", config=files("/etc/user")).status == 0
    assert machine.paths() == ["/etc/user"]
    fragment(machine.system, "a.ign", files("/etc/after"))
    assert machine.run("files").status == 0
    assert (machine.root / "etc/after").exists()
    assert not (machine.root / "etc/before").exists()


def test_references_in_fragments_are_not_followed(machine: Machine) -> None:
    with serving({"/a": answer(200, document(files("/etc/a")))}) as server:
        fragment(machine.system, "a.ign", {"ignition": {"config": {"merge": [{"source": f"{server.url}/a"}]}}})
        applied(machine)
        assert server.seen == []


def test_fragments_of_older_specs_are_understood(machine: Machine) -> None:
    fragment(machine.system, "a.ign", {"ignition": {"version": "3.0.0"}, **files("/etc/a", mode=0o4755)})
    applied(machine)
    assert (machine.root / "etc/a").stat().st_mode & 0o7777 == 0o755


def test_the_state_tells_which_configs_there_were(machine: Machine) -> None:
    fragment(machine.system, "a.ign", files("/etc/a"))
    machine.run("fetch", config=files("/etc/user"))
    assert machine.kept()["fetchedConfigs"] == [
        {"kind": "base", "source": "system", "referenced": False},
        {"kind": "user", "source": "file", "referenced": False},
    ]


# ---- user.ign -------------------------------------------------------------------------------------------------------


def test_user_ign_comes_before_the_platform_and_the_highest_folder_first(machine: Machine) -> None:
    for folder, name in ((machine.system, "system"), (machine.local, "local"), (machine.runtime, "runtime")):
        folder.mkdir()
        (folder / "user.ign").write_bytes(document(files(f"/etc/{name}")))
    for name, folder in (("runtime", machine.runtime), ("local", machine.local), ("system", machine.system)):
        assert machine.run("fetch", config=files("/etc/platform")).status == 0
        assert machine.paths() == [f"/etc/{name}"]
        assert machine.kept()["fetchedConfigs"][-1]["source"] == "system"
        (folder / "user.ign").unlink()
    machine.run("fetch")
    assert machine.paths() == ["/etc/platform"]


def test_an_empty_user_ign_is_an_empty_config(machine: Machine) -> None:
    machine.local.mkdir()
    (machine.local / "user.ign").touch()
    assert machine.run("fetch", config=files("/etc/platform")).status == 0
    assert machine.paths() == []


def test_a_bad_user_ign_is_no_reason_to_ask_the_platform(machine: Machine) -> None:
    machine.local.mkdir()
    (machine.local / "user.ign").write_text("{")
    ended = machine.run("fetch", config=files("/etc/platform"))
    assert ended.status == 1
    assert "the config from system is not valid" in ended.block["cause"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who makes a folder that it cannot read as a file")
def test_a_user_ign_that_is_a_folder_is_an_error(machine: Machine) -> None:
    (machine.local / "user.ign").mkdir(parents=True)
    ended = machine.run("fetch", config=files("/etc/platform"))
    assert ended.status == 1
    assert "user.ign cannot be read: Is a directory" in ended.block["cause"]


# ---- kernel command line --------------------------------------------------------------------------------------------


def test_the_kernel_command_line_comes_first(machine: Machine) -> None:
    machine.local.mkdir()
    (machine.local / "user.ign").write_bytes(document(files("/etc/user")))
    with serving({"/a": answer(200, document(files("/etc/kernel")))}) as server:
        machine.kernel.write_text(
            f"quiet ignition.config.url={server.url}/none ignition.config.url={server.url}/a ro\n"
        )
        ended = machine.run("fetch", config=files("/etc/platform"))
        assert [seen.path for seen in server.seen] == ["/a"]
    assert ended.status == 0, ended.said
    assert machine.paths() == ["/etc/kernel"]
    assert machine.kept()["fetchedConfigs"][-1] == {"kind": "user", "source": "cmdline", "referenced": False}


def test_an_url_that_is_not_there_stops_the_search(machine: Machine) -> None:
    with serving({}) as server:
        machine.kernel.write_text(f"ignition.config.url={server.url}/a?token=t\n")
        ended = machine.run("fetch", config=files("/etc/platform"))
    assert ended.status == 1
    assert "404" in ended.block["cause"] or "not found" in ended.block["cause"]
    assert "token" not in ended.said
    assert not machine.cache.exists()


def test_an_empty_answer_to_the_kernel_s_url_is_an_empty_config(machine: Machine) -> None:
    with serving({"/a": answer(200, b" \n")}) as server:
        machine.kernel.write_text(f"ignition.config.url={server.url}/a\n")
        assert machine.run("fetch", config=files("/etc/platform")).status == 0
    assert machine.paths() == []


@pytest.mark.parametrize("word", ["ignition.config.device=data", "ignition.config.path=/config.ign"])
def test_half_of_device_and_path_is_an_error(word: str, machine: Machine) -> None:
    machine.kernel.write_text(f"{word}\n")
    ended = machine.run("fetch", config=files("/etc/platform"))
    assert ended.status == 1
    assert "give both" in ended.block["cause"]


def test_a_label_that_is_a_path_is_refused(machine: Machine) -> None:
    machine.kernel.write_text("ignition.config.device=../../../etc ignition.config.path=/passwd\n")
    ended = machine.run("fetch", config=files("/etc/platform"))
    assert ended.status == 1
    assert "../../../etc" in ended.block["cause"]


def test_a_kernel_command_line_that_cannot_be_read_fails_the_stage(machine: Machine) -> None:
    machine.kernel.unlink()
    ended = machine.run("fetch", config=files("/etc/platform"))
    assert ended.status == 1, ended.said
    assert "the kernel command line cannot be read from" in ended.block["cause"]


# ---- no config ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("empty", [b"", b"  \n\t"])
def test_an_empty_config_is_a_success_with_nothing_to_do(empty: bytes, machine: Machine) -> None:
    ended = machine.run("fetch,disks,mount,files,umount", config=empty)
    assert ended.status == 0, ended.said
    assert machine.paths() == []
    assert machine.result()["userConfigProvided"] is False


def test_a_platform_without_configs_is_a_success(machine: Machine) -> None:
    ended = machine.run("fetch,files", platform="metal")
    assert ended.status == 0, ended.said
    assert "metal has no config" in ended.stdout


def test_a_config_file_that_is_missing_is_an_error(machine: Machine) -> None:
    ended = machine.run("fetch")
    assert ended.status == 1
    assert str(machine.config) in ended.block["cause"]
