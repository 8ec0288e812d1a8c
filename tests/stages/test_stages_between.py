"""What stages leave to each other and to people: cache, state, the marker for the network, result and report."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stages_machine import (
    SOURCE,
    Json,
    Machine,
    as_root,
    document,
    files,
    lines_with,
    machine,
    mode_of,
    names_below,
    referring,
)  # fmt: skip
from stages_shared import answer, free_port, serving

__all__ = ["machine"]


def remote(source: str, **more: object) -> Json:
    """A config with a file from elsewhere."""
    return {"storage": {"files": [{"path": "/etc/a", "contents": {"source": source, **more}}]}}


# ---- the cache ------------------------------------------------------------------------------------------------------


def test_the_cache_has_the_newest_spec_and_its_empty_sections(machine: Machine) -> None:
    machine.run("fetch", config={"ignition": {"version": "3.0.0"}, **files("/etc/a")})
    found = machine.cached()
    assert found["ignition"]["version"] == "3.7.0-experimental"
    assert found["passwd"] == {}
    assert found["systemd"] == {}
    assert found["kernelArguments"] == {}


def test_the_cache_is_read_by_root_and_its_group_alone(machine: Machine) -> None:
    machine.cache.write_text("old")
    machine.cache.chmod(0o666)
    machine.run("fetch", config=files("/etc/a"))
    assert mode_of(machine.cache) == 0o640
    assert names_below(machine.folder).count("cache.json") == 1
    assert "cache.json.new" not in names_below(machine.folder)


@pytest.mark.parametrize("mask", [0o000, 0o077, pytest.param(0o777, marks=as_root)])
def test_modes_do_not_depend_on_the_umask(mask: int, machine: Machine) -> None:
    machine.config.write_bytes(document(files("/etc/a", "/etc/d/b")))
    command = f'umask {mask:04o}; exec {machine.called("ignition")} "$@"'
    subprocess.run(
        ["/bin/sh", "-c", command, "sh", *machine.arguments("fetch,files")], env=machine.environ, check=True, timeout=30,
        capture_output=True,
    )  # fmt: skip
    assert mode_of(machine.cache) == 0o640
    assert mode_of(machine.state) == 0o600
    assert mode_of(machine.root / "etc/a") == 0o644
    assert mode_of(machine.root / "etc/d") == 0o755
    assert mode_of(machine.root / "etc/.ignition-result.json") == 0o600


def test_an_old_cache_is_replaced_only_by_a_whole_one(machine: Machine) -> None:
    machine.run("fetch", config=files("/etc/a"))
    before = machine.cache.read_bytes()
    assert machine.run("fetch", config=b"{").status == 1
    assert machine.cache.read_bytes() == before


# ---- the state ------------------------------------------------------------------------------------------------------


def test_the_state_is_closed_to_others_and_so_is_its_folder(machine: Machine) -> None:
    machine.run("fetch", config=files("/etc/a"))
    assert mode_of(machine.state) == 0o600
    assert mode_of(machine.state.parent) == 0o700
    assert machine.state.read_bytes().endswith(b"}\n")
    assert set(machine.kept()) == {
        "fetchedConfigs", "luksPersistKeyFiles", "notatedDirectories", "providerOutputFiles", "luksPersistVolumeKeyFiles",
        "mountedPaths",
    }  # fmt: skip


DAMAGED = {
    "nothing": "",
    "half of it": '{"fetchedConfigs": [',
    "a list": "[]",
    "null": "null",
    "a string": '"x"',
    "a list for an object": '{"luksPersistKeyFiles": []}',
    "an object for a list": '{"fetchedConfigs": {}}',
    "a number for a string": '{"notatedDirectories": [1]}',
    "a string for a record": '{"fetchedConfigs": ["x"]}',
    "a number for a key": '{"luksPersistKeyFiles": {"a": 1}}',
    "no text": "\udcff",
    "deep nesting": '{"a":' * 100_000,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_state_ends_with_3_and_is_kept(name: str, machine: Machine) -> None:
    machine.state.parent.mkdir()
    content = DAMAGED[name].encode(errors="surrogateescape")
    machine.state.write_bytes(content)
    ended = machine.run("fetch,files", config=files("/etc/a"))
    assert ended.status == 3, ended.said
    assert "the state of the earlier stages cannot be read" in ended.stderr
    assert machine.state.read_bytes() == content
    assert not (machine.root / "etc/a").exists()


def test_a_state_with_nulls_and_unknown_keys_is_fine(machine: Machine) -> None:
    machine.state.parent.mkdir()
    machine.state.write_text('{"fetchedConfigs": null, "notatedDirectories": null, "future": 1}')
    assert machine.run("fetch,files", config=files("/etc/a")).status == 0


def test_a_state_that_cannot_be_written_fails_the_stage(machine: Machine) -> None:
    machine.state.parent.write_text("a file where a folder is due")
    ended = machine.run("fetch", config=files("/etc/a"))
    assert ended.status in (1, 3), ended.said
    assert "run/state" in ended.stderr
    assert machine.state.parent.read_text() == "a file where a folder is due"


# ---- the network ----------------------------------------------------------------------------------------------------


def test_offline_a_config_that_holds_all_is_cached_without_a_marker(machine: Machine) -> None:
    ended = machine.run("fetch-offline", config=files("/etc/a"))
    assert ended.status == 0
    assert machine.paths() == ["/etc/a"]
    assert not machine.neednet.exists()
    assert machine.run("files").status == 0


NEEDS = {
    "a file": remote("https://user:geheim@host.example/a?token=geheim"),
    "a config": referring("https://user:geheim@host.example/a?token=geheim"),
    "a replacement": referring(replace="http://host.example/a"),
    "an authority": {"ignition": {"security": {"tls": {"certificateAuthorities": [{"source": "http://host.example/a"}]}}}},
    "an appended piece": {"storage": {"files": [{"path": "/a", "append": [{"source": "tftp://host.example/a"}]}]}},
    "a key": {"storage": {"luks": [{"name": "l", "device": "/dev/a", "keyFile": {"source": "s3://bucket/key"}}]}},
    "a Tang server": {
        "storage": {"luks": [{
            "name": "l", "device": "/dev/a", "clevis": {"tang": [{"url": "http://host.example", "thumbprint": "t"}]},
        }]},
    },
    "a pin that says so": {
        "storage": {"luks": [{
            "name": "l", "device": "/dev/a", "clevis": {"custom": {"pin": "tang", "config": "{}", "needsNetwork": True}},
        }]},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", NEEDS)
def test_offline_what_needs_the_network_makes_a_marker_and_no_cache(name: str, machine: Machine) -> None:
    machine.cache.write_text("of an earlier boot")
    ended = machine.run("fetch-offline", config=NEEDS[name])
    assert ended.status == 0, ended.said
    assert machine.neednet.read_bytes() == b""
    assert mode_of(machine.neednet.parent) in (0o700, 0o755)
    assert not machine.cache.exists()
    assert "the network is needed" in ended.stdout
    assert "geheim" not in ended.said


@pytest.mark.parametrize(
    "clevis",
    [
        {"tpm2": True},
        {"tang": [{"url": "http://host.example", "thumbprint": "t", "advertisement": '{"payload": "x"}'}]},
        {"custom": {"pin": "tpm2", "config": "{}"}},
    ],
)
def test_offline_pins_that_need_no_network_are_cached(clevis: Json, machine: Machine) -> None:
    wanted = {"storage": {"luks": [{"name": "l", "device": "/dev/a", "clevis": clevis}]}}
    assert machine.run("fetch-offline", config=wanted).status == 0
    assert machine.cache.exists()
    assert not machine.neednet.exists()


def test_offline_a_platform_that_has_to_be_asked_needs_the_network(machine: Machine) -> None:
    ended = machine.run("fetch-offline", platform="openstack")
    assert ended.status == 0, ended.said
    assert machine.neednet.exists()
    assert not machine.cache.exists()


def test_offline_a_fragment_of_the_image_may_need_the_network(machine: Machine) -> None:
    (machine.system / "base.d").mkdir(parents=True)
    (machine.system / "base.d/a.ign").write_bytes(document(remote("http://host.example/a")))
    assert machine.run("fetch-offline", config=files("/etc/b")).status == 0
    assert machine.neednet.exists()
    assert not machine.cache.exists()


def test_the_marker_goes_away_once_the_config_is_there(machine: Machine) -> None:
    with serving({"/a": answer(200, b"content")}) as server:
        assert machine.run("fetch-offline", config=remote(f"{server.url}/a")).status == 0
        assert server.seen == []
        assert machine.neednet.exists()
        assert machine.run("fetch,files").status == 0
    assert machine.cache.exists()
    assert not machine.neednet.exists()
    assert (machine.root / "etc/a").read_text() == "content"


def test_stages_after_an_offline_fetch_without_success_are_not_run(machine: Machine) -> None:
    ended = machine.run("fetch-offline,files", config={**remote("http://host.example/a")})
    assert ended.status == 0
    assert "files passed" not in ended.stdout
    assert not (machine.root / "etc/a").exists()


def test_offline_a_bad_config_is_a_failure_and_no_reason_for_the_network(machine: Machine) -> None:
    ended = machine.run("fetch-offline", config=b"{")
    assert ended.status == 1
    assert not machine.neednet.exists()


# ---- the result -----------------------------------------------------------------------------------------------------


def test_the_result_tells_when_and_in_which_boot(machine: Machine) -> None:
    assert machine.run("fetch,files", config=files("/etc/a")).status == 0
    result = machine.result()
    assert result["provisioningBootID"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert result["provisioningDate"][4] == "-"
    assert result["provisioningDate"][10] == "T"
    assert result["userConfigProvided"] is True
    assert "previousReport" not in result
    text = (machine.root / "etc/.ignition-result.json").read_text()
    assert text.endswith("}\n")
    assert '\n  "provisioningDate"' in text
    assert mode_of(machine.root / "etc/.ignition-result.json") == 0o600


def test_a_second_provisioning_tells_of_the_first_and_is_warned_of(machine: Machine) -> None:
    machine.run("fetch,files", config=files("/etc/a"))
    first = machine.result()
    ended = machine.run("fetch,files", config=files("/etc/a"))
    assert ended.status == 0, ended.said
    assert machine.result()["previousReport"] == first
    assert "was provisioned before" in lines_with("WARNING", ended.stdout)[0]


@pytest.mark.parametrize(("status", "tells"), [(0, False), (1, True), (3, True)])
def test_a_live_system_has_no_past(status: int, tells: bool, machine: Machine) -> None:
    machine.run("fetch,files", config=files("/etc/a"))
    machine.program("is-live-image", f"exit {status}")
    ended = machine.run("fetch,files", config=files("/etc/a"))
    assert ("previousReport" in machine.result()) is tells
    assert bool(lines_with("WARNING", ended.stdout)) is tells


def test_a_damaged_result_of_an_earlier_run_is_left_out(machine: Machine) -> None:
    path = machine.root / "etc/.ignition-result.json"
    path.write_text("{")
    ended = machine.run("fetch,files", config=files("/etc/a"))
    assert ended.status == 0, ended.said
    assert "previousReport" not in machine.result()
    assert "is damaged" in ended.stdout


def test_the_result_may_go_elsewhere(machine: Machine) -> None:
    ended = machine.run("fetch,files", config=files("/etc/a"), PROVISION_RESULT_FILE="/var/lib/result.json")
    assert ended.status == 0, ended.said
    assert json.loads((machine.root / "var/lib/result.json").read_text())["userConfigProvided"] is True
    assert not (machine.root / "etc/.ignition-result.json").exists()


def test_fragments_alone_are_no_user_s_config(machine: Machine) -> None:
    (machine.system / "base.d").mkdir(parents=True)
    (machine.system / "base.d/a.ign").write_bytes(document(files("/etc/a")))
    machine.run("fetch,files", platform="metal")
    assert machine.result()["userConfigProvided"] is False


# ---- failures -------------------------------------------------------------------------------------------------------

LATER = "/etc/z"


def failing(machine: Machine) -> Json:
    """A config of which the second act fails: a server has not what it says."""
    return {
        "storage": {
            "files": [
                {"path": "/etc/first", "contents": {"source": "data:,x"}},
                {"path": LATER, "contents": {"source": f"http://127.0.0.1:{free_port()}/a"}},
            ]
        },
        "ignition": {"timeouts": {"httpTotal": 1}},
    }


def test_a_failure_is_written_down_here_and_in_the_root(machine: Machine) -> None:
    ended = machine.run("fetch,files", config=failing(machine))
    assert ended.status == 1, ended.said
    failure = json.loads(machine.failure.read_text())
    assert set(failure) == {"provisioningBootID", "provisioningDate", "failure"}
    assert failure["failure"]["stage"] == "files"
    assert failure["failure"]["operation"].startswith("write /etc/z: from http://127.0.0.1:")
    assert failure["failure"]["subject"] == "storage.files /etc/z"
    assert "in time" in failure["failure"]["cause"]
    assert failure["failure"]["place"] is None
    assert mode_of(machine.failure) == 0o600
    assert machine.result()["failure"] == failure["failure"]
    assert mode_of(machine.root / "etc/.ignition-result.json") == 0o600
    assert not (machine.root / "etc/z").exists()


def test_a_failure_before_the_root_is_filled_leaves_the_root_alone(machine: Machine) -> None:
    before = names_below(machine.root)
    machine.run("fetch", config=b"{")
    assert names_below(machine.root) == before
    assert json.loads(machine.failure.read_text())["failure"]["stage"] == "fetch"


def test_a_root_without_etc_gets_no_folder_for_a_failure(machine: Machine) -> None:
    for path in sorted((machine.root / "etc").iterdir()):
        path.unlink()
    (machine.root / "etc").rmdir()
    wanted = failing(machine)
    wanted["storage"]["files"] = wanted["storage"]["files"][1:]
    wanted["storage"]["files"][0]["path"] = "/z"
    assert machine.run("fetch,files", config=wanted).status == 1
    assert names_below(machine.root) == [".provision-journal"]


def test_the_next_run_tells_of_the_failure_and_completes_the_work(machine: Machine) -> None:
    machine.run("fetch,files", config=failing(machine))
    with serving({"/a": answer(200, b"content")}) as server:
        wanted = files("/etc/first")
        wanted["storage"]["files"].append({"path": "/etc/z", "contents": {"source": f"{server.url}/a"}})
        ended = machine.run("fetch,files", config=wanted)
    assert ended.status == 0, ended.said
    assert machine.result()["previousReport"]["failure"]["subject"] == "storage.files /etc/z"
    assert "[started]  write /etc/first" not in ended.stdout


@as_root
@pytest.mark.parametrize("link", ["/outside", "outside"])
def test_a_link_in_the_root_does_not_lead_the_failure_out(link: str, machine: Machine) -> None:
    outside = machine.folder / "outside"
    outside.mkdir()
    target = str(outside) if link == "/outside" else "../outside"
    for path in (machine.root / "etc").iterdir():
        path.unlink()
    (machine.root / "etc").rmdir()
    (machine.root / "etc").symlink_to(target)
    wanted = failing(machine)
    wanted["storage"]["files"] = [{**wanted["storage"]["files"][1], "path": "/z"}]
    assert machine.run("fetch,files", config=wanted).status == 1
    assert names_below(outside) == []


def test_a_link_in_the_root_leads_the_failure_to_its_place_there(machine: Machine) -> None:
    (machine.root / "etc").rename(machine.root / "real")
    (machine.root / "etc").symlink_to("/real")
    wanted = failing(machine)
    assert machine.run("fetch,files", config=wanted).status == 1
    assert json.loads((machine.root / "real/.ignition-result.json").read_text())["failure"]["stage"] == "files"


# ---- the report -----------------------------------------------------------------------------------------------------


def reported(server: object) -> list[Json]:
    """The bodies of the reports that came in."""
    return [json.loads(seen.body) for seen in server.seen if seen.method == "POST"]  # type: ignore[attr-defined]


def test_success_is_reported_after_the_stage_files(machine: Machine) -> None:
    with serving({"/r": answer(204)}) as server:
        machine.kernel.write_text(f"provision.report.url={server.url}/r?key=geheim\n")
        ended = machine.run("fetch,disks,files,umount", config=files("/etc/a"))
        (body,) = reported(server)
        assert server.seen[0].path == "/r?key=geheim"
        assert server.seen[0].headers["content-type"] == "application/json"
    assert ended.status == 0
    assert body["result"] == "provisioned"
    assert len(body["provisioningBootID"]) == 36
    assert "geheim" not in ended.said


def test_a_failure_is_reported_whatever_the_stage(machine: Machine) -> None:
    with serving({"/r": answer(200)}) as server:
        machine.kernel.write_text(f"provision.report.url={server.url}/r\n")
        assert machine.run("fetch", config=b"{").status == 1
        (body,) = reported(server)
    assert body["failure"]["stage"] == "fetch"
    assert "not valid" in body["failure"]["cause"]


@pytest.mark.parametrize("url", ["ftp://host/x", "junk", "http://", "http://[", "/tmp/x"])
def test_a_report_that_cannot_be_sent_is_only_noticed(url: str, machine: Machine) -> None:
    machine.kernel.write_text(f"provision.report.url={url}\n")
    ended = machine.run("fetch,files", config=files("/etc/a"))
    assert ended.status == 0, ended.said
    assert "the report was not sent" in lines_with("NOTICE", ended.stdout)[-1]


@pytest.mark.parametrize("status", [400, 404])
def test_a_server_that_refuses_the_report_is_only_noticed(status: int, machine: Machine) -> None:
    with serving({"/r": answer(status)}) as server:
        machine.kernel.write_text(f"provision.report.url={server.url}/r\n")
        ended = machine.run("fetch,files", config=files("/etc/a"))
    assert ended.status == 0
    assert "the report was not sent" in ended.stdout
    assert "CRITICAL" not in ended.stdout


# ---- the author's lines ---------------------------------------------------------------------------------------------

AUTHORS = """variant: fcos
version: 1.5.0
ignition:
  timeouts:
    http_total: 1
kernel_arguments:
  should_exist:
    - quiet
passwd:
  users:
    - name: core
      primary_group: missing
storage:
  files:
    - path: /etc/first
      contents:
        inline: x
    - path: /etc/z
      contents:
        source: http://127.0.0.1:{port}/a
"""


def transpiled(machine: Machine, text: str) -> Path:
    """Have the author's tool write the config and its source map."""
    source, places = machine.folder / "machine.bu", machine.folder / "machine.map"
    source.write_text(text)
    words = ("-m", "provision", "transpile", "--source-map", str(places), "-o", str(machine.config), "machine.bu")
    environ = {**os.environ, "PYTHONPATH": str(SOURCE)}
    subprocess.run([sys.executable, *words], cwd=machine.folder, env=environ, check=True, timeout=30)
    return places


FAILING_STAGES = {
    "kargs": ("fetch,kargs", "kernelArguments", 7),
    "files": ("fetch,files", "storage.files /etc/z", 18),
}


@pytest.mark.parametrize("stage", FAILING_STAGES)
def test_the_block_names_the_author_s_line(stage: str, machine: Machine) -> None:
    stages, subject, line = FAILING_STAGES[stage]
    text = AUTHORS.format(port=free_port())
    if stage == "files":
        text = text[: text.index("kernel_arguments")] + text[text.index("storage:") :]
        line -= 7
    places = transpiled(machine, text)
    ended = machine.run(stages, "-source-map", str(places))
    assert ended.status == 1, ended.said
    found = ended.block["for"]
    assert found.startswith(f"{subject} (machine.bu:{line}:"), found
    place = json.loads(machine.failure.read_text())["failure"]["place"]
    assert (place["file"], place["line"]) == ("machine.bu", line)


@as_root
def test_the_block_names_the_line_of_a_user(machine: Machine) -> None:
    places = transpiled(machine, AUTHORS.format(port=free_port()))
    ended = machine.run("fetch,files", "-source-map", str(places))
    assert ended.status == 1
    assert ended.block["operation"].startswith("add user core")
    assert ended.block["for"].startswith("passwd.users core (machine.bu:11:")


def test_ignition_apply_names_the_author_s_line(machine: Machine) -> None:
    text = AUTHORS.format(port=free_port())
    text = text[: text.index("kernel_arguments")] + text[text.index("storage:") :]
    places = transpiled(machine, text)
    ended = machine.call(
        "ignition-apply", "--root", str(machine.root), "--source-map", str(places), str(machine.config)
    )
    assert ended.status == 1
    assert ended.block["for"].startswith("storage.files /etc/z (machine.bu:11:")
    assert (machine.root / "etc/first").exists()


def test_lines_survive_a_merge(machine: Machine) -> None:
    text = AUTHORS.format(port=free_port())
    text = text[: text.index("kernel_arguments")] + text[text.index("storage:") :]
    places = transpiled(machine, text)
    with serving({"/child": answer(200, machine.config.read_bytes())}) as server:
        ended = machine.run(
            "fetch,files", "-source-map", str(places), config=referring(f"{server.url}/child", **files("/etc/mine"))
        )
    assert ended.block["for"].startswith("storage.files /etc/z (machine.bu:11:")


MAPS = {
    "no JSON": "{",
    "another version": '{"version": 2, "places": {}}',
    "no places": '{"version": 1}',
    "a list": "[]",
    "half a place": '{"version": 1, "places": {"storage.files /a": {"file": "x"}}}',
}


@pytest.mark.parametrize("name", MAPS)
def test_a_source_map_that_is_none_is_a_mistake_of_use(name: str, machine: Machine) -> None:
    path = machine.folder / "x.map"
    path.write_text(MAPS[name])
    ended = machine.run("fetch", "-source-map", str(path), config=files("/etc/a"))
    assert ended.status == 2
    assert "is no source map" in ended.stderr
    assert not machine.cache.exists()
