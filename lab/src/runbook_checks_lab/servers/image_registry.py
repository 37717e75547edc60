"""A stand-in for an image registry: the reading half of the OCI distribution API (v2)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from runbook_checks_lab.servers.asgi import HttpServer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class RegistryBehaviour:
    tags: dict[str, list[str]] = field(default_factory=dict)  # by repository
    is_a_page: bool = False  # something else responds at its address
    knows_us: bool = True


class ImageRegistry:
    """A registry with basic authentication; each tag has its own manifest."""

    def __init__(self, user: str, password: str, tags: dict[str, list[str]]) -> None:
        self.behaviour = RegistryBehaviour(tags)
        self._http = HttpServer()
        self._login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.port}"

    async def start(self) -> None:
        await self._http.start(self)

    async def stop(self) -> None:
        await self._http.stop()

    async def settle(self) -> None:
        """Responses are made from the behaviour when requested, so there is nothing to do."""

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        status, kind, body = self._answer(scope["path"], headers)
        more = [(b"docker-content-digest", f"sha256:{hashlib.sha256(body).hexdigest()}".encode())]
        more += [(b"www-authenticate", b'Basic realm="registry"')] if status == 401 else []
        start = {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode()), *more]}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
        if self.behaviour.is_a_page:
            return 404, "text/html", b"<html><body>There is nothing here.</body></html>"
        if headers.get("authorization") != self._login or not self.behaviour.knows_us:
            return 401, "application/json", _errors("UNAUTHORIZED", "authentication required")
        repository, _, tag = path.removeprefix("/v2/").partition("/manifests/")
        if repository not in self.behaviour.tags:
            return 404, "application/json", _errors("NAME_UNKNOWN", "repository name not known to registry")
        if tag not in self.behaviour.tags[repository]:
            return 404, "application/json", _errors("MANIFEST_UNKNOWN", "manifest unknown")
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": _digest(tag)}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
        return 200, MANIFEST, json.dumps(manifest).encode()


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _errors(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()
