"""Read a front end: its page and files, its CORS rules, its proxy, its uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.core.deadline import Deadline
    from runbook_checks.probes.http.client import Http
    from runbook_checks.probes.http.cors import Grant
    from runbook_checks.probes.http.response import Answer
    from runbook_checks.probes.web.assets import PageLook
    from runbook_checks.probes.web.browser import Visit

DEFAULT_PORTS = {"http": ":80", "https": ":443"}
UPLOAD_PAUSE_S = 10  # beyond the time that an upload may take
PAINT_FACTOR = 2  # how many times its limit a first paint is waited for


class FrontEnd(Handle):
    """The front end, as a browser sees it."""

    needs = ("web", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Web

    def look(self) -> PageLook:
        """The front page and everything it refers to, shared by all checks."""
        return self.bound.shared.get("page look", self._look)

    def _look(self) -> PageLook:
        from runbook_checks.probes.web.assets import Limits, look

        rule = self.settings.assets
        limits = Limits(rule.most, rule.most_bytes, rule.within_s)
        others = {origin.rstrip("/").lower(): self._files_at(origin) for origin in rule.other_origins}
        return look(self._files(), self.settings.page, others, limits)

    def _files(self) -> Http:
        """A client of the service for files, which are larger than documents."""
        largest = self.settings.assets.most_bytes // 4
        return self.bound.opened("files", lambda: self.bound.service_at(self.bound.url, max_body=largest))

    def _files_at(self, origin: str) -> Http:
        largest = self.settings.assets.most_bytes // 4
        return self.bound.opened(f"files {origin}", lambda: self.bound.http_at(origin, max_body=largest))

    # ------------------------------------------------------------------ other origins
    @property
    def cors(self) -> capabilities.Cors:
        rule = self.settings.cors
        if rule is None:
            raise NoReading("web", "web.cors, an address that the front end calls, is not configured", kind="no-source")
        return rule

    @property
    def origin(self) -> str:
        """The front end's own origin."""
        assert self.chosen.settings.http is not None
        return _origin(self.bound.address(self.cors.origin or self.chosen.settings.http.base_url, "web"))

    def preflight(self, origin: str, method: str) -> tuple[Answer, Grant]:
        """A preflight for a request by a page of that origin, and what its response allows."""
        from runbook_checks.probes.http.cors import ask, grant

        def send() -> Answer:
            headers = ask(method, self.cors.headers, origin)
            return self.bound.http.send("OPTIONS", self.cors.path, headers=headers)

        answer = self.bound.shared.get(("preflight", origin, method), send)
        return answer, grant(answer)

    def called_from(self, origin: str) -> tuple[Answer, Grant]:
        """A plain request by a page of that origin, and what its response allows."""
        from runbook_checks.probes.http.cors import grant

        answer = self.bound.http.send("GET", self.cors.path, headers={"Origin": origin})
        return answer, grant(answer)

    def foreign_origins(self) -> dict[str, str]:
        """Origins that are not the front end's, by description.

        A pattern with an unescaped dot allows a host with another letter in its place, which anyone can register. The
        last dot is left out: no registry has such a top-level domain.
        """
        parts = urlsplit(self.origin)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
        without_tls = {"the front end's without TLS": f"http://{host}{port}"} if parts.scheme == "https" else {}
        dots = [place for place, letter in enumerate(host) if letter == "."][:-1]
        undotted = {
            f"{other}, with a letter in place of a dot": f"{parts.scheme}://{other}{port}"
            for other in (f"{host[:place]}x{host[place + 1 :]}" for place in dots)
        }
        return {
            "an unrelated origin": "https://runbook-checks.invalid",
            "one that ends like the front end's": f"{parts.scheme}://evil-{host}{port}",
            "one that begins like the front end's": f"{parts.scheme}://{host}.runbook-checks.invalid",
            **undotted,
            **without_tls,
            "null, the origin of sandboxed pages": "null",
        }

    # ------------------------------------------------------------------ in a browser
    def visit(self, timeout_s: float) -> Visit:
        """The front page in a real browser, with the resolver and the CA file of the checks."""
        from runbook_checks.probes.core.deadline import within
        from runbook_checks.probes.http.target import user_agent
        from runbook_checks.probes.net.resolve import resolve
        from runbook_checks.probes.web.browser import visit
        from runbook_checks.probes.web.chromium import Request

        settings = self.chosen.settings
        if settings.proxy is not None or settings.client_certificate is not None:
            what = "the browser does not support the configured proxy or client certificate"
            raise NoReading("browser", what, kind="not-supported")
        url = self.bound.http.url(self.settings.page)
        host = urlsplit(url).hostname or ""
        resolver = self.bound.resolver
        address = resolve(host, resolver=resolver, deadline=within(timeout_s), resource="http")[0] if resolver else None
        headers = self.bound.headers
        self._guard(url, address, headers, within(timeout_s))
        request = Request(
            url,
            timeout_s,
            address,
            self._pins(url),
            user_agent(self.run.id),
            headers,
            self.bound.far_ends,
            resolver,
            self.settings.browser_sandbox,
            self.settings.first_paint_ms * PAINT_FACTOR / 1000,
        )
        return visit(request)

    def _guard(self, url: str, address: str | None, headers: dict[str, str], deadline: Deadline) -> None:
        """NoReading if the browser would send credentials without TLS to another machine."""
        from runbook_checks.inputs.address import WAYS_ON, may_hear
        from runbook_checks.probes.http.target import has_login
        from runbook_checks.probes.net.resolve import resolve

        if url.startswith("https:") or not has_login(headers):
            return
        host = urlsplit(url).hostname or ""
        peers = [address] if address else resolve(host, deadline=deadline, resource="browser")
        if not all(may_hear(peer, host, self.bound.clear_text) for peer in peers):
            what = f"{host} is another machine, and the headers would be sent in clear text: "
            raise NoReading("browser", what + WAYS_ON.format(tls="https://"), kind="clear-text-refused")

    def _pins(self, url: str) -> tuple[str, ...]:
        """The key of the server's certificate, if ca_file verifies it: Chromium takes no file of authorities."""
        from runbook_checks.probes.tls.server import look

        parts = urlsplit(url)
        if self.bound.ca_file is None or parts.scheme != "https":
            return ()
        host, port = parts.hostname or "", parts.port or 443
        bound = self.bound
        handshake = look(host, port, ca_file=bound.ca_file, resolver=bound.resolver, far_ends=bound.far_ends)
        return (handshake.leaf.key_sha256,) if handshake.trusted and handshake.name_matches else ()

    # ------------------------------------------------------------------ the proxy
    def direct_health(self, path: str) -> Answer | None:
        """The back end's response without the proxy; None if http.direct_url is not configured."""
        direct = self.bound.direct
        return None if direct is None else direct.get(path)

    def plain(self) -> Answer | None:
        """The response over plain HTTP, redirects not followed; None if web.plain_url is not configured."""
        url = self.bound.value(self.settings.plain_url, "web")
        if url is None:
            return None
        return self.bound.opened("plain", lambda: self.bound.http_at(url)).send("GET", self.settings.page)

    # ------------------------------------------------------------------ uploads
    @property
    def upload(self) -> capabilities.Upload:
        rule = self.settings.upload
        if rule is None:
            raise NoReading("web", "web.upload is not configured", kind="no-source")
        return rule

    def send_file(self, size: int, token: str | None) -> Answer:
        """Upload a file of zeros of this size in bytes, marked as synthetic by its name."""
        from requests import Request

        rule = self.upload
        file = (f"runbook-checks-{self.run.id}.bin", bytes(size), "application/octet-stream")
        form = Request("POST", "http://localhost", files={rule.file_field: file}).prepare()
        assert isinstance(form.body, bytes)
        headers = {"Content-Type": form.headers["Content-Type"]} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        with self.leaving(self._uploaded(size)):
            answer = self._uploads().send("POST", rule.path, headers=headers, body=form.body)
        if 400 <= answer.status < 500:
            self.take_back(self._uploaded(size))
        return answer

    def _uploaded(self, size: int) -> str:
        return f"upload runbook-checks-{self.run.id}.bin of {size} bytes at {self.upload.path}"

    def _uploads(self) -> Http:
        patience_s = self.upload.within_s + UPLOAD_PAUSE_S
        return self.bound.opened("uploads", lambda: self.bound.service_at(self.bound.url, timeout_s=patience_s))

    def clean_up(self, uploaded: Any, token: str | None, size: int) -> None:
        """Remove an upload if web.upload.clean_up is configured; the report lists what stays."""
        from urllib.parse import quote

        rule = self.upload
        name = uploaded.get(rule.id_field) if isinstance(uploaded, dict) else None
        if rule.clean_up is None or name is None:
            return
        path = rule.clean_up.replace("{id}", quote(str(name), safe=""))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.bound.http.send("DELETE", path, headers=headers)
        if 200 <= answer.status < 300 or answer.status == 404:
            self.take_back(self._uploaded(size))


def _origin(url: str) -> str:
    """An origin as a browser writes it (RFC 6454, 6.2): in lower case, without the default port."""
    parts = urlsplit(url.lower())
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host.removesuffix(DEFAULT_PORTS.get(parts.scheme, ' '))}"
