"""The lab as an external client sees it, with plain clients and no code of the lab or the probes."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
import ssl
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.query
import dns.rcode
import psycopg
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

API = "/api/v1/customer-service"
STEPS = ("assign", "resolve", "close")
KNOCK_S = 0.4  # for ports that may not respond
PATIENCE_S = 5.0  # for responses that certainly come, even on a busy machine
ANSWER_S = 1.0  # for a response that may never come
SLOW_S = 0.35


@dataclass(frozen=True)
class Outside:
    """A client with the lab's variables."""

    variables: dict[str, str]

    def snapshot(self) -> dict[str, Any]:
        """Return everything that a fault can change, in a form that is equal for equal states."""
        parts = {
            "dns": self.names,
            "front": self.front,
            "chain": self.chain,
            "health": self.health,
            "version": self.versions,
            "clock": self.clock,
            "database": self.database,
            "schema": self.schema,
            "webhook": self.webhook,
            "contract": self.contract,
            "files": self.files,
            "log": self.log,
            "next": self.next_address,
        }
        with ThreadPoolExecutor(len(parts)) as threads:
            futures = {name: threads.submit(_seen, name, part) for name, part in parts.items()}
            seen = {name: future.result() for name, future in futures.items()}
        return seen | {"deliveries": _seen("deliveries", self.deliveries)}

    # names, addresses, certificates

    def resolve(self, name: str) -> tuple[str, list[str], bool]:
        host, port = self.variables["LAB_RESOLVER"].split(":")
        begun = time.monotonic()
        try:
            answer = dns.query.udp(dns.message.make_query(name, "A"), host, 0.9, int(port))
        except dns.exception.Timeout:
            return "silence", [], False
        found = [str(record) for rrset in answer.answer for record in rrset]
        return dns.rcode.to_text(answer.rcode()), found, time.monotonic() - begun > SLOW_S

    def names(self) -> Any:
        return [self.resolve("cs.lab.test"), self.resolve("db.lab.test")]

    def front(self) -> Any:
        """Return how far a request to the first address gets, without verification, and whether it is slow."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        begun, steps = time.monotonic(), ["connect"]
        address = (self.resolve("cs.lab.test")[1] or ["127.0.0.1"])[0]
        try:
            with _knock(self._port("LAB_CS_URL"), address) as plain:
                steps.append("handshake")
                with context.wrap_socket(plain, suppress_ragged_eofs=False) as sock:
                    steps.append("slow" if time.monotonic() - begun > SLOW_S else "quick")
                    sock.settimeout(ANSWER_S)
                    sock.sendall(b"GET /actuator/info HTTP/1.1\r\nHost: cs.lab.test\r\nConnection: close\r\n\r\n")
                    steps.append(sock.recv(15).decode())
        except OSError as error:
            steps.append(type(error).__name__)
        return steps

    def chain(self) -> Any:
        try:
            context = ssl.create_default_context(cafile=self.variables["LAB_CA_FILE"])
            with (
                _knock(self._port("LAB_CS_URL")) as plain,
                context.wrap_socket(plain, server_hostname="cs.lab.test") as sock,
            ):
                leaf = sock.getpeercert()
        except ssl.SSLCertVerificationError as error:
            return [*self._served(), re.sub(r" \(_ssl.*", "", error.verify_message)]
        except OSError as error:
            return type(error).__name__
        assert leaf
        left = ssl.cert_time_to_seconds(str(leaf["notAfter"])) - time.time()
        return [*self._served(), f"{left / 86400:.0f} days left"]

    def _served(self) -> list[str]:
        """Return the issuers of the certificates that the server sends."""
        from cryptography import x509

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with _knock(self._port("LAB_CS_URL")) as plain, context.wrap_socket(plain) as sock:
            chain = sock._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
        certificates = [x509.load_pem_x509_certificate(c.public_bytes().encode()) for c in chain]
        return [c.issuer.rfc4514_string() for c in certificates]

    # the service

    def health(self) -> Any:
        return {name: self._get(f"/actuator/health{name}") for name in ("", "/live", "/ready")}

    def versions(self) -> Any:
        return sorted({json.dumps(self._get("/actuator/info")) for _ in range(4)})

    def clock(self) -> Any:
        from email.utils import parsedate_to_datetime

        date = self._request("GET", "/actuator/info").headers.get("Date")
        return round((parsedate_to_datetime(date).timestamp() - time.time()) / 10) if date else "no date"

    def webhook(self) -> Any:
        """Only requests that are refused: none of these can create a row."""
        deliveries: dict[str, dict[str, Any]] = {
            "fresh": {},
            "unsigned": {"is_signed": False},
            "forged": {"secret": "somebody else's"},
            "late": {"age_s": 60},
            "stale": {"age_s": 600},
            "early": {"age_s": -600},
            "ancient": {"age_s": 86_400},
        }
        return {name: self._code(self.deliver(b"{}", **how)) for name, how in deliveries.items()}

    def deliver(
        self, body: bytes, *, age_s: int = 0, is_signed: bool = True, secret: str = "", path: str = f"{API}/webhook"
    ) -> requests.Response:
        stamp = str(int(time.time()) - age_s)
        key = (secret or self.variables["LAB_CS_WEBHOOK_SECRET"]).encode()
        headers = {"X-CS-Timestamp": stamp, "Content-Type": "application/json"}
        if is_signed:
            headers["X-CS-Signature"] = hmac.new(key, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return self._request("POST", path, data=body, headers=headers)

    def deliveries(self) -> Any:
        """Send a message, repeat it, and run its session's steps; then remove everything except the audit rows."""
        message = {"channel": "test", "message_id": uuid.uuid4().hex, "open_id": uuid.uuid4().hex, "content": "hello"}
        body = json.dumps(message | {"timestamp": "2026-01-01T00:00:00Z"}).encode()
        first, again = self.deliver(body), self.deliver(body)
        seen: list[Any] = [first.status_code, again.status_code]
        if first.status_code == again.status_code == 200:
            seen += [first.json()["duplicate"], again.json()["duplicate"]]
            session = f"{API}/sessions/{first.json()['session_id']}"
            seen += [self.deliver(b"{}", path=f"{session}/{step}").status_code for step in STEPS]
            seen.append(self._rows("SELECT action FROM cs_audit_logs WHERE session_id = %s", session[-36:]))
            bearer = {"Authorization": f"Bearer {self.variables['LAB_CS_WEBHOOK_SECRET']}"}
            self._request("DELETE", session, headers=bearer)
        return seen

    def contract(self) -> Any:
        document = self._request("GET", "/openapi.json")
        kind = document.headers.get("Content-Type")
        tickets = self._request("GET", f"{API}/tickets?limit=1")
        return [
            document.status_code,
            kind,
            tickets.status_code,
            re.sub(r"[0-9a-f-]{36}|\d{4}-.*Z", "~", tickets.text)[:80],
        ]

    # the database

    def connect(self, **different: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self.variables["LAB_CS_MONITOR_DSN"], hostaddr="127.0.0.1", connect_timeout=2, autocommit=True, **different
        )

    def database(self) -> Any:
        try:
            _knock(self._port("LAB_CS_MONITOR_DSN")).close()
            with self.connect() as db:
                states = "SELECT state FROM pg_stat_activity WHERE state IS NOT NULL GROUP BY 1 HAVING count(*) > 30"
                return db.execute(states).fetchall()
        except (OSError, psycopg.Error) as error:
            return re.sub(r"port \d+", "port", str(error)), self._has_tls()

    def _has_tls(self) -> str:
        try:
            with self.connect(sslmode="require"):
                return "TLS"
        except psycopg.Error as error:
            return type(error).__name__

    def schema(self) -> Any:
        columns = """SELECT attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod)
                     FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
                     WHERE c.relkind = 'r' AND attnum > 0 AND relnamespace::regnamespace::text !~ '^pg_|information'
                     ORDER BY 1"""
        may = """SELECT has_schema_privilege('ai_cs', 'public', 'CREATE'),
                 pg_has_role('cs_monitor', 'pg_monitor', 'MEMBER'),
                 has_schema_privilege('cs_monitor', 'public', 'USAGE'),
                 (SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'cs%')"""
        # The lab's own rows are at most ten days old, and later ones are new.
        tables = ("cs_sessions", "cs_messages", "cs_tickets", "cs_audit_logs")
        old = [f"SELECT count(*) FROM {table} WHERE created_at < now() - interval '11 days'" for table in tables]  # noqa: S608  constants
        return [self._rows(columns), self._rows(may), *map(self._rows, old)]

    def _rows(self, query: str, *parameters: Any) -> Any:
        try:
            _knock(self._port("LAB_CS_MONITOR_DSN")).close()
            with self.connect() as db:
                return db.execute(query.encode(), parameters or None).fetchall()
        except (OSError, psycopg.Error) as error:
            return type(error).__name__

    # the service's host

    def files(self) -> Any:
        rollback = [Path(self.variables[f"LAB_CS_{n}"]) for n in ("ARTEFACT", "PREVIOUS_CONFIG", "ROLLBACK_SCRIPT")]
        backups = Path(self.variables["LAB_CS_BACKUP_FOLDER"])
        kept = sorted(backups.glob("*")) if backups.is_dir() else None
        return {
            "dotenv": _text(self.variables["LAB_CS_DOTENV"]),
            "rollback": [oct(path.stat().st_mode) if path.exists() else "gone" for path in rollback],
            "backups": kept and [round((time.time() - path.stat().st_mtime) / 3600) for path in kept],
            "certificates": [_text(self.variables[f"LAB_{n}_FILE"]) for n in ("CA", "INTERMEDIATES")],
        }

    def log(self) -> Any:
        """Return errors by message, in tens, because the usual ones vary; and whether the last entry is recent."""
        text = _text(self.variables["LAB_CS_LOG_FILE"])
        if "\n" not in text:
            return text
        errors = [line.split("ERROR ", 1)[1] for line in text.splitlines() if " ERROR " in line]
        counts = {message: errors.count(message) // 10 for message in errors if errors.count(message) >= 10}
        end = datetime.fromisoformat(text.splitlines()[-1][:29])
        return [sorted(counts.items()), (datetime.now(UTC) - end).total_seconds() > 3600]

    def next_address(self) -> Any:
        reported = re.search(r"AI_CS_ADDR=.*:(\d+)", _text(self.variables["LAB_CS_DOTENV"]))
        if not reported:
            return "not set"
        port = int(reported[1])
        try:
            _knock(port).close()
        except OSError as error:
            return type(error).__name__
        return requests.get(f"http://127.0.0.1:{port}/actuator/health/live", timeout=PATIENCE_S).status_code

    def _request(self, method: str, path: str, **more: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            try:
                return session.request(method, self.variables["LAB_CS_DIRECT_URL"] + path, timeout=PATIENCE_S, **more)
            except requests.ConnectionError:
                nothing = requests.Response()
                nothing.status_code, nothing._content = 0, b""
                return nothing

    def _get(self, path: str) -> Any:
        answer = self._request("GET", path)
        return answer.status_code, answer.text, answer.elapsed.total_seconds() > SLOW_S

    def _code(self, answer: requests.Response) -> Any:
        return answer.status_code, answer.json().get("code") if answer.content else None

    def _port(self, variable: str) -> int:
        port = urlsplit(self.variables[variable]).port
        assert port
        return port


def _seen(name: str, part: Callable[[], Any]) -> Any:
    """Return a part of the snapshot; an error names the part and says what to do."""
    try:
        return part()
    except Exception as error:
        raise AssertionError(
            f"the snapshot of {name!r} in tests/lab/outside.py failed: {type(error).__name__}: {error}; "
            "if a fault may cause this, return it as part of the snapshot"
        ) from error


def _knock(port: int, address: str = "127.0.0.1") -> socket.socket:
    """Connect with a short timeout, then use a long one for a busy machine."""
    sock = socket.create_connection((address, port), KNOCK_S)
    sock.settimeout(PATIENCE_S)
    return sock


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        return type(error).__name__
