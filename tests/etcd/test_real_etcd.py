"""What the drop-ins say is run: Debian's etcd 3.4 gets exactly their variables, as a cluster of three with a proxy.

And what rules call fatal is shown to an etcd, which must exit for the reason that the rule gives. Needs the program
`etcd` (package etcd-server), and talks to nothing but loopback.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from provision.diagnostics import CODES
from provision.schema import machine
from provision.schema.etcd_options import BY_VARIABLE, OPTIONS
from provision.schema.machine.reading import read_host
from provision.transpile.compile import compile_document
from provision.units import parse, split_words, variables

DEADLINE_S = 60.0
EXIT_S = 20.0
NAMES = ("one", "two", "three")
# etcd 3.4 serves the v2 API only where it is asked to; a proxy and the clients of these days speak nothing else.
V2 = {"ETCD_ENABLE_V2": "true"}
OPENER = build_opener(ProxyHandler({}))

machine.load_services()


def free_ports(count: int) -> list[int]:
    """Ports of loopback on which nobody listens, all different."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def section(settings: Mapping[str, str]) -> str:
    """A cloud-config that sets up etcd 2 and starts it."""
    lines = "".join(f"    {key}: {value}\n" for key, value in settings.items())
    return f"#cloud-config\ncoreos:\n  etcd2:\n{lines}  units:\n    - name: etcd2.service\n      command: start\n"


def variables_of(text: str) -> dict[str, str]:
    """What the drop-in that a cloud-config is translated to sets."""
    compiled = compile_document(text.encode(), "etcd.yaml")
    errors = [found for found in compiled.diagnostics if found.severity == "error"]
    assert not errors
    assert compiled.config is not None
    (unit,) = (unit for unit in compiled.config.systemd.units if unit.name == "etcd2.service")
    (dropin,) = unit.dropins
    return {variable.name: variable.value for variable in variables(parse(dropin.contents or ""))}


def etcd(environment: Mapping[str, str], folder: Path, log: Path, *flags: str) -> "subprocess.Popen[bytes]":
    """Start etcd with these variables and flags and the path of programs, and nothing else."""
    program = shutil.which("etcd")
    assert program, "there is no etcd here; install Debian's package etcd-server"
    folder.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        return subprocess.Popen(
            [program, *flags],
            env={"PATH": os.environ["PATH"], **environment},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def ask(url: str, data: Mapping[str, str] | None = None) -> dict[str, object]:
    """The JSON behind a URL; with data it is put there."""
    body = urlencode(data).encode() if data else None
    with OPENER.open(Request(url, body, method="PUT" if data else "GET"), timeout=5) as answer:
        found: dict[str, object] = json.load(answer)
    return found


class Cluster(NamedTuple):
    """A running cluster: the URLs on which members and the proxy serve clients, and the variables that each got."""

    members: list[str]
    proxy: str
    given: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three members and a proxy, translated from cloud-configs, started, and stopped at the end."""
    folder = tmp_path_factory.mktemp("etcd")
    *clients, first, second, third = free_ports(7)
    peers = (first, second, third)
    listed = ",".join(f"{name}=http://127.0.0.1:{port}" for name, port in zip(NAMES, peers, strict=True))
    texts = {
        name: section({
            "name": name,
            "data-dir": str(folder / name / "data"),
            "initial-advertise-peer-urls": f"http://127.0.0.1:{peer}",
            "listen-peer-urls": f"http://127.0.0.1:{peer}",
            "listen-client-urls": f"http://127.0.0.1:{client}",
            "advertise-client-urls": f"http://127.0.0.1:{client}",
            "initial-cluster": listed,
            "initial-cluster-state": "new",
            "initial-cluster-token": "a token with \"quotes\", 100% and \\",
            "heartbeat-interval": "200",
            "election-timeout": "2000",
        })
        for name, client, peer in zip(NAMES, clients, peers, strict=False)
    }  # fmt: skip
    texts["proxy"] = section({
        "proxy": "on",
        "data-dir": str(folder / "proxy" / "data"),
        "listen-client-urls": f"http://127.0.0.1:{clients[3]}",
        "initial-cluster": listed,
    })  # fmt: skip
    given = {name: variables_of(text) for name, text in texts.items()}
    running = {name: etcd({**given[name], **V2}, folder / name, folder / f"{name}.log") for name in texts}
    urls = [f"http://127.0.0.1:{port}" for port in clients]
    try:
        wait_until_healthy(urls, running, folder)
        yield Cluster(urls[:3], urls[3], given)
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def wait_until_healthy(urls: list[str], running: "Mapping[str, subprocess.Popen[bytes]]", folder: Path) -> None:
    """Wait for all members to be healthy, and for the proxy to answer for them; show the logs where that fails."""
    end = time.monotonic() + DEADLINE_S
    waiting = [*(f"{url}/health" for url in urls[:3]), f"{urls[3]}/v2/keys/"]
    while waiting:
        dead = [name for name, process in running.items() if process.poll() is not None]
        if dead or time.monotonic() > end:
            logs = "\n".join(f"== {name}\n{(folder / f'{name}.log').read_text()[-3000:]}" for name in running)
            pytest.fail(f"exited: {dead}; not healthy: {waiting}\n{logs}")
        try:
            answer = ask(waiting[0])
        except (URLError, OSError, ValueError):
            time.sleep(0.1)
            continue
        if answer.get("health", "true") == "true":
            waiting.pop(0)
        else:
            time.sleep(0.1)


def node_of(answer: dict[str, object]) -> object:
    node = answer["node"]
    assert isinstance(node, dict)
    return node["value"]


def test_a_key_that_one_member_stores_is_found_through_the_others_and_the_proxy(cluster: Cluster) -> None:
    ask(f"{cluster.members[0]}/v2/keys/greeting", {"value": "hello"})
    for url in (*cluster.members[1:], cluster.proxy):
        assert node_of(ask(f"{url}/v2/keys/greeting?quorum=true")) == "hello"


def test_a_key_that_the_proxy_stores_is_found_at_the_members(cluster: Cluster) -> None:
    ask(f"{cluster.proxy}/v2/keys/through", {"value": "the proxy"})
    for url in cluster.members:
        assert node_of(ask(f"{url}/v2/keys/through?quorum=true")) == "the proxy"


def test_the_members_are_those_of_the_documents(cluster: Cluster) -> None:
    answer = ask(f"{cluster.members[0]}/v2/members")
    members = answer["members"]
    assert isinstance(members, list)
    assert {member["name"]: member["clientURLs"] for member in members} == {
        name: [url] for name, url in zip(NAMES, cluster.members, strict=True)
    }
    assert cluster.given["proxy"]["ETCD_PROXY"] == "on"
    assert cluster.given["one"]["ETCD_INITIAL_CLUSTER_TOKEN"] == 'a token with "quotes", 100% and \\'


# Codes of errors, with what etcd says when it gets what their bad examples have.
FATAL = {
    "PV511": "multiple discovery or bootstrap flags are set",
    "PV512": "couldn't find local name",
    "PV513": "--initial-cluster has .* but missing from",
    "PV514": "error setting up initial cluster: URL scheme must be http",
    "PV516": 'invalid value "fresh" for ETCD_INITIAL_CLUSTER_STATE',
    "PV519": "--advertise-client-urls is required when --listen-client-urls is set explicitly",
    "PV522": "expected IP in URL for binding",
    "PV523": 'URL address does not have the form "host:port"',
    "PV526": 'invalid value "both" for ETCD_PROXY',
    "PV528": "KeyFile and CertFile must both be present",
    "PV530": "should be at least as 5 times as --heartbeat-interval",
}


def run_until_exit(environment: Mapping[str, str], folder: Path) -> tuple[int | None, str]:
    """The exit code and log of an etcd that is to exit by itself; no code where it does not."""
    process = etcd(environment, folder, folder.with_suffix(".log"))
    try:
        code: int | None = process.wait(EXIT_S)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        process.kill()
        process.wait()
    return code, folder.with_suffix(".log").read_text()


def example_environment(text: str, folder: Path) -> dict[str, str]:
    """The options of the etcd that an example sets up, as variables, with the ports that it leaves open free ones."""
    config = compile_document(text.encode(), "example.yaml").config
    assert config is not None
    (found,) = read_host(config).etcds
    client, peer = free_ports(2)
    given = {f"ETCD_{key.upper()}": setting.value for key, setting in found.settings.items()}
    if "ETCD_LISTEN_CLIENT_URLS" not in given:
        given["ETCD_LISTEN_CLIENT_URLS"] = given["ETCD_ADVERTISE_CLIENT_URLS"] = f"http://127.0.0.1:{client}"
    given.setdefault("ETCD_LISTEN_PEER_URLS", f"http://127.0.0.1:{peer}")
    return {**given, "ETCD_DATA_DIR": str(folder / "data")}


@pytest.mark.parametrize("code", FATAL)
def test_etcd_exits_where_a_rule_says_so(code: str, tmp_path: Path) -> None:
    text = CODES[code].example("Bad")
    assert text is not None
    status, log = run_until_exit(example_environment(text, tmp_path), tmp_path / "etcd")
    assert status not in (0, None), log[-2000:]
    assert re.search(FATAL[code], log), log[-2000:]


def test_etcd_exits_where_a_flag_shadows_a_variable(tmp_path: Path) -> None:
    program = shutil.which("etcd")
    assert program
    done = subprocess.run(
        [program, "--name=one", f"--data-dir={tmp_path / 'data'}"],
        env={"PATH": os.environ["PATH"], "ETCD_NAME": "two"},
        cwd=tmp_path,
        capture_output=True,
        timeout=EXIT_S,
        check=False,
    )
    assert done.returncode != 0
    assert b"shadowed by corresponding command-line flag" in done.stdout + done.stderr


def wait_for_health(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Wait until a single etcd is healthy, then stop it."""
    end = time.monotonic() + DEADLINE_S
    try:
        while process.poll() is None and time.monotonic() < end:
            try:
                assert ask(f"{url}/health")["health"] == "true"
                break
            except (URLError, OSError, ValueError):
                time.sleep(0.1)
        else:
            pytest.fail(log.read_text()[-3000:])
    finally:
        process.kill()
        process.wait()


def test_etcd_starts_with_a_variable_that_it_does_not_know(tmp_path: Path) -> None:
    client, peer = free_ports(2)
    url = f"http://127.0.0.1:{client}"
    environment = {
        "ETCD_DATA_DIR": str(tmp_path / "data"), "ETCD_LISTEN_PEER_URLS": f"http://127.0.0.1:{peer}",
        "ETCD_LISTEN_CLIENT_URLS": url, "ETCD_ADVERTISE_CLIENT_URLS": url, "ETCD_GRAPHITE_HOST": "10.0.0.1",
    }  # fmt: skip
    log = tmp_path / "etcd.log"
    wait_for_health(etcd(environment, tmp_path, log), url, log)
    assert "unrecognized environment variable" in log.read_text()


def test_etcd_starts_with_the_flags_of_a_container_linux_config(tmp_path: Path) -> None:
    client, peer = free_ports(2)
    url, own = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    text = f"""# Container Linux Config
etcd:
  version: 3.3.0
  name: the "first" one
  data_dir: {tmp_path / "data"}
  listen_client_urls: {url}
  advertise_client_urls: {url}
  listen_peer_urls: {own}
  initial_advertise_peer_urls: {own}
  initial_cluster: the "first" one={own}
  heartbeat_interval: 200
  election_timeout: 2000
  strict_reconfig_check: true
"""
    config = compile_document(text.encode(), "etcd.yaml").config
    assert config is not None
    (unit,) = config.systemd.units
    command = parse(unit.dropins[0].contents or "").value("Service", "ExecStart")
    flags = [word for word in split_words(command or "") if word.startswith("--")]
    assert len(flags) == 10
    log = tmp_path / "etcd.log"
    wait_for_health(etcd({}, tmp_path, log, *flags), url, log)


def test_the_table_of_options_is_that_of_etcd() -> None:
    program = shutil.which("etcd")
    assert program
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=EXIT_S, check=True)
    flags = set(re.findall(r"^\s+--([a-z0-9-]+)", done.stdout + done.stderr, re.M))
    known = {option.flag for option in BY_VARIABLE.values() if option.known_in((3, 4)) and option.ignored > (3, 4)}
    assert len(flags) > 70
    assert not flags - known
    # Later patches of 3.4 brought some more, and a few are not shown in the manual.
    assert {option.flag for option in OPTIONS.values() if option.known_in((3, 4))} - flags == {"log-output"}
