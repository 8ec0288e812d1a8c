"""What `provision inspect` shows, and what it takes out of a config."""

import base64
import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from provision.diagnostics import ProvisionError
from provision.inspection import as_json, as_text, cat_one, extract_all, inspect_file
from provision.inspection.layout import size_words, widths
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_all

ROOT = Path(__file__).parent.parent
SAMPLES = sorted((ROOT / "samples").glob("*.bu"))
HASH = "$6$rounds=4096$secretsalt$secrethash"


def compiled(config: dict[str, Any], version: str = "3.5.0") -> list[Compiled]:
    """An Ignition config, compiled."""
    return compile_all(json.dumps({"ignition": {"version": version}, **config}).encode(), "a.ign")


def shown(config: dict[str, Any], **options: Any) -> list[str]:
    """The lines of the text, without its title."""
    return as_text(compiled(config), **options).splitlines()[2:]


def facts(config: dict[str, Any]) -> Any:
    return json.loads(as_json(compiled(config)))


def files(*found: dict[str, Any]) -> dict[str, Any]:
    return {"storage": {"files": list(found)}}


def packed(data: bytes) -> dict[str, str]:
    """A content in gzip."""
    return {"compression": "gzip", "source": "data:;base64," + base64.b64encode(gzip.compress(data)).decode()}


# ---- text -------------------------------------------------------------------------------------------------------


def test_files_stand_as_a_tree_with_mode_owner_size_and_kind() -> None:
    config = {
        "storage": {
            "directories": [{"path": "/srv/www", "mode": 493, "user": {"name": "core"}}],
            "files": [
                {"path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}},
                {"path": "/etc/app/big.bin", "user": {"id": 1000}, "contents": {"source": "data:;base64,AAECAw=="}},
                {"path": "/srv/www/index.html", "contents": packed(b"x" * 3000)},
            ],
            "links": [{"path": "/etc/localtime", "target": "../usr/share/zoneinfo/UTC"}],
        }
    }
    assert shown(config) == [
        "files",
        "  /",
        "  ├── etc",
        "  │   ├── app/big.bin  0644  1000:root  4 B      binary",
        "  │   ├── localtime → ../usr/share/zoneinfo/UTC",
        "  │   └── motd         0644  root:root  5 B      text",
        "  └── srv/www/         0755  core:root",
        "      └── index.html   0644  root:root  2.9 KiB  text (packed)",
    ]


def test_the_tree_can_do_with_ascii() -> None:
    lines = shown(files({"path": "/a"}, {"path": "/b"}), ascii=True)
    assert [line.split("  ")[1] for line in lines[1:]] == ["/", "|-- a", "`-- b"]
    assert "\n".join(lines).isascii()


def test_contents_that_are_elsewhere_are_named_without_their_secrets() -> None:
    source = "https://me:password@example.com/a?token=secret"
    text = "\n".join(
        shown(files({"path": "/a", "contents": {"source": source, "verification": {"hash": "sha512-" + "a" * 128}}}))
    )
    assert "from https://example.com/a?…, sha512-aaaaaaaa…" in text
    assert "password" not in text
    assert "secret" not in text


def test_units_have_their_state_and_their_dropins() -> None:
    units = [
        {"name": "a.service", "enabled": True, "contents": "[Service]\nExecStart=/a\n[Install]\nWantedBy=b\n"},
        {"name": "docker.service", "mask": True},
        {"name": "c.service", "dropins": [{"name": "1.conf", "contents": "[Unit]\nAfter=b\n"}]},
    ]
    assert shown({"systemd": {"units": units}}) == [
        "units",
        "  a.service       enabled   4 lines",
        "  docker.service  masked",
        "  c.service       as it is",
        "    1.conf  2 lines",
    ]


def test_accounts_are_shown_without_hash_and_keys() -> None:
    user = {
        "name": "core",
        "passwordHash": HASH,
        "sshAuthorizedKeys": ["ssh-ed25519 AAAAsecret me"],
        "groups": ["wheel"],
    }
    found = compiled({"passwd": {"users": [user], "groups": [{"name": "g", "gid": 7, "passwordHash": HASH}]}})
    for text in (as_text(found), as_json(found).decode()):
        assert "secret" not in text
    assert "  core: in wheel, password set, 1 key" in as_text(found).splitlines()
    assert "  g (gid 7)" in as_text(found).splitlines()


def test_a_disk_is_drawn_with_its_partitions_as_wide_as_they_are_large() -> None:
    partitions = [{"number": 1, "label": "boot", "sizeMiB": 512}, {"number": 2, "label": "data", "sizeMiB": 2048}]
    config = {
        "storage": {
            "disks": [{"device": "/dev/vda", "wipeTable": True, "partitions": partitions}],
            "filesystems": [
                {"device": "/dev/disk/by-partlabel/boot", "format": "ext4", "path": "/boot"},
                {"device": "/dev/vda2", "format": "xfs", "path": "/var", "label": "var", "wipeFilesystem": True},
            ],
        }
    }
    lines = shown(config, width=60)
    assert lines[:6] == [
        "disks",
        "  /dev/vda, new partition table",
        "  ┌────────────┬" + "─" * 43 + "┐",
        "  │ 1 boot     │ 2 data" + " " * 36 + "│",
        "  │ 512 MiB    │ 2 GiB" + " " * 37 + "│",
        "  │ ext4 /boot │ xfs /var" + " " * 34 + "│",
    ]
    assert max(map(len, lines[:7])) <= 60
    assert lines[7:] == [
        "  /dev/disk/by-partlabel/boot: ext4, at /boot",
        "  /dev/vda2: xfs, at /var, label var, made anew",
    ]


def test_what_stands_on_arrays_and_volumes_is_told() -> None:
    config = {
        "storage": {
            "disks": [{"device": "/dev/nvme0n1", "partitions": [{"number": 1, "label": "a"}]}],
            "raid": [{"name": "md0", "level": "raid1", "devices": ["/dev/nvme0n1p1", "/dev/sdb"], "spares": 1}],
            "luks": [{"name": "safe", "device": "/dev/md/md0", "clevis": {"tpm2": True}, "wipeVolume": True}],
            "filesystems": [{"device": "/dev/mapper/safe", "format": "xfs", "path": "/var"}],
        }
    }
    text = "\n".join(shown(config))
    assert "│ raid md0" in text
    assert "  raid md0: raid1 of /dev/nvme0n1p1, /dev/sdb, 1 of them spare → luks safe" in text
    assert "  luks safe: on /dev/md/md0, opened by TPM2, made anew → xfs /var" in text


@pytest.mark.parametrize("what", ["/dev/disk/by-partlabel/data", "PARTLABEL=data", "LABEL=d", "/dev/vda1", "UUID=u-1"])
def test_a_mount_unit_tells_where_a_file_system_is(what: str) -> None:
    mount = {"name": "srv.mount", "enabled": True, "contents": f"[Mount]\nWhat={what}\nWhere=/srv\n"}
    filesystem = {"device": "/dev/disk/by-partlabel/data", "format": "xfs", "label": "d", "uuid": "u-1"}
    disk = {"device": "/dev/vda", "partitions": [{"number": 1, "label": "data"}]}
    config = {"storage": {"disks": [disk], "filesystems": [filesystem]}, "systemd": {"units": [mount]}}
    text = "\n".join(shown(config))
    assert "│ xfs /srv " in text
    assert "/dev/disk/by-partlabel/data: xfs, at /srv by srv.mount, label d" in text
    assert facts(config)["mounts"][0]["where"] == "/srv"
    masked = {**config, "systemd": {"units": [{**mount, "mask": True}]}}
    assert "xfs, not mounted" in "\n".join(shown(masked))


def test_swap_units_and_file_systems_that_were_there_are_told_too() -> None:
    units = [
        {"name": "dev-vda1.swap", "contents": "[Swap]\nWhat=/dev/vda1\n"},
        {"name": "old.mount", "contents": "[Mount]\nWhere=/old\n", "dropins": [{"name": "a.conf", "contents": "[Mount]\nWhat=/dev/vda2\n"}]},
    ]  # fmt: skip
    disk = {"device": "/dev/vda", "partitions": [{"number": 1, "sizeMiB": 512}, {"number": 2, "sizeMiB": 512}]}
    swap = {"device": "/dev/vda1", "format": "swap"}
    lines = shown({"storage": {"disks": [disk], "filesystems": [swap]}, "systemd": {"units": units}})
    assert any(line.split()[1:4:2] == ["swap", "/old"] for line in lines)
    assert "  /dev/vda1: swap, used by dev-vda1.swap" in lines


def test_partitions_stand_as_they_lie_on_the_disk() -> None:
    partitions = [
        {"number": 1, "startMiB": 600, "sizeMiB": 10_000},
        {"number": 2, "startMiB": 1, "sizeMiB": 599, "label": "a-long-label"},
    ]
    row = next(
        line
        for line in shown({"storage": {"disks": [{"device": "/dev/vda", "partitions": partitions}]}})
        if "a-" in line
    )
    assert row.index("2 a-long-label") < row.index("1 ")


def test_a_disk_with_too_many_partitions_for_a_line_is_a_list() -> None:
    partitions = [{"number": number, "label": f"partition-{number}", "sizeMiB": 1} for number in range(1, 20)]
    lines = shown({"storage": {"disks": [{"device": "/dev/vda", "partitions": partitions}]}})
    assert "    19 partition-19  1 MiB" in lines


@pytest.mark.parametrize(
    ("texts", "sizes", "room", "wide"),
    [
        ([8, 8], [1, 1], 40, [20, 20]),
        ([8, 8], [1, 99], 40, [8, 32]),
        ([8, 8, 8], [1, 1, 8], 50, [8, 8, 34]),
        ([10], [5], 30, [30]),
        ([8, 8, 8], [1, 1, 1], 50, [16, 17, 17]),
        ([8, 20, 8], [4, 2, 90], 70, [20, 20, 30]),  # one that is larger is not drawn smaller
        ([8, 20, 8], [4, 2, 90], 40, [8, 20, 12]),  # unless there is no room
        ([8, 8], [0, 5], 40, [8, 32]),
        ([8, 8], [0, 0], 40, [8, 8]),
    ],
)
def test_boxes_are_as_wide_as_their_share_but_never_narrower_than_their_text(
    texts: list[int], sizes: list[int], room: int, wide: list[int]
) -> None:
    assert widths(texts, sizes, room) == wide


@pytest.mark.parametrize(
    ("mib", "words"),
    [
        (None, "the rest"),
        (0, "the rest"),
        (1, "1 MiB"),
        (1023, "1023 MiB"),
        (1024, "1 GiB"),
        (20_000, "19.5 GiB"),
        (1 << 21, "2 TiB"),
    ],
)
def test_sizes_are_told_as_people_tell_them(mib: int | None, words: str) -> None:
    assert size_words(mib) == words


def test_a_pointer_is_explained() -> None:
    found = compiled({
        "ignition": {
            "version": "3.2.0", "config": {"merge": [{"source": "https://api-int.ocp.example.com:22623/config/worker"}]},
            "security": {"tls": {"certificateAuthorities": [{"source": "data:,-----BEGIN%20CERTIFICATE-----"}]}},
        }
    })  # fmt: skip
    assert [one.code for one in found[0].diagnostics] == ["PV770"]
    assert as_text(found).splitlines()[2:] == [
        "a pointer: the machine fetches the config of the pool worker from",
        "  api-int.ocp.example.com:22623 over https, trusting 1 certificate of its own",
    ]
    assert json.loads(as_json(found))["pointers"] == [
        {"scheme": "https", "host": "api-int.ocp.example.com", "port": 22623, "pool": "worker"}
    ]


def test_a_machineconfig_tells_what_is_around_its_config() -> None:
    text = (ROOT / "samples/machineconfig/50-worker-chrony.yaml").read_bytes()
    found = compile_all(text, "a.yaml")
    lines = as_text(found).splitlines()
    assert "50-worker-chrony, for worker; a running node reboots" in lines
    assert sum("console=ttyS0" in line for line in lines) == 1
    assert json.loads(as_json(found))["machineconfig"]["role"] == "worker"


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        ("/etc/containers/registries.conf", "reload crio"),
        ("/etc/motd", "reboot"),
        ("/etc/kubernetes/kubelet-ca.crt", "nothing"),
        ("/etc/containers/registries.d/example.yaml", "reload crio"),
        ("/etc/pki/ca-trust/source/anchors/openshift-config-user-ca-bundle.crt", "restart crio"),
    ],
)
def test_a_machineconfig_tells_what_a_running_node_does(path: str, effect: str) -> None:
    spec = {
        "config": {
            "ignition": {"version": "3.2.0"},
            **files({"path": path, "mode": 420, "contents": {"source": "data:,a"}}),
        },
        "kernelType": "default",
    }
    metadata = {"name": "50-worker-a", "labels": {"machineconfiguration.openshift.io/role": "worker"}}
    whole = {
        "apiVersion": "machineconfiguration.openshift.io/v1",
        "kind": "MachineConfig",
        "metadata": metadata,
        "spec": spec,
    }
    found = compile_all(json.dumps(whole).encode(), "a.json")
    assert json.loads(as_json(found))["machineconfig"]["effect"] == effect


def test_a_partition_that_goes_away_says_so() -> None:
    partition = {"number": 3, "shouldExist": False, "wipePartitionEntry": True}
    assert "  │ deleted " in "\n".join(
        shown({"storage": {"disks": [{"device": "/dev/vda", "partitions": [partition]}]}})
    )


def test_an_empty_config_says_so() -> None:
    assert shown({}) == ["nothing is in it"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_can_be_inspected(path: Path) -> None:
    found = compile_all(path.read_bytes(), path.name, Options(str(ROOT / "samples/files")))
    assert len(as_text(found).splitlines()) > 3
    assert json.loads(as_json(found))["file"] == path.name


# ---- JSON -------------------------------------------------------------------------------------------------------


def test_json_has_the_same_keys_whatever_is_in_the_config() -> None:
    empty, full = facts({}), facts(files({"path": "/a"}))
    assert empty.keys() == full.keys()
    assert {
        "files",
        "directories",
        "links",
        "units",
        "users",
        "groups",
        "kernelArguments",
        "disks",
        "references",
    } < empty.keys()
    assert full["files"] == [{
        "path": "/a", "mode": None, "user": None, "group": None, "overwrite": None, "size": 0, "kind": "none", "appends": 0,
        "pieces": [{"kind": "none", "size": 0, "source": None, "hash": None, "compression": None, "fault": None}],
    }]  # fmt: skip


def test_json_holds_no_key_of_a_volume() -> None:
    luks = {"name": "a", "device": "/dev/vdb", "keyFile": {"source": "data:,secret"}}
    assert "secret" not in as_json(compiled({"storage": {"luks": [luks]}})).decode()


def test_no_secret_of_a_url_is_shown_nor_what_a_misspelt_data_url_holds() -> None:
    tang = {"url": "https://me:secret@example.com/", "thumbprint": "a"}
    luks = {"name": "a", "device": "/dev/vdb", "clevis": {"tang": [tang]}}
    config = {"storage": {"luks": [luks], "files": [{"path": "/a", "contents": {"source": "DATA:,secret"}}]}}
    for text in (as_json(compiled(config)).decode(), as_text(compiled(config))):
        assert "https://example.com/" in text
        assert "secret" not in text


@pytest.mark.parametrize("tang", [{}, {"thumbprint": "a"}, {"url": ""}])
def test_a_server_without_a_url_is_shown_as_far_as_it_can_be(tang: dict[str, str]) -> None:
    found = compiled({"storage": {"luks": [{"name": "a", "device": "/dev/vdb", "clevis": {"tang": [tang]}}]}})
    assert json.loads(as_json(found))["luks"][0]["name"] == "a"
    assert "luks a: on /dev/vdb" in as_text(found)


def test_certificates_are_told_where_there_is_nothing_else() -> None:
    security = {"tls": {"certificateAuthorities": [{"source": "data:,a"}]}}
    text = json.dumps({"ignition": {"version": "3.4.0", "security": security}}).encode()
    assert as_text(compile_all(text, "a.ign")).splitlines()[2:] == ["trust", "  1 certificate of its own"]


def test_a_partition_of_a_disk_that_goes_by_a_link_is_known_by_its_number() -> None:
    disk = {"device": "/dev/disk/by-id/a1", "partitions": [{"number": 1, "sizeMiB": 100}]}
    filesystem = {"device": "/dev/disk/by-id/a1-part1", "format": "ext4", "path": "/var/x"}
    assert "│ ext4 /var/x " in "\n".join(shown({"storage": {"disks": [disk], "filesystems": [filesystem]}}))


def test_nothing_of_a_broken_config_reaches_the_terminal_as_a_command() -> None:
    filesystem = {"device": "/dev/vda", "format": "\x1b[31m", "path": "/a"}
    assert "\x1b" not in "\n".join(shown({"storage": {"filesystems": [filesystem]}}))


def test_all_entries_of_one_path_are_shown() -> None:
    link = {"path": "/a", "target": "/b"}
    assert sum("/b" in line for line in shown({"storage": {"links": [link] * 3}})) == 3


# ---- taking out -------------------------------------------------------------------------------------------------

APPENDED = files({
    "path": "/etc/a", "mode": 0o4600, "contents": packed(b"one\n"), "append": [{"source": "data:,two%0A"}, {"source": "data:,three"}],
})  # fmt: skip


def test_cat_gives_the_content_and_what_is_appended_in_order() -> None:
    assert cat_one(compiled(APPENDED), "/etc/a") == b"one\ntwo\nthree"


def test_cat_gives_units_by_name_and_by_path() -> None:
    unit = {"name": "a.service", "contents": "[Unit]\n", "dropins": [{"name": "b.conf", "contents": "[Service]\n"}]}
    found = compiled({"systemd": {"units": [unit]}})
    assert cat_one(found, "a.service") == b"[Unit]\n"
    assert cat_one(found, "/etc/systemd/system/a.service.d/b.conf") == b"[Service]\n"


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({"source": "https://me:secret@example.com/a"}, "the content is at https://example.com/a, and is not fetched"),
        ({"source": "data:,a", "verification": {"hash": "sha512-" + "0" * 128}}, "the content has the sha512 hash"),
        ({"source": "data:,aaaaaaaaaa", "compression": "gzip"}, "not valid gzip"),
    ],
)
def test_cat_says_why_a_content_cannot_be_had(contents: dict[str, Any], words: str) -> None:
    with pytest.raises(ProvisionError, match=words):
        cat_one(compiled(files({"path": "/a", "contents": contents})), "/a")


def test_cat_says_so_for_the_first_config_that_has_the_file_too() -> None:
    first = files({"path": "/a", "contents": {"source": "https://example.com/a"}})
    with pytest.raises(ProvisionError, match="is not fetched"):
        cat_one([*compiled(first), *compiled(files({"path": "/b"}))], "/a")


def test_a_text_instead_of_a_url_is_no_place_to_fetch_from() -> None:
    config = files({"path": "/etc/motd", "contents": {"source": "Hello world"}})
    assert shown(config)[2].endswith("damaged: its source is no URL")
    with pytest.raises(ProvisionError, match="/etc/motd: its source is no URL"):
        cat_one(compiled(config), "/etc/motd")


def test_a_file_with_pools_only_has_no_config_to_show() -> None:
    text = (
        "apiVersion: machineconfiguration.openshift.io/v1\nkind: MachineConfigPool\nmetadata: {name: infra}\nspec: {}\n"
    )
    with pytest.raises(ProvisionError, match=r"a\.yaml: there is no config in this file"):
        inspect_file(text.encode(), "a.yaml", Options())


def test_cat_names_the_path_that_was_meant() -> None:
    with pytest.raises(ProvisionError, match=r"did you mean /etc/a\?"):
        cat_one(compiled(APPENDED), "/etc/b")


def test_extract_writes_files_and_units_below_a_new_folder(tmp_path: Path) -> None:
    config = {**APPENDED, "systemd": {"units": [{"name": "a.service", "contents": "[Unit]\n"}]}}
    config["storage"] = {**config["storage"], "links": [{"path": "/etc/l", "target": "/etc/passwd"}]}
    left = extract_all(compiled(config), str(tmp_path / "new"))
    assert (tmp_path / "new/etc/a").read_bytes() == b"one\ntwo\nthree"
    assert (tmp_path / "new/etc/a").stat().st_mode & 0o7777 == 0o600
    assert (tmp_path / "new/etc/systemd/system/a.service").read_text() == "[Unit]\n"
    assert left == ["/etc/l: links are not made"]
    assert not os.path.lexists(tmp_path / "new/etc/l")


def test_extract_leaves_out_what_it_cannot_have(tmp_path: Path) -> None:
    remote = {"path": "/b", "contents": {"source": "https://example.com/b"}}
    left = extract_all(
        compiled(files({"path": "/a", "contents": {"source": "data:,a"}}, remote)), str(tmp_path / "new")
    )
    assert left == ["/b: the content is at https://example.com/b, and is not fetched"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]


def test_extract_takes_no_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    with pytest.raises(ProvisionError, match="the folder is not empty"):
        extract_all(compiled(APPENDED), str(tmp_path))
    with pytest.raises(ProvisionError, match=r"there: file exists"):
        extract_all(compiled(APPENDED), str(tmp_path / "there"))


@pytest.mark.parametrize("path", ["/../../out", "/etc/../../../out", "out", "", "/a\0b", "/a/"])
def test_extract_never_leads_out_of_its_folder(path: str, tmp_path: Path) -> None:
    found = compiled(files({"path": path, "contents": {"source": "data:,a"}}))
    with pytest.raises(ProvisionError, match="path"):
        extract_all(found, str(tmp_path / "new"))
    assert not list(tmp_path.iterdir())


def test_extract_never_leads_out_by_the_name_of_a_unit(tmp_path: Path) -> None:
    found = compiled({"systemd": {"units": [{"name": "../../../../../../out.service", "contents": "[Unit]\n"}]}})
    with pytest.raises(ProvisionError, match="path"):
        extract_all(found, str(tmp_path / "new"))
    assert not list(tmp_path.iterdir())


def test_the_command_gives_one_thing_at_a_time(tmp_path: Path) -> None:
    data = json.dumps({"ignition": {"version": "3.5.0"}, **APPENDED}).encode()
    assert inspect_file(data, "a.ign", Options()).data.startswith(b"a.ign: ignition 3.5.0\n")
    assert json.loads(inspect_file(data, "a.ign", Options(), json=True).data)["spec"] == "3.5.0"
    assert inspect_file(data, "a.ign", Options(), cat="/etc/a").data == b"one\ntwo\nthree"
    taken = inspect_file(data, "a.ign", Options(), extract=str(tmp_path / "out"))
    assert (taken.data, taken.notes, taken.failed) == (b"", [], False)
    assert (tmp_path / "out/etc/a").exists()
    assert inspect_file(b"{", "a.ign", Options()).failed


# ---- anything ---------------------------------------------------------------------------------------------------


def test_broken_configs_are_shown_as_far_as_they_can_be() -> None:
    whole = json.dumps({
        "ignition": {"version": "3.5.0"}, **APPENDED,
        "passwd": {"users": [{"name": "core", "groups": ["a"], "uid": 3}]},
        "systemd": {"units": [{"name": "a.service", "mask": True}]},
        "kernelArguments": {"shouldExist": ["a"]},
    })  # fmt: skip
    chance = random.Random(7)
    for _ in range(500):
        at = chance.randrange(len(whole))
        mutant = (
            whole[:at]
            + chance.choice(["null", "[]", "{}", "3", '"x"', "", "\\u0000"])
            + whole[at + chance.randrange(4) :]
        )
        found = compile_all(mutant.encode(), "a.ign")
        assert as_text(found).count("a.ign") <= 1
        assert json.loads(as_json(found)) is not None


def test_a_deep_tree_is_drawn() -> None:
    paths = ["/" + "/".join(["d"] * depth) for depth in range(1, 1500)]
    lines = shown({"storage": {"directories": [{"path": path} for path in paths]}})
    assert len(lines) == len(paths) + 2
