"""Rules of what is fetched: sources, hashes, headers, compression, and the proxies in between."""

from collections.abc import Iterator

from provision.ignition import ConfigReferences, FileContents, HttpHeader, Proxy, Resource, Tls, Verification
from provision.record import Spec
from provision.schema.rules import Finding, rule
from provision.schema.rules.urls import parse, source_fault

# Hex digits of each function's sum, and its first spec.
HASHES: dict[str, tuple[int, Spec]] = {"sha512": (128, (3, 0)), "sha256": (64, (3, 1))}
LOWER_HEX = "0123456789abcdef"
WEB = ("http", "https")
NO_SOURCE = "give it a source, or take the entry away"


@rule("PV801", "error", on=Resource)
def source_can_be_fetched(resource: Resource, at: Spec) -> Iterator[Finding]:
    """A source is a URL that Ignition can fetch from: http, https, tftp, s3, gs, arn or data.

    gs: is known from Ignition 3.2.0 on and arn: from 3.4.0. A data: URL must be decodable, an s3: or arn: URL with a
    versionId must give one, and an ARN must name an object of S3. An empty source is an empty content, not an error.
    Source: Ignition 3.0.0, `source`; RFC 3986; RFC 2397.

    Bad:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: ftp://example.com/motd

    Good:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: tftp://example.com/motd
    """
    source = resource.source
    fault = source_fault(source, at) if source else None
    if fault:
        yield Finding("source", fault, hint_for(fault))


def hint_for(fault: str) -> str | None:
    """The remedy that goes with a source that can't be fetched."""
    return (
        "give a whole URL, for example https://HOST/PATH, or data:,hello%20world for text"
        if "scheme" in fault
        else None
    )


@rule("PV802", "error", on=ConfigReferences, since="3.1")
def merged_config_has_a_source(references: ConfigReferences) -> Iterator[Finding]:
    """A config that is merged, or a certificate authority that is trusted, has a source.

    Source: Ignition 3.1.0, `ignition.config.merge[]` (before, a source could be missing there); 3.0.0,
    `ignition.security.tls.certificateAuthorities[]`.

    Bad:
      ignition:
        config:
          merge:
            - source: ""

    Good:
      ignition:
        config:
          merge:
            - source: https://example.com/base.ign
    """
    for resource in references.merge:
        if not resource.source and not resource.broken:
            yield Finding(None, "the config to merge has no source", NO_SOURCE, on=resource)


@rule("PV802", "error", on=Tls)
def authority_has_a_source(tls: Tls, at: Spec) -> Iterator[Finding]:
    """The same of a certificate authority, in every spec."""
    for resource in tls.certificate_authorities:
        if not resource.source and not resource.broken:
            field = "source" if at < (3, 1) else None  # in spec 3.0 it was a plain, required string
            yield Finding(field, "the certificate authority has no source", NO_SOURCE, on=resource)


@rule("PV803", "error", on=Resource)
def compression_is_known(resource: Resource) -> Iterator[Finding]:
    """A resource's compression is gzip or none.

    Source: Ignition 3.0.0, `storage.files[].contents.compression`.

    Bad:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd.xz
              compression: xz

    Good:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd.gz
              compression: gzip
    """
    if resource.compression and resource.compression != "gzip":
        message = f"compression `{resource.compression}` is not known"
        yield Finding("compression", message, "write gzip, or leave it out")


@rule("PV804", "error", on=Resource)
def hash_has_a_source(resource: Resource, at: Spec) -> Iterator[Finding]:
    """A resource with a hash has a source.

    Without one there is nothing to verify. Source: Ignition 3.0.0, `storage.files[].contents.verification`.

    Bad:
      storage:
        files:
          - path: /etc/motd
            contents:
              verification:
                hash: sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

    Good:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd
              verification:
                hash: sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    """
    if resource.source is not None or resource.verification.hash is None:
        return
    # Spec 3.0 looked at files only.
    if at >= (3, 1) or isinstance(resource, FileContents):
        yield Finding("hash", "there is a hash, but no source", "add the source", on=resource.verification)


@rule("PV805", "error", on=Verification)
def hash_has_its_form(verification: Verification, at: Spec) -> Iterator[Finding]:
    """A hash is `sha512-` with 128 hex digits, or from Ignition 3.1.0 on `sha256-` with 64.

    Source: Ignition 3.0.0, `verification.hash`.

    Bad:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd
              verification:
                hash: md5-d41d8cd98f00b204e9800998ecf8427e

    Good:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd
              verification:
                hash: sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    """
    if verification.hash is None:
        return
    function, dash, digits = verification.hash.partition("-")
    length, since = HASHES.get(function, (0, at))
    if not dash:
        yield Finding("hash", "the hash does not name its function", "write sha512-DIGITS or sha256-DIGITS")
    elif not length:
        yield Finding("hash", f"`{function}` is no hash function that Ignition knows", "write sha512 or sha256")
    elif since > at:
        yield Finding("hash", f"{function} needs Ignition 3.1.0, this config is for 3.0.0", "write sha512-DIGITS")
    elif len(digits.encode("utf-8", "replace")) != length:
        yield Finding("hash", f"a {function} sum has {length} hex digits, this one has {len(digits)}", None)


@rule("PV810", "warning", on=Verification)
def hash_has_lower_case_digits(verification: Verification) -> Iterator[Finding]:
    """A hash is written in lower-case hex digits.

    Ignition compares it as text with the sum that it computed, so that one in capitals never matches.
    Source: Ignition 2.26, verification of resources.

    Bad:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd
              verification:
                hash: sha256-E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855

    Good:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd
              verification:
                hash: sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    """
    if verification.hash is None:
        return
    function, _, digits = verification.hash.partition("-")
    if function in HASHES and len(digits) == HASHES[function][0] and digits.strip(LOWER_HEX):
        strange = digits.lower().strip(LOWER_HEX)
        fault = "has characters that are no hex digits" if strange else "has capital letters"
        yield Finding("hash", f"the {function} sum {fault}, so it never matches", "write it as sha512sum prints it")


@rule("PV806", "error", on=Resource, since="3.1")
def headers_go_over_http(resource: Resource) -> Iterator[Finding]:
    """Only a resource with an http or https source has headers.

    Source: Ignition 3.1.0, `storage.files[].contents.httpHeaders`.

    Bad:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: tftp://example.com/motd
              http_headers:
                - name: Accept
                  value: text/plain

    Good:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd
              http_headers:
                - name: Accept
                  value: text/plain
    """
    if not resource.http_headers:
        return
    if not resource.source:
        yield Finding("http_headers", "there are headers, but no source to fetch with them", "add the source")
        return
    try:
        scheme = parse(resource.source).scheme
    except ValueError:
        return  # PV801 says why
    if scheme not in WEB:
        message = f"headers are sent over http and https only, not {scheme or 'without a scheme'}"
        yield Finding("http_headers", message, "leave them out")


@rule("PV807", "error", on=HttpHeader, since="3.1")
def header_has_name_and_value(header: HttpHeader) -> Iterator[Finding]:
    """A header has a name, and a value that is not empty.

    A value of null is something else: it takes away the header that a merged config set.
    Source: Ignition 3.1.0, `storage.files[].contents.httpHeaders[]`.

    Bad:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd
              http_headers:
                - name: Accept
                  value: ""

    Good:
      storage:
        files:
          - path: /etc/motd
            contents:
              source: https://example.com/motd
              http_headers:
                - name: Accept
    """
    if not header.name:
        yield Finding("name", "the header has no name", None)
    if header.value == "":
        yield Finding("value", "the header's value is empty", "leave the value out to take an inherited header away")


@rule("PV808", "error", on=Proxy)
def proxy_speaks_http(proxy: Proxy) -> Iterator[Finding]:
    """A proxy has an http or https URL.

    Source: Ignition 3.1.0, `ignition.proxy`.

    Bad:
      ignition:
        proxy:
          http_proxy: proxy.example.com:3128

    Good:
      ignition:
        proxy:
          http_proxy: http://proxy.example.com:3128
    """
    for name in ("http_proxy", "https_proxy"):
        url = getattr(proxy, name)
        if url is None:
            continue
        try:
            scheme = parse(url).scheme
        except ValueError as reason:
            yield Finding(name, str(reason), "write http://HOST:PORT or https://HOST:PORT")
            continue
        if scheme not in WEB:
            fault = f"{scheme}: is no protocol of proxies" if scheme else "the proxy's URL has no scheme"
            yield Finding(name, fault, "write http://HOST:PORT or https://HOST:PORT")


@rule("PV809", "warning", on=Proxy)
def https_goes_through_an_https_proxy(proxy: Proxy) -> Iterator[Finding]:
    """The proxy for https URLs is itself asked over https.

    Over plain http everyone on the way sees which hosts are asked, and the proxy's password.
    Source: Ignition 3.1.0, `ignition.proxy.httpsProxy`.

    Bad:
      ignition:
        proxy:
          https_proxy: http://proxy.example.com:3128

    Good:
      ignition:
        proxy:
          https_proxy: https://proxy.example.com:3128
    """
    if proxy.https_proxy is None:
        return
    try:
        scheme = parse(proxy.https_proxy).scheme
    except ValueError:
        return  # PV808 says why
    if scheme == "http":
        yield Finding("https_proxy", "the proxy for https is asked over plain http", "write https://HOST:PORT")
