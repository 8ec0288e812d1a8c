"""The seeds' members of a cluster that a discovery service brings together, each from the seed's document.

One machine, because under emulation three take the time of all other stories; PROVISION_CLUSTER_GUESTS=3 has three.

The service is an etcd on the host, as the seeds run one of their own; the members are Debian's etcd. Added to the seed's
text are what it leaves to the reader (a service and a token, the unit's start), the advertised URL without which etcd does
not start, and an address on the network that the machines share.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from firstboot_documents import CHECKOUT, HEAD, USERS, as_bytes, transpiled
from firstboot_fixtures import NewComputer, computer
from firstboot_initramfs import initramfs
from firstboot_machine import HOST, KERNEL_S, switch_off, user_network
from firstboot_stories import ASKED, IS_SOUND, first_boot_is_done, log_in, nothing_strange

__all__ = ["computer"]

MEMBERS = range(1, 1 + int(os.environ.get("PROVISION_CLUSTER_GUESTS") or 1))
SEED = CHECKOUT / "samples" / "cloud-config" / "etcd2-central-services.yaml"
TOKEN = "6c007a14875d53d9bf0ef5a6fc0257c8"

ADDED = """
    advertise-client-urls: http://$private_ipv4:2379
    heartbeat-interval: 1000
    election-timeout: 10000
  units:
    - name: 20-private.network
      content: |
        [Match]
        PermanentMACAddress={mac}
        [Network]
        Address={address}/24
        LinkLocalAddressing=no
    - name: etcd2.service
      command: start
"""
HEALTHY = """
timeout 200 sh -c 'until systemctl is-active --quiet etcd2.service; do sleep 1; done' || systemctl status etcd2.service
"""


def test_the_members_find_each_other(computer: NewComputer, tmp_path: Path) -> None:
    with discovery_service(tmp_path) as port, ExitStack() as stack:
        consoles = []
        for number in MEMBERS:
            machine = computer("initramfs-tools")
            on = machine.on(
                initramfs("initramfs-tools"), ASKED, config=as_bytes(document(number, port)), network=two_cards(number)
            )
            consoles.append(stack.enter_context(on))
        for console in consoles:
            log_in(console)
        for console in consoles:
            console.do(HEALTHY, limit_s=240)
        names = [console.do("cat /etc/machine-id") for console in consoles]
        said = consoles[0].do(
            script("""
members = ask("/v3/cluster/member/list", {"linearizable": True})["members"]
print(*sorted(member["name"] for member in members))
ask("/v3/kv/put", {"key": encoded("greeting"), "value": encoded("from the first")})
""")
        )
        assert sorted(said.split()) == sorted(names)
        for console in consoles:
            said = console.do(
                script("""
(found,) = ask("/v3/kv/range", {"key": encoded("greeting")})["kvs"]
print(base64.b64decode(found["value"]).decode())
""")
            )
            assert said == "from the first"
        for console in consoles:
            console.check(IS_SOUND)
            first_boot_is_done(console)
            nothing_strange(console)
            switch_off(console)


def script(statements: str) -> str:
    """A script that asks the machine's own etcd."""
    return f"""
python3 - <<'END'
import base64, json, urllib.request
def ask(path, data):
    return json.load(urllib.request.urlopen("http://127.0.0.1:2379" + path, json.dumps(data).encode(), timeout=60))
def encoded(text):
    return base64.b64encode(text.encode()).decode()
{statements}
END
"""


def document(number: int, port: int) -> dict[str, object]:
    """The seed's document for one member, with root's password in a config beside it."""
    text = re.sub(r"https://discovery\S*", f"http://{HOST}:{port}/v2/keys/discovery/{TOKEN}", SEED.read_text())
    text = text.rstrip("\n") + ADDED.format(mac=private_mac(number), address=f"10.9.8.{number}")
    config = transpiled(text, "--set", f"private_ipv4=10.9.8.{number}", "--set", f"public_ipv4=10.9.8.{number}")
    config["passwd"] = transpiled(HEAD + USERS)["passwd"]
    return config


def private_mac(number: int) -> str:
    """The card of a machine on the network that they share."""
    return f"52:54:00:09:08:0{number}"


def two_cards(number: int) -> list[str]:
    """Options: one card to reach the host, and one on a network that only the machines share."""
    return [
        *user_network(),
        "-netdev", f"socket,id=private,mcast=230.9.8.7:{PRIVATE_PORT},localaddr=127.0.0.1",
        "-device", f"virtio-net-pci,netdev=private,mac={private_mac(number)}",
    ]  # fmt: skip


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


PRIVATE_PORT = free_port()


@contextmanager
def discovery_service(folder: Path) -> Iterator[int]:
    """An etcd on the host that waits for so many members; its port."""
    program = shutil.which("etcd")
    assert program, "there is no etcd here; install Debian's package etcd-server"
    port, peer = free_port(), free_port()
    clients, peers = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    command = [
        program, "--enable-v2", "--data-dir", str(folder / "etcd"), "--listen-client-urls", clients,
        "--advertise-client-urls", clients, "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
        "--initial-cluster", f"default={peers}",
    ]  # fmt: skip
    with (folder / "etcd.log").open("wb") as log:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdout=log, stderr=log)
    try:
        put(f"{clients}/v2/keys/discovery/{TOKEN}/_config/size", f"value={len(MEMBERS)}")
        yield port
    finally:
        process.kill()
        process.wait()


def put(url: str, body: str) -> None:
    """Set a key, as soon as the service answers."""
    deadline = time.monotonic() + KERNEL_S
    request = urllib.request.Request(url, body.encode(), method="PUT")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(request, timeout=10) as answer:
                assert json.load(answer)["action"] == "set"
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
