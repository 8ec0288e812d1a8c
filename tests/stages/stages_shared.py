"""What other folders' tests lend: real servers, certificates, facts of a root in memory."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("fetch", "apply")]

from apply_fakes import DIRECTORY, facts, file, planned
from fetch_certificates import certificates
from fetch_servers import Route, Server, answer, by_turns, free_port, redirect, serving, short, stalling

__all__ = [
    "DIRECTORY", "Route", "Server", "answer", "by_turns", "certificates", "facts", "file", "free_port", "planned", "redirect",
    "serving", "short", "stalling",
]  # fmt: skip
