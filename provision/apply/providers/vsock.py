"""Apple's hypervisor: the host serves the config by HTTP over vsock. Source: Ignition, `internal/providers/applehv`."""

from provision.apply import log
from provision.apply.providers.host import MAX_CONFIG_BYTES, Host, check_size
from provision.apply.providers.provider import Provider
from provision.diagnostics import ProvisionError
from provision.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket

MODULE, SIGN = "vsock", "/sys/devices/virtual/misc/vsock"
# How long the host may take for each step; the same as for a connection elsewhere.
LIMIT_S = 30


class Vsock(Provider):
    """An HTTP server at a context id and port. It is asked once; a server's status says nothing here."""

    def __init__(self, cid: int, port: int, limit_s: float = LIMIT_S) -> None:
        self.cid, self.port, self.limit_s = cid, port, limit_s
        self.what = f"vsock {cid}:{port}"

    def fetch(self, host: Host) -> bytes | None:
        host.load_module(MODULE, SIGN)
        try:
            connection = host.connect_vsock(self.cid, self.port, self.limit_s)
        except OSError as error:
            raise ProvisionError(f"the host does not answer: {error.strerror or error}") from None
        with connection:
            return get(connection)


def get(connection: "socket") -> bytes:
    """The body of `/`."""
    from http.client import HTTPConnection, HTTPException

    # The name only fills the Host header.
    client = HTTPConnection("host")
    client.sock = connection
    try:
        client.request("GET", "/", headers={"Accept": "application/json"})
        answer = client.getresponse()
        content = answer.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ProvisionError(f"the host stopped answering: {error.strerror or error}") from None
    except (HTTPException, ValueError) as error:
        raise ProvisionError(f"the host gave no proper HTTP answer: {type(error).__name__}") from None
    finally:
        client.close()
    if answer.status != 200:
        log.warning(f"the host answered with status {answer.status}; its content is taken as the config")
    check_size("what the host sends", len(content))
    if answer.length:
        raise ProvisionError(f"the host broke off; bytes that are missing: {answer.length}")
    return content
