"""What two documents set to different values is told, with both places; what they merely both set is not."""

from pathlib import Path

import pytest
from composition_shared import built, config_of, told
from hypothesis import given
from strategies import apart, configs

from provision.composition.conflicts import conflicts
from provision.ignition import Config
from provision.record import merge

FILE = "storage:\n  files:\n    - path: /etc/motd\n"
USER = "passwd:\n  users:\n    - name: core\n"
UNIT = "systemd:\n  units:\n    - name: web.service\n"

# Two values of one thing, and how the later one is told.
DIFFERENT = {
    "mode": (f"{FILE}      mode: 0644\n", f"{FILE}      mode: 0600\n", "b.bu:6:13", "`mode` of storage.files /etc/motd is 0600 here and 0644 at"),
    "content": (f"{FILE}      contents: {{inline: a}}\n", f"{FILE}      contents: {{inline: b}}\n", "b.bu:6:26", "`contents` of storage.files /etc/motd is set to something else at"),
    "owner": (f"{FILE}      user: {{name: a}}\n", f"{FILE}      user: {{name: b}}\n", "b.bu:6:20", "`name` of storage.files /etc/motd user is b here and a at"),
    "overwrite": (f"{FILE}      overwrite: true\n", f"{FILE}      overwrite: false\n", "b.bu:6:18", "`overwrite` of storage.files /etc/motd is false here and true at"),
    "shell": (f"{USER}      shell: /bin/sh\n", f"{USER}      shell: /bin/zsh\n", "b.bu:6:14", "`shell` of passwd.users core is /bin/zsh here and /bin/sh at"),
    "password": (f"{USER}      password_hash: $6$a$b\n", f"{USER}      password_hash: $6$a$c\n", "b.bu:6:22", "`password_hash` of passwd.users core is set to something else at"),
    "enabled": (f"{UNIT}      enabled: true\n", f"{UNIT}      enabled: false\n", "b.bu:6:16", "`enabled` of systemd.units web.service is false here and true at"),
    "unit": (f'{UNIT}      contents: "[Unit]\\n"\n', f'{UNIT}      contents: "[Service]\\n"\n', "b.bu:6:17", "`contents` of systemd.units web.service is set to something else at"),
    "drop-in": (
        f'{UNIT}      dropins: [{{name: a.conf, contents: "[Unit]\\n"}}]\n', f'{UNIT}      dropins: [{{name: a.conf, contents: "[Service]\\n"}}]\n',
        "b.bu:6:42", "`contents` of systemd.units web.service dropins a.conf is set to something else at",
    ),
    "kind": (FILE, FILE.replace("files", "directories"), "b.bu:5:7", "`/etc/motd` is in `directories` here and in `files` at"),
    "argument": (
        "kernel_arguments:\n  should_exist: [quiet]\n", "kernel_arguments:\n  should_not_exist: [a, quiet]\n", "b.bu:4:25",
        "`quiet` is in `should_not_exist` here and in `should_exist` at",
    ),
    "time out": ("ignition:\n  timeouts: {http_total: 3}\n", "ignition:\n  timeouts: {http_total: 4}\n", "b.bu:4:26", "`http_total` of ignition.timeouts is 4 here and 3 at"),
    "hash of the same source": (
        f"{FILE}      contents: {{source: https://a/b, verification: {{hash: sha256-{'0' * 64}}}}}\n",
        f"{FILE}      contents: {{source: https://a/b, verification: {{hash: sha256-{'1' * 64}}}}}\n",
        "b.bu:6:60", "`hash` of storage.files /etc/motd contents verification is set to something else at",
    ),
}  # fmt: skip
# What may stand in both.
ALIKE = {
    "the same": (f"{FILE}      mode: 0644\n", f"{FILE}      mode: 0644\n"),
    "one each": (f"{FILE}      mode: 0644\n", f"{FILE}      user: {{name: core}}\n"),
    "lists": (f"{USER}      groups: [a, b]\n", f"{USER}      groups: [b, c]\n"),
    "appended": (f"{FILE}      append: [{{inline: a}}]\n", f"{FILE}      append: [{{inline: b}}]\n"),
    "packed otherwise": (
        f"{FILE}      contents: {{inline: '{'long ' * 60}'}}\n", f"{FILE}      contents: {{source: 'data:,{'long%20' * 60}', compression: ''}}\n",
    ),
    "unit and drop-in": (f'{UNIT}      contents: "[Unit]\\n"\n', f'{UNIT}      dropins: [{{name: a.conf, contents: "[Unit]\\n"}}]\n'),
    "sugar": (
        "storage:\n  filesystems: [{device: /dev/vdb, path: /var/a, format: xfs, with_mount_unit: true}]\n",
        "storage:\n  filesystems: [{device: /dev/vdb, path: /var/a, format: xfs, with_mount_unit: true}]\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DIFFERENT)
def test_two_values_of_one_thing_are_told_at_the_later(tmp_path: Path, case: str) -> None:
    first, second, place, words = DIFFERENT[case]
    done = built(tmp_path, a_bu=first, b_bu=second)
    (found,) = [each for each in done.diagnostics if each.code == "PV790"]
    assert f"{place} PV790" in told(done)
    assert found.message.startswith(f"{words} {tmp_path}/a.bu:")
    assert done.failed
    assert not any(each.code == "PV790" for each in built(tmp_path, a_bu=first, b_bu=second, override=True).diagnostics)


@pytest.mark.parametrize("case", ALIKE)
def test_what_both_set_alike_is_no_conflict(tmp_path: Path, case: str) -> None:
    first, second = ALIKE[case]
    assert not [each for each in told(built(tmp_path, a_bu=first, b_bu=second)) if "PV79" in each]


def test_the_earlier_place_is_told_to_the_column(tmp_path: Path) -> None:
    first, second, *_ = DIFFERENT["mode"]
    (found,) = built(tmp_path, a_bu=first, b_bu="", c_bu=second).diagnostics
    assert found.message == f"`mode` of storage.files /etc/motd is 0600 here and 0644 at {tmp_path}/a.bu:6:13"
    assert found.hint == "change one of them, or say with --override that the later one counts"


def test_a_secret_is_not_quoted(tmp_path: Path) -> None:
    first, second, *_ = DIFFERENT["password"]
    assert "$6$" not in "".join(
        f"{each.message}{each.hint}" for each in built(tmp_path, a_bu=first, b_bu=second).diagnostics
    )


def test_a_comment_at_the_later_value_takes_it(tmp_path: Path) -> None:
    second = f"{FILE}      # provision: ignore[PV790] this machine is open\n      mode: 0666\n"
    config = config_of(built(tmp_path, a_bu=f"{FILE}      mode: 0644\n", b_bu=second))
    assert config["storage"]["files"][0]["mode"] == 0o666


def test_such_a_comment_is_no_mistake_where_there_is_no_conflict(tmp_path: Path) -> None:
    second = f"{FILE}      # provision: ignore[PV790] this machine is open\n      mode: 0644\n"
    assert not built(tmp_path, b_bu=second).diagnostics
    assert told(built(tmp_path, b_bu=second.replace(" this machine is open", ""))) == ["b.bu:6:7 PV011"]


def test_content_with_the_hash_of_other_content_is_a_warning(tmp_path: Path) -> None:
    first = f"{FILE}      contents: {{source: https://a/b, verification: {{hash: sha256-{'0' * 64}}}}}\n"
    done = built(tmp_path, override=True, a_bu=first, b_bu=f"{FILE}      contents: {{source: https://a/c}}\n")
    (found,) = [each for each in done.diagnostics if each.code == "PV792"]
    assert (
        found.message
        == f"the content of storage.files /etc/motd is written here, and its verification stays that of {tmp_path}/a.bu:6:53"
    )
    assert not done.failed


def test_a_hash_for_the_content_of_another_document_is_no_conflict(tmp_path: Path) -> None:
    first = f"{FILE}      contents: {{source: https://a/b}}\n"
    second = f"{FILE}      contents: {{verification: {{hash: sha256-{'0' * 64}}}}}\n"
    assert not [each for each in told(built(tmp_path, a_bu=first, b_bu=second)) if "PV79" in each]


@given(configs())
def test_a_config_has_no_conflict_with_itself(config: Config) -> None:
    config = apart(config)
    assert not list(conflicts(config, config))


@given(configs(), configs())
def test_there_is_a_conflict_exactly_where_a_merge_loses_something(first: Config, second: Config) -> None:
    first, second = apart(first), apart(second)
    lost = [each for each in conflicts(first, merge(first, second)) if each.code == "PV790"]
    told = [each for each in conflicts(first, second) if each.code == "PV790"]
    assert {each.name for each in lost} == {each.name for each in told}
