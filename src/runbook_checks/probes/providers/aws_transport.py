"""Send boto3's requests through our own HTTP: bounded in bytes and time, with our resolver and trusted CAs.

botocore's own transport has a timeout for each read and no limit of bytes: a far end that drips or never ends would
outlive every check. botocore builds and signs a request and parses the response; in between, a listener to
`before-send` may give the response (botocore.endpoint).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import urlsplit

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http

OURS = ("user-agent", "content-length", "host", "connection")  # set by our own HTTP


class Wire:
    """Send what botocore has signed; `how` as probes.http.client.Http."""

    def __init__(self, resource: str, **how: Any) -> None:
        self._resource, self._how = resource, how

    def __call__(self, request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        parts = urlsplit(request.url)
        http = Http(f"{parts.scheme}://{parts.netloc}", resource=self._resource, **self._how)
        headers = {name: _text(value) for name, value in request.headers.items() if name.lower() not in OURS}
        body = request.body or b""
        try:
            answer = http.send(
                request.method,
                request.url,
                headers=headers,
                body=body.encode() if isinstance(body, str) else body,
                even_limited=True,
            )
        except NoReading as gone:
            _raise_as_botocore(gone, request.url)
        finally:
            http.close()
        return AWSResponse(request.url, answer.status, answer.headers, _Whole(answer.body))


class _Whole:
    """A body in memory, with the interface that botocore reads."""

    def __init__(self, body: bytes) -> None:
        self._left = body

    def stream(self) -> Iterator[bytes]:
        yield self.read()

    def read(self, size: int | None = None) -> bytes:
        end = len(self._left) if size is None or size < 0 else size
        taken, self._left = self._left[:end], self._left[end:]
        return taken

    def close(self) -> None:
        """Nothing is open."""


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _raise_as_botocore(gone: NoReading, url: str) -> NoReturn:
    """Raise the exceptions of botocore, which it may retry after; others unchanged."""
    from botocore import exceptions as boto

    known: dict[str | None, Exception] = {
        "name-not-resolved": boto.EndpointConnectionError(endpoint_url=url),
        "connection-refused": boto.EndpointConnectionError(endpoint_url=url),
        "connect-timeout": boto.ConnectTimeoutError(endpoint_url=url),
        "read-timeout": boto.ReadTimeoutError(endpoint_url=url),
        "connection-reset": boto.ConnectionClosedError(endpoint_url=url),
        "tls-failed": boto.SSLError(endpoint_url=url, error="TLS failed"),
        "proxy-failed": boto.ProxyConnectionError(proxy_url="the proxy"),
    }
    raise known.get(gone.kind, gone) from None
