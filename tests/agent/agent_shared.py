"""What the agent's tests share: the agent for this system's Python, and trees of an initramfs that it was packed into."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from provision.agent.building import build

sys.path.append(str(Path(__file__).parents[1] / "fetch"))
from fetch_certificates import certificates as certificates
from fetch_servers import answer as answer
from fetch_servers import serving as serving

# Not the one of the tests: what an initramfs gets is the system's.
PYTHON = "/usr/bin/python3"
AGENT = "/usr/lib/provision/agent.pyz"
KEPT = tempfile.TemporaryDirectory(prefix="provision-agent-")
PATIENCE_S = 60

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the root directory")
with_python = pytest.mark.skipif(not os.path.exists(PYTHON), reason=f"there is no {PYTHON}")


@cache
def release_of_python() -> str:
    """The release of the system's Python, such as 3.11."""
    return run(PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").stdout.strip()


@cache
def agent_file() -> Path:
    """The agent for the system's Python."""
    path = Path(KEPT.name) / "provision-agent.pyz"
    path.write_bytes(build(PYTHON).content)
    path.chmod(0o755)
    return path


@cache
def packed(https: str) -> Path:
    """A tree with nothing but what the agent was packed with, and the few files that a kernel and a hook provide."""
    tree = Path(KEPT.name) / f"tree-{https}"
    tree.mkdir()
    done = run(PYTHON, "-I", "-S", str(agent_file()), "pack", "--destination", str(tree), "--https", https)
    assert (done.returncode, done.stderr) == (0, "")
    for folder in ("run", "tmp", "sysroot/etc", "proc/sys/kernel/random"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    (tree / "proc/cmdline").write_text("quiet\n")
    (tree / "proc/sys/kernel/random/boot_id").write_text("8a3a8b0e-98d5-4d4b-9f0e-5a1c5f0f6a55\n")
    (tree / "etc").mkdir(exist_ok=True)
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n")
    return tree


def run(*command: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A program and what it said."""
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=PATIENCE_S, errors="replace"
    )


def in_tree(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The tree's interpreter, with the tree as its root."""
    chroot = ("chroot", str(tree), PYTHON, "-I", "-S")
    return run(*chroot, *arguments, environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment})


def agent_in_tree(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The agent, with the tree as its root."""
    return in_tree(tree, AGENT, *arguments, **environment)


def applied(tree: Path, config: object) -> subprocess.CompletedProcess[str]:
    """Fetch a config and carry it out on the tree's `/sysroot`."""
    for left in ("run/ignition.json", "run/ignition/state"):
        (tree / left).unlink(missing_ok=True)
    (tree / "config.ign").write_text(json.dumps(config))
    arguments = ["-platform", "file", "-stage", "fetch,files", "-root", "/sysroot", "-log-to-stdout"]
    return agent_in_tree(tree, "ignition", *arguments, IGNITION_CONFIG_FILE="/config.ign")
