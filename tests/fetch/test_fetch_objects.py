"""Objects of S3 and Google Cloud Storage, against servers that answer as those do."""

import pytest
from fetch_servers import Server, answer, by_turns, resource, serving

from provision.apply.fetch import AwsKeys, Credentials, Endpoints, Fetcher, NotFound, Refused, Settings, s3
from provision.apply.fetch.signing import signed
from provision.apply.fetch.urls import split
from provision.diagnostics import ProvisionError

KEYS = AwsKeys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
IN_REGION = answer(403, X_Amz_Bucket_Region="eu-west-1")


def fetcher(server: Server, credentials: Credentials | None = None) -> Fetcher:
    """One whose S3 and Google are that server."""
    endpoints = Endpoints(
        lookup=f"{server.url}/lookup/{{region}}/{{bucket}}",
        path_lookup=f"{server.url}/lookup/{{region}}/{{bucket}}",
        bucket=f"{server.url}/{{region}}/{{bucket}}",
        path_bucket=f"{server.url}/path/{{region}}/{{bucket}}",
        access_point=f"{server.url}/point/{{region}}/{{account}}/{{name}}",
        storage=server.url,
    )
    return Fetcher(Settings(total_s=5), credentials=credentials, endpoints=endpoints)


def paths(server: Server) -> list[str]:
    return [f"{seen.method} {seen.path}" for seen in server.seen]


# ---- S3 ---------------------------------------------------------------------------------------------------------


def test_an_object_comes_from_the_region_of_its_bucket() -> None:
    with serving({"/lookup/us-east-1/bucket": IN_REGION, "/eu-west-1/bucket/a/key": answer(200, b"abc")}) as server:
        assert fetcher(server).read(resource("s3://bucket/a/key")) == b"abc"
        assert paths(server) == ["HEAD /lookup/us-east-1/bucket", "GET /eu-west-1/bucket/a/key"]
        assert "authorization" not in server.seen[1].headers


def test_the_region_of_a_bucket_is_asked_for_once() -> None:
    with serving({"/lookup/us-east-1/bucket": IN_REGION, "*": answer(200, b"abc")}) as server:
        one = fetcher(server)
        for key in "ab":
            one.read(resource(f"s3://bucket/{key}"))
        assert len(server.seen) == 3


def test_the_machines_own_region_is_asked_first() -> None:
    with serving({"/lookup/ap-south-1/bucket": answer(200), "*": answer(200, b"abc")}) as server:
        fetcher(server, Credentials(aws_region="ap-south-1")).read(resource("s3://bucket/key"))
        assert paths(server)[1] == "GET /ap-south-1/bucket/key"


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_the_partition_of_an_arn_says_where_to_ask(partition: str, region: str) -> None:
    with serving({f"/lookup/{region}/bucket": IN_REGION, "*": answer(200, b"abc")}) as server:
        assert fetcher(server).read(resource(f"arn:{partition}:s3:::bucket/a/key")) == b"abc"
        assert paths(server) == [f"HEAD /lookup/{region}/bucket", "GET /eu-west-1/bucket/a/key"]


def test_an_access_point_needs_no_question() -> None:
    with serving({"*": answer(200, b"abc")}) as server:
        arn = "arn:aws:s3:us-west-1:123456789012:accesspoint/test-point/object/some/path"
        assert fetcher(server).read(resource(f"{arn}?versionId=v1")) == b"abc"
        assert paths(server) == ["GET /point/us-west-1/123456789012/test-point/some/path?versionId=v1"]


def test_keys_and_versions_are_escaped_as_s3_wants_it() -> None:
    with serving({"/lookup/us-east-1/bucket": IN_REGION, "*": answer(200, b"abc")}) as server:
        fetcher(server).read(resource("s3://bucket//a%20b+c=ä(1)?versionId=x%2By&z=1"))
        assert paths(server)[1] == "GET /eu-west-1/bucket/a%20b%2Bc%3D%C3%A4%281%29?versionId=x%2By"


def test_a_bucket_with_dots_is_no_host_name() -> None:
    with serving({"/lookup/us-east-1/my.bucket": IN_REGION, "*": answer(200, b"abc")}) as server:
        fetcher(server).read(resource("s3://my.bucket/key"))
        assert paths(server)[1] == "GET /path/eu-west-1/my.bucket/key"


def test_a_bucket_that_is_not_there_is_not_found() -> None:
    with serving({}) as server, pytest.raises(NotFound, match="no bucket bucket in S3"):
        fetcher(server).read(resource("s3://bucket/key"))


def test_an_object_that_is_not_there_is_not_found() -> None:
    with serving({"/lookup/us-east-1/bucket": IN_REGION}) as server, pytest.raises(NotFound):
        fetcher(server).read(resource("s3://bucket/key"))


def test_a_bucket_whose_region_nobody_tells_is_an_error() -> None:
    with (
        serving({"*": answer(403)}) as server,
        pytest.raises(ProvisionError, match="region of the bucket bucket is unknown"),
    ):
        fetcher(server).read(resource("s3://bucket/key"))


def test_a_region_that_would_lead_elsewhere_is_refused() -> None:
    with (
        serving({"*": answer(200, X_Amz_Bucket_Region="evil.test/")}) as server,
        pytest.raises(ProvisionError, match="region"),
    ):
        fetcher(server).read(resource("s3://bucket/key"))


@pytest.mark.parametrize("source", ["s3://bucket/key", "arn:aws:s3:::bucket/key"])
def test_compression_is_refused(source: str) -> None:
    with serving({}) as server, pytest.raises(ProvisionError, match="content of S3 cannot be compressed"):
        fetcher(server).read(resource(source, "gzip"))


@pytest.mark.parametrize(
    "source",
    ["s3://bucket", "s3://bucket/", "s3:///key", "s3://evil.test:80/key", "s3://a%2fb/key", "arn:aws:s3:::bucket",
     "arn:aws:iam::1:user/x", "arn:aws:s3", "arn:aws:s3:us-west-1:1:accesspoint/x/key", "s3://bucket/%zz",
     "arn:aws:s3:us.evil/:1:accesspoint/x/object/key"],
)  # fmt: skip
def test_what_names_no_object_is_refused(source: str) -> None:
    with pytest.raises(ProvisionError):
        Fetcher().read(resource(source))


def test_with_keys_requests_are_signed_and_the_question_for_the_region_is_not() -> None:
    keys = KEYS._replace(token="t0ken")
    with serving({"/lookup/us-east-1/bucket": IN_REGION, "*": answer(200, b"abc")}) as server:
        fetcher(server, Credentials(lambda: keys)).read(resource("s3://bucket/key"))
        question, request = server.seen
    assert "authorization" not in question.headers
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/")
    assert "/eu-west-1/s3/aws4_request," in request.headers["authorization"]
    assert request.headers["x-amz-security-token"] == "t0ken"


def test_each_attempt_is_signed_anew() -> None:
    asked: list[int] = []

    def keys() -> AwsKeys:
        asked.append(1)
        return KEYS

    busy = by_turns(answer(503), answer(200, b"abc"))
    with serving({"/lookup/us-east-1/bucket": IN_REGION, "*": busy}) as server:
        fetcher(server, Credentials(keys)).read(resource("s3://bucket/key"))
    assert len(asked) == 2


def test_no_key_is_shown() -> None:
    assert "wJalr" not in repr(KEYS)
    with serving({"/lookup/us-east-1/bucket": IN_REGION, "*": answer(403)}) as server:
        with pytest.raises(Refused) as caught:
            fetcher(server, Credentials(lambda: KEYS)).read(resource("s3://bucket/key"))
        assert "AKIA" not in str(caught.value)


# Source: AWS, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk", examples.
@pytest.mark.parametrize(
    ("url", "more", "names", "signature"),
    [
        ("https://examplebucket.s3.amazonaws.com/test.txt", {"range": "bytes=0-9"},
         "host;range;x-amz-content-sha256;x-amz-date",
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("https://examplebucket.s3.amazonaws.com/?lifecycle", {}, "host;x-amz-content-sha256;x-amz-date",
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("https://examplebucket.s3.amazonaws.com/?prefix=J&max-keys=2", {}, "host;x-amz-content-sha256;x-amz-date",
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
    ids=["object", "lifecycle", "list"],
)  # fmt: skip
def test_signatures_are_those_of_the_specification(url: str, more: dict[str, str], names: str, signature: str) -> None:
    headers = signed("GET", split(url), KEYS, "us-east-1", 1369353600, more)
    assert headers["x-amz-date"] == "20130524T000000Z"
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={signature}"
    )


@pytest.mark.parametrize(
    ("source", "region", "url"),
    [
        ("s3://bucket/key", "eu-west-1", "https://bucket.s3.dualstack.eu-west-1.amazonaws.com/key"),
        ("s3://my.bucket/key", "eu-west-1", "https://s3.dualstack.eu-west-1.amazonaws.com/my.bucket/key"),
        ("s3://bucket/key", "cn-north-1", "https://bucket.s3.dualstack.cn-north-1.amazonaws.com.cn/key"),
        ("arn:aws:s3:us-west-1:1:accesspoint/p/object/key", "us-west-1",
         "https://p-1.s3-accesspoint.dualstack.us-west-1.amazonaws.com/key"),
    ],
)  # fmt: skip
def test_the_hosts_of_s3_are_those_of_its_documentation(source: str, region: str, url: str) -> None:
    assert s3.object_request(s3.parse(source), Endpoints(), region, None, 0).url == url


# ---- Google Cloud Storage ---------------------------------------------------------------------------------------


def test_an_object_of_google_is_asked_for_by_its_json_interface() -> None:
    with serving({"*": answer(200, b"abc")}) as server:
        assert fetcher(server).read(resource("gs://bucket/a/b c;d")) == b"abc"
        assert paths(server) == ["GET /storage/v1/b/bucket/o/a%2Fb%20c%3Bd?alt=media"]
        assert "authorization" not in server.seen[0].headers


def test_a_token_of_google_is_sent_where_there_is_one() -> None:
    with serving({"*": by_turns(answer(500), answer(200, b"abc"))}) as server:
        tokens = iter(("one", "two"))
        fetcher(server, Credentials(gcs_token=lambda: next(tokens))).read(resource("gs://bucket/a"))
        assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer one", "Bearer two"]


def test_a_missing_object_of_google_is_not_found() -> None:
    with serving({}) as server, pytest.raises(NotFound):
        fetcher(server).read(resource("gs://bucket/a"))


@pytest.mark.parametrize("source", ["gs://bucket", "gs://bucket/", "gs:///object"])
def test_what_names_no_object_of_google_is_refused(source: str) -> None:
    with pytest.raises(ProvisionError, match="names no object"):
        Fetcher().read(resource(source))


def test_the_usual_host_is_googles() -> None:
    from provision.apply.fetch import gs

    url = gs.object_request("gs://bucket/a/b", Endpoints(), "").url
    assert url == "https://storage.googleapis.com/storage/v1/b/bucket/o/a%2Fb?alt=media"
