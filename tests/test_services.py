"""What a config's services are read from, and that configs without services do not pay for it."""

import subprocess
import sys

import pytest

from provision.ignition import Config
from provision.schema.machine.present import has_services
from provision.schema.machine.reading import read_host
from provision.schema.machine.services import Etcd
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

CHECK = """
import sys
from provision.transpile.compile import compile_document
compile_document(sys.stdin.buffer.read(), "x.bu")
print("provision.schema.machine.reading" in sys.modules)
"""
HEAD = "variant: fcos\nversion: 1.6.0\nsystemd:\n  units:\n    - name: {}\n      contents: |\n        [Service]\n        ExecStart={}\n"


def config_of(text: str) -> Config:
    config = compile_document(text.encode(), "example.yaml").config
    assert config is not None
    return config


def etcd_of(text: str) -> Etcd:
    (etcd,) = read_host(config_of(text)).etcds
    return etcd


@pytest.mark.parametrize(("name", "loaded"), [("web.service", "False"), ("etcd.service", "True")])
def test_rules_about_services_are_loaded_where_there_is_one(name: str, loaded: str) -> None:
    text = HEAD.format(name, "/usr/bin/etcd --name=one")
    done = subprocess.run([sys.executable, "-c", CHECK], input=text, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == loaded


COMMANDS = {
    "/usr/bin/etcd --name one --debug --data-dir=/a": {"name": "one", "debug": "true", "data_dir": "/a"},
    "/usr/bin/etcd -name one -proxy on": {"name": "one", "proxy": "on"},
    "/usr/bin/docker run --rm --name docker -v /var/lib/etcd:/d quay.io/coreos/etcd:v3.3.1 /usr/local/bin/etcd --name one": {"name": "one"},
    "/usr/bin/podman run gcr.io/etcd-development/etcd:v3.5.0 --name one": {"name": "one"},
    "/usr/lib/coreos/etcd-wrapper $ETCD_OPTS --name=one": {"name": "one"},
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_flags_are_those_of_etcd_and_not_of_what_starts_it(command: str) -> None:
    etcd = etcd_of(HEAD.format("etcd.service", command))
    assert {key: setting.value for key, setting in etcd.settings.items()} == COMMANDS[command]


VERSIONS: dict[str, tuple[int, int] | None] = {
    "/usr/bin/docker run quay.io/coreos/etcd:v3.3.1 --name one": (3, 3),
    "/usr/bin/docker run quay.io/coreos/etcd:latest --name one": None,
    "/usr/bin/etcd --name one": None,
}


@pytest.mark.parametrize("command", VERSIONS)
def test_the_version_is_that_of_the_image(command: str) -> None:
    assert etcd_of(HEAD.format("etcd.service", command)).version == VERSIONS[command]


OTHERS = (
    "/usr/bin/etcdctl backup", "/bin/sh -c 'etcdctl ls'", "/usr/bin/docker run quay.io/coreos/etcd:v3.3.1 etcdctl ls",
    "/usr/bin/docker run -v /var/lib/etcd:/data busybox ls /data",
)  # fmt: skip


@pytest.mark.parametrize("command", OTHERS)
def test_a_unit_that_runs_no_etcd_is_none(command: str) -> None:
    assert not read_host(config_of(HEAD.format("etcd-backup.service", command))).etcds


def test_files_win_over_lines_of_the_unit_and_flags_over_both() -> None:
    text = HEAD.format("etcd.service", "/usr/bin/etcd --cors=flag") + (
        "        Environment=ETCD_CORS=line ETCD_NAME=line ETCD_PROXY=off\n"
        "        EnvironmentFile=-/etc/etcd.env\n"
        "storage:\n  files:\n    - path: /etc/etcd.env\n      contents:\n"
        "        inline: |\n          # names\n          ETCD_NAME='file'\n          ETCD_CORS=file\n"
    )
    etcd = etcd_of(text)
    assert {key: (setting.value, setting.given, setting.line) for key, setting in etcd.settings.items()} == {
        "cors": ("flag", "flag", 2), "name": ("file", "file", 2), "proxy": ("off", "variable", 3),
    }  # fmt: skip
    assert etcd.source.whole
    assert set(etcd.source.shadowed) == {"cors"}


def test_a_file_that_the_config_does_not_write_may_set_anything() -> None:
    text = HEAD.format("etcd.service", "/usr/bin/etcd") + "        EnvironmentFile=/etc/elsewhere\n"
    assert not etcd_of(text).source.whole
    assert etcd_of(text.replace("/etc/elsewhere", "/run/metadata/coreos")).source.whole


def test_an_empty_environment_line_takes_back_those_before_it() -> None:
    text = HEAD.format("etcd.service", "/usr/bin/etcd")
    text += "        Environment=ETCD_NAME=one\n        Environment=\n        Environment=ETCD_CORS=*\n"
    assert set(etcd_of(text).settings) == {"cors"}


def test_a_masked_unit_is_no_service() -> None:
    config = config_of(
        "variant: fcos\nversion: 1.6.0\nsystemd:\n  units:\n    - name: etcd.service\n      mask: true\n"
    )
    assert has_services(config)
    assert not read_host(config).services


MEMBER = """# Container Linux Config
etcd:
  name: one
  initial_advertise_peer_urls: {advertised}
  initial_cluster: one={listed}
"""


@pytest.mark.parametrize(
    ("advertised", "listed", "codes"),
    [
        ("http://[fd00::1]:2380", "http://[FD00:0::1]:2380", []),
        ("http://[fd00::1]:2380", "http://[fd00::2]:2380", ["PV513"]),
        ("http://a:hunter2@10.0.0.1:2380", "http://a:hunter2@10.0.0.1:2380", []),
        ("http://a:hunter2@10.0.0.1:2380", "http://a:hunter2@10.0.0.2:2380", ["PV513"]),
        ("http://a:hunter2@10.0.0.1", "http://10.0.0.1:2380", ["PV523"]),
    ],
)
def test_urls_are_compared_by_their_places_and_show_no_password(advertised: str, listed: str, codes: list[str]) -> None:
    text = MEMBER.format(advertised=advertised, listed=listed)
    found = compile_document(text.encode(), "a.yaml", Options()).diagnostics
    assert [each.code for each in found] == codes
    assert "hunter2" not in str(found)
