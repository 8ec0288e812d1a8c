"""TLS: whom to trust, and a line that is encrypted over another one, which may be encrypted itself (an https proxy)."""

from __future__ import annotations

import os
from binascii import a2b_base64
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock

from provision.apply import log
from provision.apply.fetch.faults import Broken, Untrusted
from provision.apply.fetch.lines import Line
from provision.diagnostics import ProvisionError
from provision.typed import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")

# Source: Ignition, `internal/resource/http.go`.
HANDSHAKE_S = 10
# Where systems keep their authorities, for an interpreter that looks elsewhere. Source: Go, `crypto/x509/root_linux.go`.
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

# What is wrong with a certificate, by the number that verification gives. Source: OpenSSL, `x509_vfy.h`.
NOT_YET_VALID = 9
FAULTS = {
    NOT_YET_VALID: "is not valid yet",
    10: "has expired",
    18: "is signed by itself, and not among the authorities",
    19: "is signed by an authority that is not known here",
    20: "is signed by an authority that is not known here",
    21: "is signed by an authority that is not known here",
    23: "was revoked",
    62: "is for another host name",
    64: "is for another address",
}
REMEDIES = {
    NOT_YET_VALID: "see whether this machine's clock is right",
    10: "renew it, or see whether this machine's clock is right",
    62: "use a name that it is for",
    64: "use an address that it is for",
}
ADVICE = "add its authority to ignition.security.tls.certificateAuthorities"


def needed() -> None:
    """Refuse where the interpreter has no TLS."""
    try:
        import ssl  # noqa: F401
    except ImportError:
        raise ProvisionError(
            "https: URLs need TLS, and this Python was built without it (there is no ssl module); serve it over http "
            "with a verification hash, or add Python's TLS to the image"
        ) from None


class Trust:
    """The authorities of one fetcher; they are loaded at the first use of TLS."""

    def __init__(self, bundles: tuple[bytes, ...]) -> None:
        self.bundles = bundles
        self.lock = Lock()
        self.loaded: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """What TLS needs to know. Raises ProvisionError for a bundle that cannot be read."""
        with self.lock:
            if self.loaded is None:
                self.loaded = load(self.bundles)
            return self.loaded


def load(bundles: tuple[bytes, ...]) -> ssl.SSLContext:
    """The system's authorities and those of the bundles, held to what Go's verification holds them to: a certificate
    may be trusted by itself, whoever signed it, and a common name is no host name. Source: Go, `crypto/x509`.
    """
    needed()
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.hostname_checks_common_name = False
    load_system(context, ssl.get_default_verify_paths())
    for bundle in bundles:
        if der := b"".join(certificates(bundle)):
            load_bundle(context, der)
    return context


def load_system(context: ssl.SSLContext, paths: ssl.DefaultVerifyPaths) -> None:
    """Trust whom the system trusts, as far as it says so anywhere."""
    context.load_default_certs()
    if paths.cafile or (paths.capath and os.listdir(paths.capath)):
        return
    for bundle in filter(os.path.isfile, BUNDLES):
        context.load_verify_locations(cafile=bundle)
        return
    log.debug("this system has no certificate authorities; only those of the config are trusted")


def load_bundle(context: ssl.SSLContext, der: bytes) -> None:
    """Trust the certificates of a bundle."""
    import ssl

    try:
        context.load_verify_locations(cadata=der)
    except ssl.SSLError:
        raise ProvisionError("the certificate authority cannot be read: a certificate in it is damaged") from None


def check_bundle(bundle: bytes) -> None:
    """Refuse what is no PEM bundle, as well as the interpreter can tell."""
    der = b"".join(certificates(bundle))
    if not der:
        log.warning("a certificate authority is empty")
        return
    try:
        import ssl
    except ImportError:
        return
    load_bundle(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), der)


def certificates(bundle: bytes) -> list[bytes]:
    """The certificates of a PEM bundle. Raises ProvisionError for anything else in it; text may stand before a
    certificate, as people like to say whose it is. Source: Ignition, `parseCABundle`; RFC 7468, 2.
    """
    if b"\0" in bundle or not bundle.isascii():
        bundle = bundle.decode("utf-8", "replace").encode("ascii", "replace")
    *blocks, rest = bundle.decode("ascii", "replace").split(END)
    if rest.strip():
        raise ProvisionError("the certificate authority is not PEM: text without a certificate stands at its end")
    found = []
    for block in blocks:
        before, begin, text = block.rpartition(BEGIN)
        if not begin or "-----BEGIN" in before:
            raise ProvisionError("the certificate authority has something else than certificates in it")
        try:
            found.append(a2b_base64("".join(text.split()), strict_mode=True))
        except ValueError:
            raise ProvisionError("the certificate authority has a certificate that is not base64") from None
    return found


class TlsLine:
    """TLS over another line. Implements Line."""

    def __init__(self, inner: Line, context: ssl.SSLContext, host: str) -> None:
        import ssl

        self.inner, self.ssl = inner, ssl
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host.removesuffix("."))
        self.allow, self.close = inner.allow, inner.close

    def handshake(self, name: str) -> None:
        """Agree on keys, and see whether the server `name` is whom it claims to be. Raises Untrusted and Broken."""
        self.allow(HANDSHAKE_S, "TLS handshake")
        try:
            self.pump(self.tls.do_handshake)
        except self.ssl.SSLCertVerificationError as error:
            with suppress(Broken):
                self.flush()
            raise complaint(name, error.verify_code) from None

    def receive(self, size: int) -> bytes:
        """As in Line."""
        try:
            return self.pump(lambda: self.tls.read(size))
        except self.ssl.SSLZeroReturnError:
            return b""

    def send(self, data: bytes) -> None:
        """As in Line."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.pump(partial(self.tls.write, rest)) :]

    def pump(self, act: Callable[[], T]) -> T:
        """Do something that needs bytes from the other side, or has some for it."""
        while True:
            try:
                done = act()
            except self.ssl.SSLWantReadError:
                self.flush()
                self.refill()
            except (self.ssl.SSLCertVerificationError, self.ssl.SSLZeroReturnError):
                raise
            except self.ssl.SSLError as error:
                raise Broken(fault(error)) from None
            else:
                self.flush()
                return done

    def flush(self) -> None:
        """Send what TLS has to say."""
        if data := self.outgoing.read():
            self.inner.send(data)

    def refill(self) -> None:
        """Wait for what the other side says."""
        if data := self.inner.receive(65536):
            self.incoming.write(data)
        else:
            self.incoming.write_eof()


def complaint(name: str, code: int) -> Untrusted | Broken:
    """What is wrong with a server's certificate. One that is not valid yet becomes so when the clock has been set."""
    text = f"the certificate of {name} {FAULTS.get(code, f'does not verify (number {code})')}"
    text += f"; {REMEDIES.get(code, ADVICE)}"
    return Broken(text) if code == NOT_YET_VALID else Untrusted(text)


def fault(error: ssl.SSLError) -> str:
    """Why TLS ended, in a message's tone."""
    cause = error.reason or ""
    if cause in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL"):
        return "the server does not speak TLS at this port"
    if "EOF" in cause or not cause:
        return "the connection was cut off inside TLS"
    return f"TLS failed: {cause.lower().replace('_', ' ')}"
