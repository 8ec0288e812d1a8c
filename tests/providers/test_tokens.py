"""Metadata servers that want a token first: Akamai, AWS; and what AWS and Google lend for their object stores."""

import gzip
from base64 import b64encode
from pathlib import Path

import pytest
from provider_fakes import CONFIG, Asked, FakeMachine, Reply, metadata_server

from provision.apply.fetch import AwsKeys, NeedsNetwork
from provision.apply.providers import PROVIDERS, asked
from provision.apply.providers.clouds import Kept
from provision.diagnostics import ProvisionError

AKAMAI_TOKEN, AKAMAI = "PUT /v1/token", "GET /v1/user-data"
AWS_TOKEN, AWS = "PUT /latest/api/token", "GET /2019-10-01/user-data"
AWS_DOCUMENT = "GET /latest/dynamic/instance-identity/document"
AWS_ROLES = "GET /latest/meta-data/iam/security-credentials/"
ROLE = b'{"Code": "Success", "AccessKeyId": "ASIA", "SecretAccessKey": "topsecret", "Token": "lent"}'
GCP = "GET /computeMetadata/v1/instance/attributes/user-data"
GCP_TOKEN = (
    "GET /computeMetadata/v1/instance/service-accounts/default/token"
    "?scopes=https://www.googleapis.com/auth/devstorage.read_only"
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


@pytest.mark.parametrize("content", [b64encode(CONFIG), b64encode(gzip.compress(CONFIG))], ids=["plain", "gzip"])
def test_akamai_gives_a_token_and_then_base64_that_may_be_gzip(content: bytes, machine: FakeMachine) -> None:
    def answer(request: Asked) -> Reply:
        shown = request.headers["metadata-token"], request.headers["accept"]
        return Reply(content) if shown == ("abc", "*/*") else Reply(status=401)

    with metadata_server({AKAMAI_TOKEN: Reply(b" abc\n"), AKAMAI: answer}) as server:
        assert asked(PROVIDERS["akamai"], machine.host(server)) == CONFIG
    assert server.asked[0].headers["metadata-token-expiry-seconds"] == "300"
    assert server.asked[0].headers["accept"] == "text/plain"


def test_akamai_without_user_data_has_no_config(machine: FakeMachine) -> None:
    with metadata_server({AKAMAI_TOKEN: Reply(b"abc")}) as server:
        assert asked(PROVIDERS["akamai"], machine.host(server)) is None
    assert server.paths == [AKAMAI_TOKEN, AKAMAI]


def test_akamai_with_empty_user_data_has_no_config(machine: FakeMachine) -> None:
    with metadata_server({AKAMAI_TOKEN: Reply(b"abc"), AKAMAI: Reply()}) as server:
        assert not asked(PROVIDERS["akamai"], machine.host(server))


def test_akamai_without_tokens_is_an_error(machine: FakeMachine) -> None:
    with (
        metadata_server({AKAMAI: Reply(b64encode(CONFIG))}) as server,
        pytest.raises(ProvisionError, match=r"http://169\.254\.169\.254/v1/token is not found"),
    ):
        asked(PROVIDERS["akamai"], machine.host(server))


@pytest.mark.parametrize("token", [b"", b" \r\n", b"a\r\nX-Evil: 1", b"a\x00b"])
def test_a_token_that_no_header_can_hold_is_refused(token: bytes, machine: FakeMachine) -> None:
    with (
        metadata_server({AKAMAI_TOKEN: Reply(token)}) as server,
        pytest.raises(ProvisionError, match="empty or unreadable token"),
    ):
        asked(PROVIDERS["akamai"], machine.host(server))
    assert server.paths == [AKAMAI_TOKEN]


@pytest.mark.parametrize(
    "packed",
    [b"\x1f\x8b\x08", gzip.compress(CONFIG)[:-4], b"\x1f\x8b\x08" + bytes(30)],
    ids=["head", "cut off", "damaged"],
)
def test_damaged_gzip_is_refused(packed: bytes, machine: FakeMachine) -> None:
    with (
        metadata_server({AKAMAI_TOKEN: Reply(b"abc"), AKAMAI: Reply(b64encode(packed))}) as server,
        pytest.raises(ProvisionError, match="gzip"),
    ):
        asked(PROVIDERS["akamai"], machine.host(server))


def test_a_gzip_bomb_is_refused(machine: FakeMachine) -> None:
    bomb = gzip.compress(bytes(65 << 20), 1)
    with (
        metadata_server({AKAMAI_TOKEN: Reply(b"abc"), AKAMAI: Reply(b64encode(bomb))}) as server,
        pytest.raises(ProvisionError, match="more than 64 MiB"),
    ):
        asked(PROVIDERS["akamai"], machine.host(server))


def test_aws_shows_its_token(machine: FakeMachine) -> None:
    def answer(request: Asked) -> Reply:
        return Reply(CONFIG) if request.headers.get("x-aws-ec2-metadata-token") == "abc" else Reply(status=401)

    with metadata_server({AWS_TOKEN: Reply(b"abc"), AWS: answer}) as server:
        assert asked(PROVIDERS["aws"], machine.host(server)) == CONFIG
    assert server.asked[0].headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600"


def test_aws_without_tokens_is_asked_without_one(machine: FakeMachine) -> None:
    with metadata_server({AWS: Reply(CONFIG)}) as server:
        assert asked(PROVIDERS["aws"], machine.host(server)) == CONFIG
    assert server.paths == [AWS_TOKEN, AWS]
    assert "x-aws-ec2-metadata-token" not in server.asked[1].headers


def test_aws_that_refuses_a_token_is_an_error(machine: FakeMachine) -> None:
    with (
        metadata_server({AWS_TOKEN: Reply(status=403), AWS: Reply(CONFIG)}) as server,
        pytest.raises(ProvisionError, match="403"),
    ):
        asked(PROVIDERS["aws"], machine.host(server))
    assert server.paths == [AWS_TOKEN]


def test_aws_waits_for_the_network_in_each_stage(machine: FakeMachine) -> None:
    with metadata_server({AWS_TOKEN: [Reply(status=503), Reply(b"abc")]}) as server:
        PROVIDERS["aws"].init(machine.host(server))
    assert server.paths == [AWS_TOKEN, AWS_TOKEN]
    with pytest.raises(NeedsNetwork):
        PROVIDERS["aws"].init(machine.host(offline=True))


def test_aws_without_tokens_has_its_network_all_the_same(machine: FakeMachine) -> None:
    with metadata_server({}) as server:
        PROVIDERS["aws"].init(machine.host(server))
    assert server.paths == [AWS_TOKEN]


def test_aws_lends_the_keys_of_its_role_and_tells_the_region(machine: FakeMachine) -> None:
    answers = {
        AWS_TOKEN: Reply(b"abc"),
        AWS_DOCUMENT: Reply(b'{"region": "eu-north-1", "accountId": "1"}'),
        AWS_ROLES: Reply(b"boot-role\n"),
        f"{AWS_ROLES}boot-role": Reply(ROLE),
    }
    with metadata_server(answers) as server:
        credentials = PROVIDERS["aws"].credentials(machine.host(server))
        assert credentials.aws_region == "eu-north-1"
        assert AWS_ROLES not in server.paths
        assert credentials.aws_keys() == AwsKeys("ASIA", "topsecret", "lent")
        assert all(
            seen.headers.get("x-aws-ec2-metadata-token") == "abc" for seen in server.asked if seen.method == "GET"
        )
        before = len(server.asked)
        assert credentials.aws_keys() is not None
        assert len(server.asked) == before


def test_aws_without_a_role_asks_anonymously_in_the_usual_region(machine: FakeMachine) -> None:
    with metadata_server({AWS_TOKEN: Reply(b"abc")}) as server:
        credentials = PROVIDERS["aws"].credentials(machine.host(server))
        assert (credentials.aws_region, credentials.aws_keys()) == ("us-east-1", None)


@pytest.mark.parametrize("document", [b"", b"[]", b'{"region": 7}', b"\xff", b"[" * 100_000])
def test_an_identity_document_that_makes_no_sense_leaves_the_usual_region(
    document: bytes, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    with metadata_server({AWS_TOKEN: Reply(b"abc"), AWS_DOCUMENT: Reply(document)}) as server:
        assert PROVIDERS["aws"].credentials(machine.host(server)).aws_region == "us-east-1"
    assert "no region: the identity document" in capsys.readouterr().err


def test_a_role_without_keys_is_told_and_nothing_of_it_shown(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {
        AWS_TOKEN: Reply(b"abc"),
        AWS_ROLES: Reply(b"r"),
        f"{AWS_ROLES}r": Reply(b'{"SecretAccessKey": "topsecret"}'),
    }
    with metadata_server(answers) as server:
        assert PROVIDERS["aws"].credentials(machine.host(server)).aws_keys() is None
    said = capsys.readouterr().err
    assert "names the role and has no keys for it" in said
    assert "topsecret" not in said


def test_google_lends_a_token_of_its_service_account(machine: FakeMachine) -> None:
    answers = {GCP: Reply(CONFIG), GCP_TOKEN: Reply(b'{"access_token": "ya29", "expires_in": 3599}')}
    with metadata_server(answers) as server:
        assert PROVIDERS["gcp"].credentials(machine.host(server)).gcs_token() == "ya29"
    assert server.asked[0].headers["metadata-flavor"] == "Google"


def test_google_without_a_service_account_asks_anonymously(machine: FakeMachine) -> None:
    with metadata_server({}) as server:
        assert PROVIDERS["gcp"].credentials(machine.host(server)).gcs_token() == ""


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"access_token": "a\\r\\nb"}', b'{"access_token": 1}'])
def test_google_with_a_token_that_makes_no_sense_asks_anonymously(answer: bytes, machine: FakeMachine) -> None:
    with metadata_server({GCP_TOKEN: Reply(answer)}) as server:
        assert PROVIDERS["gcp"].credentials(machine.host(server)).gcs_token() == ""


def test_what_is_lent_is_asked_for_directly_even_if_the_config_has_a_proxy(machine: FakeMachine) -> None:
    with metadata_server({GCP_TOKEN: Reply(b'{"access_token": "ya29"}')}) as server:
        host = machine.host(server)
        host.fetcher = host.fetcher.with_settings(host.fetcher.settings._replace(http_proxy="http://127.0.0.1:1"))
        assert PROVIDERS["gcp"].credentials(host).gcs_token() == "ya29"


def test_other_platforms_lend_nothing(machine: FakeMachine) -> None:
    credentials = PROVIDERS["hetzner"].credentials(machine.host())
    assert (credentials.aws_keys(), credentials.gcs_token(), credentials.aws_region) == (None, "", "")


def test_what_is_lent_is_asked_for_anew_when_it_gets_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("provision.apply.providers.clouds.monotonic", lambda: now)
    answers = iter("ab")
    kept = Kept(lambda: next(answers), "", "thing")
    assert [kept(), kept()] == ["a", "a"]
    now += 240
    assert kept() == "b"
