"""The codes of forms of user-data and of archives."""

from provision.diagnostics import declare

declare(
    "PV740", "error", "form of user-data",
    """User-data is cloud-config, a script, or an archive of such.

    A Jinja template needs values that only the machine knows; render it first. A list of URLs, a part handler and a JSON
    patch are programs for cloud-init. Source: cloud-init 25, user-data formats.

    Bad:
        #cloud-config-archive
        - |
          #cloud-config
          timezone: UTC
        - |
          #include
          https://example.com/user-data

    Good:
        #cloud-config
        hostname: web-1
        timezone: UTC
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV741", "error", "damaged archive",
    """An archive of user-data can be taken apart.

    A MIME archive names its boundary, ends with it, and its parts are in the encoding that they name. Source: RFC 2045
    and 2046; cloud-init 25, `user_data.py`.

    Bad:
        #cloud-config-archive
        - content: |
            #cloud-config
            timezone: UTC
        - type: text/x-shellscript
          filename: hello.sh

    Good:
        Content-Type: multipart/mixed; boundary="=="
        MIME-Version: 1.0

        --==
        Content-Type: text/cloud-config

        #cloud-config
        timezone: UTC
        --==--
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV742", "warning", "part of an unknown type",
    """Every part of an archive is of a type that cloud-init reads.

    Others are passed over. Source: cloud-init 25, `handlers/__init__.py`.

    Bad:
        Content-Type: multipart/mixed; boundary="=="
        MIME-Version: 1.0

        --==
        Content-Type: text/cloud-config

        #cloud-config
        timezone: UTC
        --==
        Content-Type: text/html

        <p>hello</p>
        --==--

    Good:
        Content-Type: multipart/mixed; boundary="=="
        MIME-Version: 1.0

        --==
        Content-Type: text/cloud-config

        #cloud-config
        timezone: UTC
        --==
        Content-Type: text/x-shellscript

        #!/bin/sh
        echo hello
        --==--
    """,
)  # fmt: skip
declare(
    "PV743", "warning", "key replaced by a later part",
    """A key stands in one part of an archive, or the parts say how they are merged.

    By default the value of a later part replaces that of an earlier as a whole, lists too. `merge_how` changes that.
    Source: cloud-init 25, merging user-data.

    Bad:
        #cloud-config-archive
        - |
          #cloud-config
          runcmd: [echo one]
        - |
          #cloud-config
          runcmd: [echo two]

    Good:
        #cloud-config-archive
        - |
          #cloud-config
          runcmd: [echo one]
        - |
          #cloud-config
          merge_how: list(append)+dict(recurse_list)
          runcmd: [echo two]
    """,
)  # fmt: skip
