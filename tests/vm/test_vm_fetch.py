"""Files and configs from servers: HTTP, HTTPS, TFTP, through proxies, with faults. All servers run in the guest.

`serve` (in_guest/bin) says what the paths of the servers do, and notes each request.
"""

import gzip
import hashlib
import json

import pytest
from vm_guest import Guest
from vm_scenarios import ALL, ROOT, Json, Scenario, apply, as_document, check, play, rows

BODY = b"the body\n" * 100
SUM = "sha512-" + hashlib.sha512(BODY).hexdigest()
SHORT = "sha256-" + hashlib.sha256(BODY).hexdigest()
WRONG = "sha256-" + hashlib.sha256(b"another body").hexdigest()
HOST = "http://files.example"
STAGES = ("fetch", "files")

SERVED = {
    "body": BODY,
    "body.gz": gzip.compress(BODY),
    "broken.gz": gzip.compress(BODY)[:-12],
    "one.ign": as_document({"storage": {"files": [{"path": "/one", "contents": {"source": "data:,one"}}]}}),
    "deep.ign": as_document({"ignition": {"config": {"merge": [{"source": f"{HOST}/one.ign"}]}}}),
    "round.ign": as_document({"ignition": {"config": {"merge": [{"source": f"{HOST}/round.ign"}]}}}),
    "old.ign": b'{"ignition": {"version": "3.0.0"}, "storage": {"files": [{"path": "/old", "mode": 420}]}}',
    "wrong.ign": b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "relative"}]}}',
    "cut.ign": b'{"ignition": {"version": "3.4.0"}, "stora',
    "empty.ign": b"",
}


def file(source: str, /, settings: Json | None = None, **more: object) -> Json:
    """A config with one file from a server."""
    ignition = {"ignition": settings} if settings else {}
    return {"storage": {"files": [{"path": "/got", "contents": {"source": source, **more}}]}, **ignition}


def merged(*names: str) -> Json:
    """A config that merges others."""
    return {"ignition": {"config": {"merge": [{"source": f"{HOST}/{name}"} for name in names]}}}


GOT = f"cmp {ROOT}/got www/body"
# Of a run that failed the journal may stay, of one that had nothing to do the result.
NOTHING = f"""absent {ROOT}/got
[ -z "$(find {ROOT} -type f ! -path {ROOT}/etc/.ignition-result.json ! -name .provision-journal)" ]"""


def requested(script: str) -> str:
    """A check on the requests; `requests` is the file, one JSON object a line."""
    return (
        f"python3 - <<'END'\nimport json\nrequests = [json.loads(line) for line in open('requests')]\n{script}\nEND\n"
    )


SCENARIOS = (
    Scenario("HTTP", file(f"{HOST}/body"), after=GOT),
    Scenario("TFTP", file("tftp://files.example/body"), after=GOT),
    Scenario("a hash that is right", file(f"{HOST}/body", verification={"hash": SUM}), after=GOT),
    Scenario("a short hash that is right", file(f"{HOST}/body", verification={"hash": SHORT}), after=GOT),
    Scenario(
        "gzip, with the hash of what is in it",
        file(f"{HOST}/body.gz", compression="gzip", verification={"hash": SUM}),
        after=GOT,
    ),
    Scenario(
        "headers of the author's own, and those that are always there",
        file(
            f"{HOST}/body", httpHeaders=[{"name": "X-Token", "value": "abc"}, {"name": "User-Agent", "value": "mine"}]
        ),
        after=GOT
        + "\n"
        + requested(
            "headers = requests[0]['headers']\n"
            "assert headers['x-token'] == 'abc' and headers['user-agent'] == 'mine', headers\n"
            "assert headers['accept-encoding'] == 'identity', headers"
        ),
    ),
    Scenario(
        "a redirect, which the author's headers do not follow",
        file(f"{HOST}/redirect?{HOST}/body", httpHeaders=[{"name": "X-Token", "value": "abc"}]),
        after=GOT
        + "\n"
        + requested("assert 'x-token' in requests[0]['headers'] and 'x-token' not in requests[1]['headers']"),
    ),
    Scenario("a server that is busy at first", file(f"{HOST}/busy?2"), after=f"content {ROOT}/got 'at last'"),
    Scenario("a server that breaks off at first", file(f"{HOST}/cut"), after=f"content {ROOT}/got complete"),
    Scenario("a server that is slow, but not too slow", file(f"{HOST}/slow?3"), after=f"content {ROOT}/got late"),
    Scenario(
        "a proxy for HTTP",
        file(f"{HOST}/body", settings={"proxy": {"httpProxy": "http://proxy.example:3128"}}),
        after=GOT
        + "\n"
        + requested("assert requests[0] == {'scheme': 'proxy', 'path': 'http://files.example/body'}, requests"),
    ),
    Scenario(
        "a host that the proxy is not for",
        file(
            f"{HOST}/body", settings={"proxy": {"httpProxy": "http://proxy.example:3128", "noProxy": ["files.example"]}}
        ),
        after=GOT + "\n" + requested("assert [request['scheme'] for request in requests] == ['http'], requests"),
    ),
    Scenario(
        "a proxy from the environment is not asked",
        file(f"{HOST}/body"),
        environ={"http_proxy": "http://proxy.example:3128", "HTTP_PROXY": "http://proxy.example:3128"},
        after=GOT + "\n" + requested("assert [request['scheme'] for request in requests] == ['http'], requests"),
    ),
    Scenario(
        "more content at the end of a file that is there",
        {"storage": {"files": [{"path": "/got", "append": [{"source": f"{HOST}/body"}, {"source": "data:,end"}]}]}},
        before=f"echo start > {ROOT}/got",
        after=f"{{ echo start; cat www/body; printf end; }} | cmp {ROOT}/got -",
    ),
    Scenario("a config that is merged", merged("one.ign"), after=f"content {ROOT}/one one"),
    Scenario(
        "a config of a config that is merged",
        merged("deep.ign", "old.ign"),
        after=f"content {ROOT}/one one; test -e {ROOT}/old",
    ),
    Scenario(
        "a config in place of this one",
        {
            "ignition": {"config": {"replace": {"source": f"{HOST}/one.ign"}}},
            "storage": {"files": [{"path": "/never", "contents": {"source": "data:,never"}}]},
        },
        after=f"content {ROOT}/one one; absent {ROOT}/never",
    ),
    Scenario("ten megabytes", file(f"{HOST}/zeros?10485760"), after=f'[ "$(stat -c %s {ROOT}/got)" = 10485760 ]'),
)

REFUSED = (
    Scenario("a wrong hash", file(f"{HOST}/body", verification={"hash": WRONG}), fails="hash|sha256"),
    Scenario(
        "a hash of what was packed, not of what is in it",
        file(
            f"{HOST}/body.gz",
            compression="gzip",
            verification={"hash": "sha256-" + hashlib.sha256(SERVED["body.gz"]).hexdigest()},
        ),
        fails="hash|sha256",
    ),
    Scenario("what is not there", file(f"{HOST}/nothing"), fails=f"{HOST}/nothing.*(404|not found)"),
    Scenario(
        "what is not there by TFTP",
        file("tftp://files.example/nothing"),
        fails="tftp://files.example/nothing.*(no such|not found)",
    ),
    Scenario("a server that forbids it", file(f"{HOST}/status?403"), fails=f"{HOST}/status.*403"),
    Scenario(
        "a server that has only faults",
        file(f"{HOST}/status?500", settings={"timeouts": {"httpTotal": 3}}),
        fails=f"{HOST}/status.*(3 s|in time|500)",
    ),
    Scenario(
        "a server that does not begin to answer",
        file(f"{HOST}/slow?60", settings={"timeouts": {"httpResponseHeaders": 1, "httpTotal": 3}}),
        fails=f"{HOST}/slow.*(3 s|in time)",
    ),
    Scenario(
        "a server that does not end its answer",
        file(f"{HOST}/drip?60", settings={"timeouts": {"httpTotal": 2}}),
        fails=f"{HOST}/drip.*(2 s|in time)",
    ),
    Scenario(
        "a server that is not there",
        file("http://files.example:81/body", settings={"timeouts": {"httpTotal": 2}}),
        fails="http://files.example:81/body.*(refused|2 s|in time)",
    ),
    Scenario(
        "a name that nobody knows",
        file("http://no-such-host.example/body", settings={"timeouts": {"httpTotal": 2}}),
        fails="no-such-host.example.*(resol|name|2 s|in time)",
    ),
    Scenario(
        "redirects without end",
        file(f"{HOST}/around", settings={"timeouts": {"httpTotal": 20}}),
        fails="redirect.*10|10.*redirect",
    ),
    Scenario(
        "a proxy that is not there",
        file(
            f"{HOST}/body", settings={"proxy": {"httpProxy": "http://proxy.example:3129"}, "timeouts": {"httpTotal": 2}}
        ),
        fails="(refused|2 s|in time)",
    ),
    Scenario("what is not gzip", file(f"{HOST}/body", compression="gzip"), fails=f"{HOST}/body.*gzip"),
    Scenario("gzip without its end", file(f"{HOST}/broken.gz", compression="gzip"), fails="broken.gz.*(gzip|end)"),
    Scenario("a config that is not there", merged("nothing.ign"), fails="nothing.ign.*(404|not found)"),
    Scenario("a config that is wrong", merged("wrong.ign"), fails="relative"),
    Scenario("a config without its end", merged("cut.ign"), fails="cut.ign"),
    Scenario("a config that is empty", merged("empty.ign"), fails="empty"),
    Scenario("a config that merges itself", merged("round.ign"), fails="round.ign"),
    Scenario(
        "a header that would be two",
        file(f"{HOST}/body", httpHeaders=[{"name": "X-Token", "value": "abc\r\nX-Evil: 1"}]),
        fails="X-Token",
    ),
)


@pytest.fixture
def served(guest: Guest) -> Guest:
    """The guest with its servers running."""
    for name, content in SERVED.items():
        guest.write(f"/scenario/www/{name}", content)
    guest.do("serve")
    return guest


@rows(*(scenario._replace(stages=STAGES) for scenario in SCENARIOS))
def test_fetching(served: Guest, scenario: Scenario) -> None:
    play(served, scenario)


@rows(*(scenario._replace(stages=STAGES, after=scenario.after or NOTHING) for scenario in REFUSED))
def test_fetching_is_refused_for(served: Guest, scenario: Scenario) -> None:
    play(served, scenario)


# ---- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secured(guest: Guest) -> Guest:
    """The same with HTTPS."""
    guest.do("serve-certificates; mkdir -p www; cp /vm/tls/ca.pem www; serve")
    guest.write("/scenario/www/body", BODY)
    return guest


def trusting(*sources: str, **settings: object) -> Json:
    """A config with a file by HTTPS, and authorities."""
    authorities = [{"source": source} for source in sources]
    return file(
        "https://files.example/body",
        settings={"security": {"tls": {"certificateAuthorities": authorities}}, **settings},
    )


def test_https_with_an_authority_from_a_server(secured: Guest) -> None:
    applied = apply(secured, trusting(f"{HOST}/ca.pem"), STAGES)
    assert not applied.failed, applied.output
    check(secured, GOT, applied.output)


def test_https_through_a_proxy_with_an_authority_from_the_config(secured: Guest) -> None:
    authority = "data:;base64," + secured.do("base64 -w0 /vm/tls/ca.pem")
    applied = apply(secured, trusting(authority, proxy={"httpsProxy": "http://proxy.example:3128"}), STAGES)
    assert not applied.failed, applied.output
    check(
        secured,
        GOT + "\n" + requested("assert requests[0] == {'scheme': 'proxy', 'path': 'files.example:443'}, requests"),
    )


def test_https_without_the_authority_is_refused(secured: Guest) -> None:
    applied = apply(secured, trusting(timeouts={"httpTotal": 3}), STAGES)
    assert applied.failed == "files", applied.output
    assert "certificate" in applied.output
    check(secured, f"absent {ROOT}/got")


def test_https_under_another_name_is_refused(secured: Guest) -> None:
    config = trusting(f"{HOST}/ca.pem", timeouts={"httpTotal": 3})
    config["storage"]["files"][0]["contents"]["source"] = "https://tang.example/body"
    applied = apply(secured, config, STAGES)
    assert applied.failed == "files", applied.output
    assert "certificate" in applied.output or "tang.example" in applied.output


def test_an_authority_that_is_none_is_refused(secured: Guest) -> None:
    applied = apply(secured, trusting(f"{HOST}/body"), STAGES)
    assert applied.failed == "fetch", applied.output
    assert f"{HOST}/body" in applied.output


# ---- where configs are looked for -----------------------------------------------------------------------------------


def test_offline_a_config_that_needs_the_network_says_so_and_is_not_kept(served: Guest) -> None:
    applied = apply(served, merged("one.ign"), ("fetch-offline",))
    assert not applied.failed, applied.output
    check(served, "test -e neednet; absent ignition.json")
    applied = apply(served, merged("one.ign"), ("fetch", "files"))
    assert not applied.failed, applied.output
    check(served, f"absent neednet; content {ROOT}/one one", applied.output)


def test_offline_a_config_that_needs_no_network_is_kept(guest: Guest) -> None:
    config = {"storage": {"files": [{"path": "/one", "contents": {"source": "data:,one"}}]}}
    applied = apply(guest, config, ("fetch-offline", "files"))
    assert not applied.failed, applied.output
    check(guest, f"absent neednet; content {ROOT}/one one", applied.output)


def test_the_kernel_command_line_names_a_server(served: Guest) -> None:
    served.write("/scenario/cmdline", f"quiet ignition.config.url={HOST}/one.ign ro\n")
    environ = {"IGNITION_KERNEL_CMDLINE_PATH": "/scenario/cmdline"}
    applied = apply(served, {"storage": {"files": [{"path": "/never"}]}}, STAGES, environ=environ)
    assert not applied.failed, applied.output
    check(served, f"content {ROOT}/one one; absent {ROOT}/never", applied.output)


def test_the_kernel_command_line_names_a_device_and_a_path_on_it(guest: Guest) -> None:
    guest.write("/scenario/cmdline", "ignition.config.device=CONFIG ignition.config.path=/deep/one.ign\n")
    guest.write("/scenario/www/one.ign", SERVED["one.ign"])
    guest.do(
        "mkfs.vfat -n CONFIG /dev/vdc && mount /dev/vdc /mnt && mkdir /mnt/deep && cp www/one.ign /mnt/deep && umount /mnt"
    )
    guest.do("udevadm settle")
    environ = {"IGNITION_KERNEL_CMDLINE_PATH": "/scenario/cmdline"}
    applied = apply(guest, {}, STAGES, environ=environ)
    assert not applied.failed, applied.output
    check(guest, f"content {ROOT}/one one; ! findmnt /dev/vdc", applied.output)


def test_fragments_of_the_system_lie_under_the_users_config(guest: Guest) -> None:
    base = {"storage": {"files": [{"path": path, "contents": {"source": "data:,base"}} for path in ("/base", "/both")]}}
    guest.write("/scenario/system/base.d/10-base.ign", as_document(base))
    guest.write(
        "/scenario/system/base.platform.d/file/20.ign",
        as_document({"storage": {"directories": [{"path": "/platform"}]}}),
    )
    config = {"storage": {"files": [{"path": "/both", "contents": {"source": "data:,user"}}]}}
    environ = {"IGNITION_SYSTEM_CONFIG_DIR": "/scenario/system"}
    applied = apply(guest, config, STAGES, environ=environ)
    assert not applied.failed, applied.output
    check(guest, f"content {ROOT}/base base; content {ROOT}/both user; test -d {ROOT}/platform", applied.output)


def test_the_result_names_the_boot_and_says_that_there_was_a_config(guest: Guest) -> None:
    applied = apply(guest, {"storage": {"files": [{"path": "/x"}]}}, ALL)
    assert not applied.failed, applied.output
    result = json.loads(guest.read(f"{ROOT}/etc/.ignition-result.json"))
    assert result["userConfigProvided"] is True
    assert result["provisioningBootID"] == guest.do("cat /proc/sys/kernel/random/boot_id")
