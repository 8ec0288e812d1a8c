"""Certificates, made by the openssl program: an authority, and servers that it vouches for."""

import ssl
import subprocess
import tempfile
from functools import cache
from pathlib import Path

CONFIG = """
[ca]
default_ca = here
[here]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

# Names of server certificates: their alternative names, and how their time is limited.
SERVERS = {
    "good": ("IP:127.0.0.1,DNS:localhost,DNS:server.test", "20200101000000Z", "20990101000000Z"),
    "expired": ("IP:127.0.0.1", "20200101000000Z", "20200201000000Z"),
    "early": ("IP:127.0.0.1", "20980101000000Z", "20990101000000Z"),
    "elsewhere": ("DNS:elsewhere.test,IP:192.0.2.1", "20200101000000Z", "20990101000000Z"),
}


class Certificates:
    """A folder with an authority and what it signed."""

    def __init__(self) -> None:
        self.kept = tempfile.TemporaryDirectory()
        self.folder = Path(self.kept.name)
        (self.folder / "ca.cnf").write_text(CONFIG)
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("01\n")
        self.openssl(
            "req", "-x509", *CURVE, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "36500"
        )  # fmt: skip
        for name, (alternatives, begin, end) in SERVERS.items():
            self.sign(name, alternatives, begin, end)
        self.openssl(
            "req", "-x509", *CURVE, "-keyout", "self.key", "-out", "self.pem", "-subj", "/CN=self", "-days", "36500",
            "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE",
        )  # fmt: skip
        self.sign("nameless", "", "20200101000000Z", "20990101000000Z")

    def sign(self, name: str, alternatives: str, begin: str, end: str) -> None:
        """A key and certificate of a server. Its common name is always 127.0.0.1."""
        extension = ("-addext", f"subjectAltName={alternatives}") if alternatives else ()
        self.openssl(
            "req", *CURVE, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=127.0.0.1", *extension
        )
        self.openssl(
            "ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr",
            "-out", f"{name}.pem", "-notext", "-startdate", begin, "-enddate", end,
        )  # fmt: skip

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def pem(self, name: str) -> bytes:
        return (self.folder / f"{name}.pem").read_bytes()

    def context(self, name: str) -> ssl.SSLContext:
        """What a server with that certificate needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


@cache
def certificates() -> Certificates:
    """Made once for all tests of a process."""
    return Certificates()
