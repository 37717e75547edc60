"""Run moto's server in its own process, with what moto lacks: keys, a clock, R2's differences, Logs Insights."""

from __future__ import annotations

import calendar
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any

CONTROL = "/lab-behaviour"
KEPT = 50_000
SKEW_S = 900  # S3's limit: fifteen minutes
BEHIND = "lab-behind"

Start = Callable[..., Any]


class Guarded:
    """WSGI: applies the lab's behaviour to requests signed for S3 before moto receives them."""

    def __init__(self, moto: Callable[[dict[str, Any], Start], Iterable[bytes]]) -> None:
        self._moto = moto
        self._behaviour: dict[str, Any] = {}
        self._requests: deque[dict[str, str]] = deque(maxlen=KEPT)

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == CONTROL:
            return self._control(environ, start)
        scope = _scope(environ.get("HTTP_AUTHORIZATION", ""))
        if scope.get("key") != BEHIND:
            action = environ.get("HTTP_X_AMZ_TARGET") or environ["PATH_INFO"]
            self._requests.append({"server": "moto", "what": f"{environ['REQUEST_METHOD']} {action}"})
        if scope.get("service") == "s3" and scope["key"] != BEHIND:
            refusal = self._refusal(environ, scope["key"])
            if refusal:
                return _error(environ, start, *refusal)
        return self._moto(environ, start)

    def seconds(self) -> float:
        """Return the time of the simulated clock."""
        return time.time() + float(self._behaviour.get("clock_offset_s", 0.0))

    def _control(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST":
            self._behaviour = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        if environ["REQUEST_METHOD"] == "DELETE":
            self._requests.clear()
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"behaviour": self._behaviour, "requests": list(self._requests)}).encode()]

    def _refusal(self, environ: dict[str, Any], key: str) -> tuple[str, str, str] | None:
        """Return status, code and message, as R2 does."""
        behaviour = self._behaviour
        if behaviour.get("keys") and key not in behaviour["keys"]:
            return "401 Unauthorized", "Unauthorized", "Unauthorized"
        if abs(_signed_at(environ) - self.seconds()) > SKEW_S:
            message = "The difference between the request time and the server's time is too large."
            return "403 Forbidden", "RequestTimeTooSkewed", message
        if behaviour.get("keys") and not _is_signed(environ, key, behaviour["keys"][key]):
            message = "The request signature we calculated does not match the signature you provided."
            return "403 Forbidden", "SignatureDoesNotMatch", message
        if key in behaviour.get("refused", ()):
            return "403 Forbidden", "AccessDenied", "Access Denied"
        named = next(
            (name for name in environ if name.startswith(("HTTP_X_AMZ_CHECKSUM", "HTTP_X_AMZ_SDK_CHECK"))), None
        )
        if named and behaviour.get("refuses_checksums"):
            header = named.removeprefix("HTTP_").replace("_", "-").lower()
            message = f"Header '{header}' with value '{environ[named]}' not implemented"
            return "501 Not Implemented", "NotImplemented", message
        return None


def _scope(authorization: str) -> dict[str, str]:
    """Parse key and service from `AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/SERVICE/aws4_request, ...`."""
    credential = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return {"key": credential[0], "service": credential[3]} if len(credential) == 5 else {}


def _signed_at(environ: dict[str, Any]) -> float:
    return calendar.timegm(time.strptime(environ["HTTP_X_AMZ_DATE"], "%Y%m%dT%H%M%SZ"))


def _is_signed(environ: dict[str, Any], key: str, secret: str) -> bool:
    """Verify with botocore, which also signed the request: this tests the key, not the scheme."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    authorization = environ["HTTP_AUTHORIZATION"]
    region = authorization.partition("Credential=")[2].split("/")[2]
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: environ.get("HTTP_" + name.upper().replace("-", "_"), "") for name in names}
    url = f"http://{environ['HTTP_HOST']}{environ['RAW_URI'].split('?')[0]}"
    query = environ.get("QUERY_STRING", "")
    request = AWSRequest(environ["REQUEST_METHOD"], url + (f"?{query}" if query else ""), headers)
    request.context.update(timestamp=environ["HTTP_X_AMZ_DATE"], payload_signing_enabled=False)
    auth = S3SigV4Auth(Credentials(key, secret), "s3", region)
    canonical = auth.canonical_request(request)
    return str(auth.signature(auth.string_to_sign(request, canonical), request)) in authorization


def _error(environ: dict[str, Any], start: Start, status: str, code: str, message: str) -> Iterable[bytes]:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body.encode()]


def _insights(log_groups: list[Any], query: str, start_time: int, end_time: int) -> list[dict[str, Any]]:
    from moto.core.exceptions import JsonRESTError

    from runbook_checks_lab.servers.insights import execute_query
    from runbook_checks_lab.servers.insights_filter import MalformedQuery

    try:
        return execute_query(log_groups, query, start_time, end_time)
    except MalformedQuery as error:
        raise JsonRESTError("MalformedQueryException", str(error)) from None


def serve(port: int) -> None:
    import moto.logs.models
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, run_simple

    moto.logs.models.__dict__["execute_query"] = _insights

    application = Guarded(DomainDispatcherApplication(create_backend_app))

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: Any) -> None:
            """Log nothing: callers' requests do not belong in the lab's output."""

        def date_time_string(self, _: float | None = None) -> str:
            return formatdate(application.seconds(), usegmt=True)

    run_simple("127.0.0.1", port, application, threaded=True, request_handler=Quiet)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
