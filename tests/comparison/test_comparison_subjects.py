"""What differs between two configs: what is told, and what is no difference."""

import base64
import gzip
from typing import Any

import pytest
from comparison_shared import HASH, KEY, OTHER_HASH, OTHER_KEY, between, changes, file, files, ignition, units, users
from hypothesis import given
from strategies import SECRET, configs

from provision.comparison.changes import HIDDEN, Change, Field, Text
from provision.comparison.subjects import Subject, compare
from provision.ignition import Config, Resource
from provision.record import Record, Row

DATA = "https://me:password@example.com/a?token=secret"


def only(found: tuple[Change, ...]) -> Change:
    (change,) = found
    return change


# ---- files ------------------------------------------------------------------------------------------------------


def test_a_text_that_differs_is_a_unified_diff() -> None:
    found = only(between(files(file("a\nb\nc\n")), files(file("a\nB\nc"))))
    assert found == Change(
        "file", "/etc/app", "changed", (),
        (Text("contents", ("@@ -1,3 +1,3 @@", " a", "-b", "-c", "+B", "+c", "\\ No newline at end of file")),),
    )  # fmt: skip


def test_the_packing_of_a_content_is_no_difference() -> None:
    packed = base64.b64encode(gzip.compress(b"hello")).decode()
    one = {"path": "/a", "contents": {"source": f"data:;base64,{packed}", "compression": "gzip"}}
    other = {"path": "/a", "mode": 0o644, "user": {"id": 0}, "contents": {"source": "data:,hel%6co", "compression": ""}}
    assert between(files(one), files(other)) == ()


def test_what_is_appended_to_a_content_of_its_own_is_part_of_it() -> None:
    whole = file("one\ntwo\n")
    parts = {**file("one\n"), "append": [{"source": "data:,two%0A"}]}
    assert between(files(whole), files(parts)) == ()
    appended = {"path": "/etc/app", "append": [{"source": "data:,one%0Atwo%0A"}]}
    found = only(between(files(appended), files(whole)))
    assert found.fields == (
        Field("mode", None, "0644"), Field("owner", None, "root:root"), Field("contents are", "appended", "written"),
    )  # fmt: skip
    assert not found.texts


def test_mode_and_owner_are_told_as_people_write_them() -> None:
    new = file("x", mode=0o750, user={"name": "core"}, group={"id": 100}, overwrite=True)
    found = only(between(files(file("x")), files(new)))
    assert found.fields == (
        Field("mode", "0644", "0750"), Field("owner", "root:root", "core:100"), Field("overwrite", None, "true"),
    )  # fmt: skip


def test_what_is_no_text_is_told_by_size_and_hash() -> None:
    one, other = ({"path": "/a", "contents": {"source": f"data:;base64,{data}"}} for data in ("AAECAw==", "AAECAwQ="))
    found = only(between(files(one), files(other)))
    assert not found.texts
    (field,) = found.fields
    assert field == Field("contents", "binary, 4 bytes, sha256 054edec1d021", "binary, 5 bytes, sha256 08bb5e5d6eaa")


def test_a_source_that_is_fetched_is_told_without_its_secrets() -> None:
    hash = "sha512-" + "a" * 128
    old = {"path": "/a", "contents": {"source": DATA, "verification": {"hash": hash}}}
    new = {"path": "/a", "contents": {"source": "https://example.com/b"}}
    found = only(between(files(old), files(new)))
    assert found.fields == (
        Field("contents", "from https://example.com/a?…, sha512-aaaaaaaaaaaaaaaa…", "from https://example.com/b, unchecked"),
    )  # fmt: skip
    token = {"path": "/a", "contents": {"source": DATA + "2", "verification": {"hash": hash}}}
    assert only(between(files(old), files(token))).fields == (Field("contents", HIDDEN, HIDDEN),)
    header = {"httpHeaders": [{"name": "Authorization", "value": "secret"}]}
    asked = {"path": "/a", "contents": {**new["contents"], **header}}  # type: ignore[dict-item]
    assert only(between(files(new), files(asked))).fields == (Field("contents", HIDDEN, HIDDEN),)


def test_a_link_in_the_place_of_a_file_is_two_changes() -> None:
    link = {"storage": {"links": [{"path": "/etc/app", "target": "/b"}]}}
    found = between(files(file("x")), link)
    assert [(change.kind, change.verb) for change in found] == [("file", "removed"), ("link", "added")]
    assert Field("target", None, "/b") in found[1].fields


def test_directories_and_links_are_compared() -> None:
    old = {"storage": {"directories": [{"path": "/d"}], "links": [{"path": "/l", "target": "/a"}]}}
    new = {"storage": {"directories": [{"path": "/d", "mode": 0o700}], "links": [{"path": "/l", "target": "/b"}]}}
    assert between(old, new) == (
        Change("directory", "/d", "changed", (Field("mode", "0755", "0700"),)),
        Change("link", "/l", "changed", (Field("target", "/a", "/b"),)),
    )


def test_an_empty_file_is_not_one_whose_content_stays() -> None:
    found = only(between(files({"path": "/a"}), files({"path": "/a", "contents": {"source": "data:,"}})))
    assert Field("contents", None, "empty") in found.fields


# ---- secrets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o660, 0o2750])
@pytest.mark.parametrize("side", ["old", "new", "both"])
def test_the_content_of_a_file_that_not_all_may_read_is_not_shown(mode: int, side: str) -> None:
    modes = [mode if side in (name, "both") else 0o644 for name in ("old", "new")]
    found = between(files(file("hunter2\n", mode=modes[0])), files(file("hunter3\n", mode=modes[1])))
    assert Field("contents", HIDDEN, HIDDEN) in only(found).fields
    assert "hunter" not in repr(found)
    assert "hunter" not in repr(between(files(), files(file("hunter2\n", mode=mode))))
    assert "hunter" not in repr(between(files(file("hunter2\n", mode=mode)), files()))


def test_nor_is_that_of_a_file_in_a_closed_directory_or_of_root_or_with_a_private_key() -> None:
    closed = {"storage": {"directories": [{"path": "/srv/a", "mode": 0o750}], "files": [file("hunter2", "/srv/a/b/c")]}}
    assert "hunter" not in repr(between({}, closed))
    assert "hunter" not in repr(between({}, files(file("hunter2", "/root/.netrc"))))
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n"
    assert "hunter" not in repr(between({}, files(file(key))))


def test_that_only_the_mode_of_a_closed_file_differs_is_told() -> None:
    found = only(between(files(file("x", mode=0o600)), files(file("x", mode=0o644))))
    assert found.fields == (Field("mode", "0600", "0644"),)


@pytest.mark.parametrize(
    ("old", "shown"),
    [
        ("DB_PASSWORD=correct-horse\n", "-DB_PASSWORD=…"),
        (f"root:{HASH}:1:0\n", "-root:…"),
        ("password: 'correct horse battery'\n", "-password: '…"),
        ("url = https://me:hunter2@example.com/\n", "-url = https://…@example.com/"),
        ("password_pbkdf2 root grub.pbkdf2.sha512.10000.ABCD.EF01\n", "-password_pbkdf2 root …"),
        (
            "ExecStart=/usr/bin/k3s agent --token K10abc --server https://a/\n",
            "-ExecStart=/usr/bin/k3s agent --token …",
        ),
        ("A_TOKEN_FILE=/a B_TOKEN=abc\n", "-A_TOKEN_FILE=/a B_TOKEN=…"),
        ("DB_PASSWORD_FILE=/run/secret\n", "-DB_PASSWORD_FILE=/run/secret"),
        ("Environment=PASSWORD=${DB_PASSWORD}\n", "-Environment=PASSWORD=${DB_PASSWORD}"),
        ("# a token is needed here\n", "-# a token is needed here"),
        ("PasswordAuthentication no\n", "-PasswordAuthentication no"),
    ],
)
def test_secrets_in_lines_that_all_may_read_are_masked(old: str, shown: str) -> None:
    found = only(between(files(file(old)), files(file("x\n"))))
    assert shown in found.texts[0].lines


def test_a_password_in_a_unit_is_masked_and_its_change_told() -> None:
    text = "[Service]\nEnvironment=API_TOKEN=abcdefgh{}\nExecStart=/a\n"
    old, new = (units({"name": "a.service", "contents": text.format(number)}) for number in (1, 2))
    lines = only(between(old, new)).texts[0].lines
    assert "-Environment=API_TOKEN=…" in lines
    assert "+Environment=API_TOKEN=…" in lines


def test_of_keys_of_volumes_and_of_pins_it_is_only_told_that_they_differ() -> None:
    def volume(key: str, config: str, url: str) -> dict[str, Any]:
        clevis = {"custom": {"pin": "tang", "config": config, "needsNetwork": True}} if config else {"tang": [{"url": url, "thumbprint": "t"}]}  # fmt: skip
        return {"storage": {"luks": [{"name": "d", "device": "/dev/vdb", "keyFile": {"source": f"data:,{key}"}, "clevis": clevis}]}}  # fmt: skip

    found = between(volume("hunter2", '{"a":"hunter"}', ""), volume("hunter3", '{"b":"hunter"}', ""))
    assert only(found).fields == (Field("clevis.custom.config", HIDDEN, HIDDEN), Field("key_file", HIDDEN, HIDDEN))
    assert between(volume("a", "", "http://x/"), volume("%61", "", "http://x/")) == ()
    urls = between(volume("a", "", "http://me:hunter@x/"), volume("a", "", "http://you:hunter2@x/"))
    assert only(urls).fields == (Field("clevis.tang[http://x/].url", HIDDEN, HIDDEN),)


@given(configs(secret=f"https://{SECRET}@example.com/?{SECRET}"), configs())
def test_no_secret_row_is_ever_told(one: Config, other: Config) -> None:
    told = compare(Subject(Config()), Subject(one)) + compare(Subject(one), Subject(other))
    assert SECRET not in repr(told)


# ---- accounts ---------------------------------------------------------------------------------------------------


def test_an_account_is_compared_without_its_hash() -> None:
    old = {"name": "core", "passwordHash": HASH, "groups": ["wheel", "sudo"], "sshAuthorizedKeys": [KEY]}
    new = {"name": "core", "passwordHash": OTHER_HASH, "groups": ["sudo", "docker"], "sshAuthorizedKeys": [OTHER_KEY]}
    found = only(between(users(old), users(new)))
    assert found.fields == (
        Field("groups", "wheel", None, True), Field("groups", None, "docker", True), Field("password_hash", HIDDEN, HIDDEN),
        Field("ssh_authorized_keys", "ssh-ed25519 SHA256:EonM8QEG5Z8iALuquaFLb8PHWIjgPtidi9lGDV8nl3M alice@example.com", None, True),
        Field("ssh_authorized_keys", None, "ssh-ed25519 SHA256:5UnrfcXKz72nOuGCyHOC9CFwam6zX1JW06yY18bHhqU deploy", True),
    )  # fmt: skip
    assert "hash" not in repr(found).replace("password_hash", "")


def test_options_of_a_key_are_shown_and_what_is_no_key_is_not() -> None:
    option = f'command="/bin/true" {KEY}'
    odd = "-----BEGIN OPENSSH PRIVATE KEY-----"
    fields = only(between({}, users({"name": "core", "sshAuthorizedKeys": [option, odd]}))).fields
    assert fields[0].new is not None
    assert fields[0].new.startswith('command="/bin/true" ssh-ed25519 SHA256:')
    assert fields[1].new is not None
    assert fields[1].new.startswith("a key that can't be read, sha256 ")


def test_the_order_of_groups_and_keys_is_no_difference() -> None:
    one = {"name": "core", "groups": ["a", "b"], "sshAuthorizedKeys": [KEY, OTHER_KEY]}
    other = {"name": "core", "groups": ["b", "a"], "sshAuthorizedKeys": [f"{OTHER_KEY}\n{KEY}\n"], "shouldExist": True}
    assert between(users(one), users(other)) == ()


def test_groups_and_deletion() -> None:
    old = {"passwd": {"groups": [{"name": "g", "gid": 7}], "users": [{"name": "u"}]}}
    new = {"passwd": {"groups": [{"name": "g", "gid": 8}], "users": [{"name": "u", "shouldExist": False}]}}
    assert between(old, new) == (
        Change("group", "g", "changed", (Field("gid", "7", "8"),)),
        Change("user", "u", "changed", (Field("should_exist", None, "false"),)),
    )


# ---- units ------------------------------------------------------------------------------------------------------


def test_units_have_a_state_a_text_and_dropins() -> None:
    text = "[Service]\nExecStart=/a\n"
    old = units({"name": "a.service", "enabled": True, "contents": text, "dropins": [{"name": "1.conf", "contents": "[Unit]\nAfter=b.service\n"}]})  # fmt: skip
    new = units({"name": "a.service", "mask": True, "enabled": False, "contents": text.replace("/a", "/b"), "dropins": [{"name": "2.conf", "contents": "[Unit]\nAfter=b.service\n"}]})  # fmt: skip
    found = between(old, new)
    assert [(change.kind, change.name, change.verb) for change in found] == [
        ("unit", "a.service", "changed"), ("drop-in", "a.service.d/1.conf", "removed"), ("drop-in", "a.service.d/2.conf", "added"),
    ]  # fmt: skip
    assert found[0].fields == (Field("state", "enabled", "masked, disabled"),)
    assert "+ExecStart=/b" in found[0].texts[0].lines


def test_a_unit_of_the_system_that_gets_a_dropin_is_no_change_of_its_own() -> None:
    dropin = {"name": "docker.service", "dropins": [{"name": "1.conf", "contents": "[Unit]\nAfter=b.service\n"}]}
    assert [change.kind for change in between({}, units(dropin))] == ["drop-in"]
    states = between(units(dropin), units({**dropin, "enabled": True}))
    assert [(change.verb, change.fields) for change in states] == [("added", (Field("state", None, "enabled"),))]


# ---- disks, kernel arguments ------------------------------------------------------------------------------------


def disk(*partitions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"storage": {"disks": [{"device": "/dev/vda", "partitions": list(partitions), **more}]}}


def test_partitions_are_told_by_number_or_label() -> None:
    old = disk({"number": 1, "label": "boot", "sizeMiB": 512}, {"label": "data", "number": 0, "sizeMiB": 100})
    new = disk(
        {"number": 1, "label": "efi", "sizeMiB": 1024}, {"label": "more", "number": 0, "sizeMiB": 100}, wipeTable=True
    )
    assert between(old, new) == (
        Change("disk", "/dev/vda", "changed", (Field("wipe_table", None, "true"),)),
        Change(
            "partition", "1 of /dev/vda", "changed",
            (Field("label", "boot", "efi"), Field("size_mib", "512 MiB", "1024 MiB")),
        ),
        Change("partition", "labelled data of /dev/vda", "removed", (Field("label", "data", None), Field("size_mib", "100 MiB", None))),
        Change("partition", "labelled more of /dev/vda", "added", (Field("label", None, "more"), Field("size_mib", None, "100 MiB"))),
    )  # fmt: skip


def test_the_order_of_partitions_counts_where_it_places_them() -> None:
    loose = [{"label": "a", "sizeMiB": 1}, {"label": "b", "sizeMiB": 1}]
    found = only(between(disk(*loose), disk(*reversed(loose))))
    assert found.fields == (Field("order of partitions", "labelled a, labelled b", "labelled b, labelled a"),)
    placed = [{"number": 1, "startMiB": 1, "sizeMiB": 1}, {"number": 2, "startMiB": 2, "sizeMiB": 1}]
    assert between(disk(*placed), disk(*reversed(placed))) == ()


def test_arrays_volumes_and_file_systems() -> None:
    raid = {"name": "md0", "level": "raid1", "devices": ["/dev/a", "/dev/b"]}
    other = {**raid, "devices": ["/dev/b", "/dev/a"], "spares": 1}
    old = {"storage": {"raid": [raid], "luks": [{"name": "v", "device": "/dev/c"}], "filesystems": [{"device": "/dev/d", "format": "xfs"}]}}  # fmt: skip
    new = {"storage": {"raid": [other], "luks": [{"name": "v", "device": "/dev/c", "clevis": {"tpm2": True}}], "filesystems": [{"device": "/dev/d", "format": "ext4"}]}}  # fmt: skip
    assert between(old, new) == (
        Change("array", "md0", "changed", (Field("devices", "/dev/a /dev/b", "/dev/b /dev/a"), Field("spares", None, "1"))),
        Change("encrypted volume", "v", "changed", (Field("clevis.tpm2", None, "true"),)),
        Change("file system", "/dev/d", "changed", (Field("format", "xfs", "ext4"),)),
    )  # fmt: skip


def test_kernel_arguments_are_told_one_by_one_and_so_is_their_order() -> None:
    old = {"kernelArguments": {"shouldExist": ["a", "b"], "shouldNotExist": ["quiet"]}}
    new = {"kernelArguments": {"shouldExist": ["b", "a", "quiet"]}}
    assert between(old, new) == (
        Change("kernel argument", "quiet", "changed", (Field("on the command line", "no", "yes"),)),
        Change("kernel argument", "order", "changed", (Field("order", "a b", "b a"),)),
    )


# ---- the config itself ------------------------------------------------------------------------------------------


def test_settings_of_the_config() -> None:
    old = {
        "ignition": {"timeouts": {"httpTotal": 5}, "proxy": {"httpProxy": "http://me:hunter@proxy/", "noProxy": ["a"]}}
    }
    new = {
        "ignition": {
            "proxy": {"httpProxy": "http://me:hunter2@proxy/", "noProxy": ["b"]},
            "security": {"tls": {"certificateAuthorities": [{"source": "data:,pem"}]}},
            "config": {"merge": [{"source": "https://example.com/?key=hunter"}]},
        }
    }
    assert only(between(old, new)).fields == (
        Field("config.merge[https://example.com/?…]", None, "there", True),
        Field("proxy.http_proxy", HIDDEN, HIDDEN), Field("proxy.no_proxy", "a", None, True), Field("proxy.no_proxy", None, "b", True),
        Field("security.tls.certificate_authorities[data, sha256 f0aeace912cf]", None, "there", True),
        Field("timeouts.http_total", "5 seconds", None),
    )  # fmt: skip


def test_the_order_of_merged_configs_counts() -> None:
    sources = [{"source": "https://a/"}, {"source": "https://b/"}]
    old, new = ({"ignition": {"config": {"merge": each}}} for each in (sources, sources[::-1]))
    assert only(between(old, new)).fields == (Field("order of config.merge", "https://a/, https://b/", "https://b/, https://a/"),)  # fmt: skip


def test_a_config_in_a_data_url_is_put_in() -> None:
    inner = base64.b64encode(ignition("3.0.0", **files(file("x")))).decode()
    merged = {"ignition": {"config": {"merge": [{"source": f"data:;base64,{inner}"}]}}}
    assert between(merged, files(file("x"))) == ()
    assert between({"ignition": {"config": {"replace": {"source": f"data:;base64,{inner}"}}}}, files(file("x"))) == ()
    assert only(between(merged, files(file("y")))).texts[0].lines[1:3] == ("-x", "\\ No newline at end of file")


def test_a_wrong_config_in_a_data_url_stays_a_reference() -> None:
    merged = {"ignition": {"config": {"merge": [{"source": "data:,nothing"}]}}}
    assert only(between({}, merged)).fields[0].name.startswith("config.merge[data, sha256 ")


def test_the_version_counts_between_configs_of_one_dialect() -> None:
    assert only(changes(ignition("3.4.0"), ignition("3.5.0"))).fields == (Field("version", "3.4.0", "3.5.0"),)
    assert changes(b"variant: fcos\nversion: 1.5.0\n", ignition("3.5.0")) == ()


def test_special_bits_mean_nothing_before_their_version() -> None:
    config = files(file("x", mode=0o4755))
    found = changes(ignition("3.5.0", **config), ignition("3.6.0", **config))
    assert found[1].fields == (Field("mode", "0755", "4755"),)


# ---- MachineConfigs ---------------------------------------------------------------------------------------------

OPENSHIFT = "variant: openshift\nversion: 4.19.0\nmetadata:\n  name: {name}\n  labels:\n    machineconfiguration.openshift.io/role: worker\nopenshift:\n  kernel_arguments: [{arguments}]\n  extensions: [{extensions}]\n"


def test_what_is_around_the_config_of_a_machineconfig_is_compared() -> None:
    old, new = (
        OPENSHIFT.format(name=name, arguments=arguments, extensions=extensions).encode()
        for name, arguments, extensions in (("50-a", "quiet", "usbguard"), ("50-b", "debug", "usbguard, ipsec"))
    )
    settings, *arguments = changes(old, new)
    assert settings == Change(
        "setting", "machineconfig", "changed",
        (Field("name", "50-a", "50-b"), Field("extensions", "usbguard", "usbguard ipsec")),
    )  # fmt: skip
    assert [(change.name, change.verb) for change in arguments] == [("quiet", "removed"), ("debug", "added")]


# ---- all rows ---------------------------------------------------------------------------------------------------


@given(configs())
def test_a_config_does_the_same_as_itself(config: Config) -> None:
    assert compare(Subject(config), Subject(config.changed())) == ()


@given(configs(), configs())
def test_what_is_added_one_way_is_removed_the_other(old: Config, new: Config) -> None:
    there, back = compare(Subject(old), Subject(new)), compare(Subject(new), Subject(old))
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    key = sorted((change.kind, change.name, change.verb, len(change.fields)) for change in there)
    assert key == sorted((change.kind, change.name, turned[change.verb], len(change.fields)) for change in back)


VALUES: dict[str, object] = {"str": "x", "int": 5, "bool": True, "strs": ("x",)}


def lone(cls: type[Record], row: Row) -> Record:
    """A record in which one row is set alone."""
    if row.kind == "record":
        inner = next(each for each in row.item.rows.values() if each.kind in VALUES and each.name != "needs_network")
        return cls(**{row.name: lone(row.item, inner)})
    if row.kind == "records":
        inner = next(each for each in row.item.rows.values() if each.kind in VALUES)
        return cls(**{row.name: (lone(row.item, inner),)})
    return cls(**{row.name: False if (row.name, row.kind) == ("should_exist", "bool") else VALUES[row.kind]})


def paths(cls: type[Record], done: tuple[type[Record], ...] = ()) -> list[tuple[tuple[Row, ...], Row]]:
    """Every row below a class, with the rows on the way to it."""
    found: list[tuple[tuple[Row, ...], Row]] = []
    for row in cls.rows.values():
        if row.kind in ("record", "records") and row.item not in done:
            found += [((row, *way), last) for way, last in paths(row.item, (*done, cls))]
        else:
            found.append(((), row))
    return found


def placed(way: tuple[Row, ...], cls: type[Record], last: Row, *, is_set: bool) -> Record:
    """A record of a class with one at the end of a way, in which a row is set or not; what is fetched has a source."""
    source = {"source": "https://example.com/"} if issubclass(cls, Resource) else {}
    if not way:
        return cls(**{**source, **(lone(cls, last).__dict__ if is_set else {})})
    row, *rest = way
    inner = placed(tuple(rest), row.item, last, is_set=is_set)
    return cls(**{**source, row.name: (inner,) if row.kind == "records" else inner})


def name_of(way: tuple[Row, ...], row: Row) -> str:
    return ".".join(each.name for each in (*way, row))


EVERY = [(way, row) for way, row in paths(Config) if name_of(way, row) != "ignition.version"]


@pytest.mark.parametrize(("way", "row"), EVERY, ids=[name_of(way, row) for way, row in EVERY])
def test_every_row_of_ignition_is_compared(way: tuple[Row, ...], row: Row) -> None:
    """So that one that comes later is, too."""
    old, new = (placed(way, Config, row, is_set=is_set) for is_set in (False, True))
    assert isinstance(old, Config)
    assert isinstance(new, Config)
    assert compare(Subject(old), Subject(new))
