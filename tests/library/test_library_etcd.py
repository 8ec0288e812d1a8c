"""What the templates for etcd make is run: Debian's etcd gets exactly their flags and variables, and forms their clusters.

All of it on addresses of loopback, with certificates made for the occasion. Needs the programs etcd (package etcd-server),
openssl and curl.
"""

import base64
import http.server
import json
import os
import random
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import pytest
from library_shared import apply_to, changed, compiled, ignition

from provision.transpile.compile import compile_document
from provision.units import parse, split_words, variables

DEADLINE_S = 90.0
NAMES = ("one", "two", "three")
# Arguments and variables of programs, by names for their logs.
Commands = dict[str, tuple[list[str], dict[str, str]]]
TOOLS = {"etcd": "etcd-server", "openssl": "openssl", "curl": "curl"}

missing = sorted(package for tool, package in TOOLS.items() if shutil.which(tool) is None)
if missing and not os.environ.get("CI"):
    pytest.skip(f"needs packages: apt-get install {' '.join(missing)}", allow_module_level=True)


def addresses(count: int) -> list[str]:
    """Addresses of loopback that nothing else uses."""
    chance = random.SystemRandom()
    net = f"127.{chance.randrange(2, 250)}.{chance.randrange(1, 250)}"
    return [f"{net}.{number}" for number in range(11, 11 + count)]


class Authority:
    """An authority, and a certificate of it that is good for some addresses, as servers and as clients."""

    def __init__(self, folder: Path, ips: Sequence[str]) -> None:
        self.folder = folder
        self.openssl("req", "-x509", "-nodes", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
        # Members look whether a peer's certificate has the address that it comes from, which is this one on loopback.
        names = ",".join(f"IP:{ip}" for ip in dict.fromkeys([*ips, "127.0.0.1"]))
        (folder / "extensions").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")
        # Without a common name, as etcd's proxy demands it.
        self.openssl("req", "-nodes", "-subj", "/", "-keyout", "machine.key", "-out", "machine.csr")
        self.openssl(
            "x509", "-req", "-in", "machine.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "extensions", "-out", "machine.pem",
        )  # fmt: skip

    def openssl(self, command: str, *arguments: str) -> None:
        """Run openssl in the folder."""
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256") if command == "req" else ()
        subprocess.run(["openssl", command, *key, *arguments], cwd=self.folder, capture_output=True, check=True)

    def values(self) -> dict[str, str]:
        """The parameters that the templates have for it."""
        return {
            "ca_certificate": (self.folder / "ca.pem").read_text(),
            "certificate": (self.folder / "machine.pem").read_text(),
            "private_key": (self.folder / "machine.key").read_text(),
        }

    def ask(self, url: str, data: Mapping[str, object] | None = None) -> dict[str, Any]:
        """The JSON behind a URL; with data it is posted. The certificate is shown where the URL is https."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        context.load_cert_chain(self.folder / "machine.pem", self.folder / "machine.key")
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        body = None if data is None else json.dumps(data).encode()
        with opener.open(Request(url, body), timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


def b64(text: str) -> str:
    """As etcd takes and gives keys and values."""
    return base64.b64encode(text.encode()).decode()


class Etcd(NamedTuple):
    """A cluster: its authority and the addresses of its members."""

    authority: Authority
    ips: list[str]

    def put(self, url: str, key: str, value: str) -> None:
        """Store a value."""
        self.authority.ask(f"{url}/v3/kv/put", {"key": b64(key), "value": b64(value)})

    def get(self, url: str, key: str) -> str | None:
        """A value, None where there is none."""
        found = self.authority.ask(f"{url}/v3/kv/range", {"key": b64(key)}).get("kvs", [])
        return base64.b64decode(found[0]["value"]).decode() if found else None

    @property
    def urls(self) -> list[str]:
        """Where the members serve clients."""
        return [f"https://{ip}:2379" for ip in self.ips]


@contextmanager
def running(commands: Commands, folder: Path) -> Iterator[None]:
    """Programs with arguments and variables, by names for their logs; ended at the end."""
    processes = []
    try:
        for name, (command, environment) in commands.items():
            with (folder / f"{name}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        command, env={"PATH": os.environ["PATH"], **environment}, cwd=folder, stdin=subprocess.DEVNULL,
                        stdout=log, stderr=subprocess.STDOUT,
                    )
                )  # fmt: skip
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_for(condition: Any, folder: Path) -> None:
    """Wait until a condition holds; show the logs where it does not."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (URLError, OSError, ValueError):
            pass
        time.sleep(0.1)
    pytest.fail("\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in sorted(folder.glob("*.log"))))


def healthy(authority: Authority, urls: Sequence[str]) -> bool:
    """Whether all members say that they are."""
    return all(authority.ask(f"{url}/health")["health"] == "true" for url in urls)


def applied(name: str, values: dict[str, Any], root: Path) -> dict[str, Any]:
    """Apply a template to a directory; the config."""
    config = ignition(compiled(name, values))
    ran = apply_to(root, config)
    assert ran.code == 0, ran.err
    return config


def flags_of(root: Path, unit: str) -> list[str]:
    """The flags of etcd in a unit that runs it in a container, with the files that are in the directory."""
    text = (root / "etc/systemd/system" / unit).read_text()
    words = split_words(parse(text).value("Service", "ExecStart") or "")
    return [moved(word, root) for word in words[words.index("/usr/local/bin/etcd") + 1 :]]


def moved(setting: str, root: Path) -> str:
    """A setting whose value is a path, with that of the file in the directory."""
    flag, equals, value = setting.partition("=")
    return f"{flag}={root}{value}" if equals and value.startswith("/") else setting


def members(ips: Sequence[str]) -> list[dict[str, str]]:
    """The parameter of that name."""
    return [{"name": name, "address": ip} for name, ip in zip(NAMES, ips, strict=True)]


def three_of(
    template: str, folder: Path, how: Callable[[Path, dict[str, Any]], tuple[list[str], dict[str, str]]]
) -> tuple[Etcd, Commands]:
    """Three machines of a template, applied, and what runs on each; `how` says that of a machine's root and config."""
    ips = addresses(3)
    cluster = Etcd(Authority(folder, ips), ips)
    commands: Commands = {}
    for name in NAMES:
        values = changed(template, name=name, members=members(ips), **cluster.authority.values())
        commands[name] = how(folder / name, applied(template, values, folder / name))
    return cluster, commands


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """Three machines of the template central-services, healthy."""
    folder = tmp_path_factory.mktemp("central")
    cluster, commands = three_of(
        "central-services", folder, lambda root, config: (["etcd", *flags_of(root, "etcd.service")], {})
    )
    with running(commands, folder):
        wait_for(lambda: healthy(cluster.authority, cluster.urls), folder)
        yield cluster


def test_the_central_services_form_a_cluster(central: Etcd) -> None:
    central.put(central.urls[0], "greeting", "hello")
    assert [central.get(url, "greeting") for url in central.urls] == ["hello"] * 3
    listed = central.authority.ask(f"{central.urls[1]}/v3/cluster/member/list", {})["members"]
    assert {each["name"]: each["clientURLs"] for each in listed} == {
        name: [url] for name, url in zip(NAMES, central.urls, strict=True)
    }


def test_without_a_certificate_nobody_is_served(central: Etcd) -> None:
    context = ssl.create_default_context(cafile=str(central.authority.folder / "ca.pem"))
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
    with pytest.raises((URLError, OSError), match=r"certificate|reset|EOF"):
        opener.open(f"{central.urls[0]}/health", timeout=10).read()


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        return server.server_port


def test_a_worker_reaches_the_central_services_as_if_they_were_its_own(central: Etcd, tmp_path: Path) -> None:
    values = changed("cluster-worker", etcd_addresses=central.ips, **central.authority.values())
    applied("cluster-worker", values, tmp_path / "root")
    port = free_port()
    flags = [
        word.replace("127.0.0.1:2379", f"127.0.0.1:{port}")
        for word in flags_of(tmp_path / "root", "cluster-proxy.service")
    ]
    assert flags[:2] == ["grpc-proxy", "start"]
    with running({"proxy": (["etcd", *flags], {})}, tmp_path):
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: central.authority.ask(f"{url}/health")["health"] == "true", tmp_path)


def test_a_cluster_of_etcd_in_quadlets(tmp_path: Path) -> None:
    def quadlet(root: Path, config: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
        unit = parse((root / "etc/containers/systemd/etcd.container").read_text())
        assert unit.value("Container", "EnvironmentFile") == "/etc/etcd/etcd.env"
        settings = (root / "etc/etcd/etcd.env").read_text().splitlines()
        return ["etcd"], dict(moved(line, root).split("=", 1) for line in settings)

    cluster, commands = three_of("etcd-cluster", tmp_path, quadlet)
    with running(commands, tmp_path):
        wait_for(lambda: healthy(cluster.authority, cluster.urls), tmp_path)
        cluster.put(cluster.urls[2], "greeting", "hello")
        assert [cluster.get(url, "greeting") for url in cluster.urls] == ["hello"] * 3


def test_a_test_cluster_with_one_etcd_and_a_worker(tmp_path: Path) -> None:
    (ip,) = addresses(1)
    authority = Authority(tmp_path, [ip])
    for role in ("etcd", "worker"):
        values = changed("test-cluster", role=role, etcd_address=ip, **authority.values())
        applied("test-cluster", values, tmp_path / role)
    port = free_port()
    proxy = [
        word.replace("127.0.0.1:2379", f"127.0.0.1:{port}")
        for word in flags_of(tmp_path / "worker", "cluster-proxy.service")
    ]
    commands: Commands = {
        "etcd": (["etcd", *flags_of(tmp_path / "etcd", "etcd.service")], {}),
        "worker": (["etcd", *proxy], {}),
    }
    with running(commands, tmp_path):
        wait_for(lambda: healthy(authority, [f"https://{ip}:2379", f"http://127.0.0.1:{port}"]), tmp_path)


def test_a_development_machine_has_an_etcd_for_itself(tmp_path: Path) -> None:
    applied("dev-machine", changed("dev-machine"), tmp_path / "root")
    ports = {"2379": str(free_port()), "2380": str(free_port())}
    flags = flags_of(tmp_path / "root", "etcd.service")
    assert all("127.0.0.1" in flag for flag in flags if "://" in flag)
    for usual, port in ports.items():
        flags = [flag.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{port}") for flag in flags]
    authority = Authority(tmp_path, ["127.0.0.1"])
    with running({"etcd": (["etcd", *flags], {})}, tmp_path):
        wait_for(lambda: healthy(authority, [f"http://127.0.0.1:{ports['2379']}"]), tmp_path)


def test_the_etcd_of_an_old_cluster_with_fleet(tmp_path: Path) -> None:
    def unit_with_dropin(root: Path, config: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
        (unit,) = (unit for unit in config["systemd"]["units"] if unit["name"] == "etcd2.service")
        text = (root / "etc/systemd/system/etcd2.service.d" / unit["dropins"][0]["name"]).read_text()
        environment = {each.name: each.value for each in variables(parse(text))}
        settings = dict(moved(f"{key}={value}", root).split("=", 1) for key, value in environment.items())
        # What the unit of etcd 2 sets itself.
        return ["etcd"], {**settings, "ETCD_DATA_DIR": str(root / "data"), "ETCD_ENABLE_V2": "true"}

    cluster, commands = three_of("fleet-web", tmp_path, unit_with_dropin)
    with running(commands, tmp_path):
        wait_for(lambda: healthy(cluster.authority, cluster.urls), tmp_path)
        assert len(cluster.authority.ask(f"{cluster.urls[0]}/v2/members")["members"]) == 3


def test_the_units_that_fleet_gets_are_good_ones(tmp_path: Path) -> None:
    applied("fleet-web", changed("fleet-web"), tmp_path / "root")
    units = sorted((tmp_path / "root/opt/units").iterdir())
    assert [unit.name for unit in units] == ["web-announce@.service", "web@.service"]
    for unit in units:
        said = compile_document(unit.read_bytes(), unit.name).diagnostics
        assert {found.code for found in said} <= {"PV594"}, said  # that systemd itself passes over [X-Fleet]


# ---- programs of the templates ------------------------------------------------------------------------------------


class Service:
    """A web service that answers, or fails when it is told to."""

    def __init__(self) -> None:
        self.status = 200
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def service() -> Iterator[Service]:
    """A web service of this machine."""
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_web_service_is_announced_while_it_answers(central: Etcd, tmp_path: Path, service: Service) -> None:
    values = changed(
        "announced-web", etcd_addresses=["127.250.250.250", *central.ips], lease_s=6, port=service.server.server_port,
        **central.authority.values(),
    )  # fmt: skip
    root = tmp_path / "root"
    applied("announced-web", values, root)
    key, url = "/services/website/web-1", central.urls[2]
    environment = {"PATH": os.environ["PATH"], "ANNOUNCE_TLS": str(root / "etc/announce")}

    def announcer() -> "subprocess.Popen[bytes]":
        return subprocess.Popen([root / "opt/bin/announce"], env=environment)

    service.status = 503
    process = announcer()
    time.sleep(2)
    assert central.get(url, key) is None
    service.status = 200
    wait_for(lambda: central.get(url, key), tmp_path)
    found = json.loads(central.get(url, key) or "")
    assert found == {"host": "web-1", "address": "192.0.2.21", "port": service.server.server_port}
    time.sleep(8)  # longer than the lease
    assert central.get(url, key)
    service.status = 503
    process.wait(DEADLINE_S)
    wait_for(lambda: central.get(url, key) is None, tmp_path)

    service.status = 200
    process = announcer()
    wait_for(lambda: central.get(url, key), tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0
    assert central.get(url, key) is None


def test_the_network_of_flannel_is_written_once(central: Etcd, tmp_path: Path) -> None:
    found = []
    for network in ("10.50.0.0/16", "10.60.0.0/16"):
        root = tmp_path / network.split("/")[0]
        values = changed("flannel", etcd_addresses=central.ips, network=network, **central.authority.values())
        applied("flannel", values, root)
        environment = {"PATH": os.environ["PATH"], "FLANNEL_TLS": str(root / "etc/flannel")}
        subprocess.run([root / "opt/bin/flannel-network"], env=environment, check=True, timeout=DEADLINE_S)
        found.append(json.loads(central.get(central.urls[1], "/coreos.com/network/config") or ""))
    assert found == [{"Network": "10.50.0.0/16", "SubnetLen": 24, "Backend": {"Type": "vxlan"}}] * 2


def test_docker_is_told_the_subnet_of_flannel(tmp_path: Path) -> None:
    applied("flannel", changed("flannel"), tmp_path / "root")
    (tmp_path / "subnet.env").write_text(
        "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.7.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"
    )
    environment = {"PATH": os.environ["PATH"], "FLANNEL_RUN": str(tmp_path)}
    subprocess.run([tmp_path / "root/opt/bin/flannel-docker-options"], env=environment, check=True, timeout=DEADLINE_S)
    assert (tmp_path / "flannel_docker_opts.env").read_text().splitlines() == [
        "DOCKER_OPT_BIP=--bip=10.244.7.1/24",
        "DOCKER_OPT_MTU=--mtu=1450",
        "DOCKER_OPT_IPMASQ=--ip-masq=false",
    ]
