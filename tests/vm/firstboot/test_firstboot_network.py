"""A config from a server, and what it refers to: the network comes up because it is needed, and only then."""

import hashlib

from firstboot_documents import CHECKOUT, HEAD, USERS, as_bytes, transpiled
from firstboot_fixtures import NewComputer, Web, computer, web
from firstboot_initramfs import initramfs
from firstboot_machine import switch_off, user_network
from firstboot_stories import ASKED, IS_SOUND, first_boot_is_done, log_in, nothing_strange

__all__ = ["computer", "web"]

CORE_01 = CHECKOUT / "samples" / "cloud-config" / "core-01-full.yaml"
# More than one read of a socket, and nothing that compresses to nothing.
PAYLOAD = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(256)) * 64

# Debian's etcd answers as the document says: its name, its token's cluster, and both ports for clients.
ETCD_ANSWERS = """
etcd() { python3 - "$@" <<'EOF_OF_ETCD'
import base64, json, sys, urllib.request
ask = lambda url, data=None: json.load(urllib.request.urlopen(url, json.dumps(data).encode() if data else None, timeout=60))
encoded = lambda text: base64.b64encode(text.encode()).decode()
assert ask("http://127.0.0.1:2379/health")["health"] == "true"
ask("http://127.0.0.1:2379/v3/kv/put", {"key": encoded("greeting"), "value": encoded("hello")})
(found,) = ask("http://127.0.0.1:4001/v3/kv/range", {"key": encoded("greeting")})["kvs"]
assert base64.b64decode(found["value"]) == b"hello"
(member,) = ask("http://127.0.0.1:2379/v3/cluster/member/list", {"x": 1})["members"]
print(member["name"], *member["peerURLs"])
EOF_OF_ETCD
}
timeout 120 sh -c 'until systemctl is-active --quiet etcd2.service; do sleep 1; done' || systemctl status etcd2.service
etcd
"""


def test_a_server_gives_the_seed_s_config_and_a_file_with_its_hash(computer: NewComputer, web: Web) -> None:
    machine = computer("initramfs-tools")
    etcd = as_bytes(transpiled(CORE_01, "--set", "private_ipv4=10.0.2.15", "--set", "public_ipv4=10.0.2.15"))
    web.files = {"/etcd.ign": etcd, "/payload": PAYLOAD, "/machine.ign": as_bytes(machine_config(web, etcd))}
    words = f"{ASKED} ignition.config.url={web.url}/machine.ign"
    with machine.on(initramfs("initramfs-tools"), words, network=user_network()) as console:
        log_in(console)
        said = console.check(ETCD_ANSWERS, limit_s=180)
        assert said.splitlines()[-1].split() == ["core-01", "http://127.0.0.1:2380"], said
        console.check(f"""
            equal 'the sum' "$(sha512sum < /opt/payload)" '{hashlib.sha512(PAYLOAD).hexdigest()}  -'
            node /opt/payload file 644 0:0
            equal 'the name' "$(hostname)" core-01
            node /home/core/.ssh directory 700 "$(id -u core):$(id -g core)"
            content /etc/conf.d/nfs 'OPTS_RPC_MOUNTD=""'
            {IS_SOUND}
        """)
        first_boot_is_done(console)
        nothing_strange(console)
        switch_off(console)
    assert web.asked == ["/machine.ign", "/etcd.ign", "/payload"]


def machine_config(web: Web, etcd: bytes) -> dict[str, object]:
    """A config that refers to another one and to a file."""
    document = f"""
{HEAD}
ignition:
  config:
    merge:
      - source: {web.url}/etcd.ign
        verification:
          hash: sha512-{hashlib.sha512(etcd).hexdigest()}
{USERS}
storage:
  files:
    - path: /opt/payload
      contents:
        source: {web.url}/payload
        verification:
          hash: sha256-{hashlib.sha256(PAYLOAD).hexdigest()}
"""
    return transpiled(document)
