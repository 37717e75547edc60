"""Servers that violate HTTP."""

from __future__ import annotations

import contextlib
import functools
import gzip
import socket
import threading
import zlib

from tests.misbehaving.server import Handler, Visit, misbehaves

OK = "HTTP/1.1 200 OK\r\n"
JSON = b'{"status":"UP"}'


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = "".join(f"{h}\r\n" for h in headers)
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@misbehaves("http.healthy")
def healthy(visit: Visit) -> None:
    while visit.request():
        visit.say(whole(JSON, "Content-Type: application/json"))


@misbehaves("http.echo")
def echo(visit: Visit) -> None:
    """Responds with the request itself, so that its headers can be inspected."""
    while seen := visit.request():
        visit.say(whole(seen, "Content-Type: text/plain"))


@misbehaves("http.silent")
def silent(visit: Visit) -> None:
    visit.stay_silent()


@misbehaves("http.closes-at-once")
def closes_at_once(visit: Visit) -> None:
    visit.request()


@misbehaves("http.half-closed")
def half_closed(visit: Visit) -> None:
    """Closes its own direction at once, and continues to read."""
    visit.sock.shutdown(socket.SHUT_WR)
    visit.stay_silent(5)


@misbehaves("http.right-then-garbage")
def right_then_garbage(visit: Visit) -> None:
    """The response of a proxy whose back end dies after the first part."""
    visit.request()
    said = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"va\x00\xff\xfe\x80</html>'
    visit.say(whole(said, "Content-Type: application/json", "Connection: close"))


@misbehaves("http.resets-at-once")
def resets_at_once(visit: Visit) -> None:
    visit.request()
    visit.reset()


@misbehaves("http.drips-headers")
def drips_headers(visit: Visit) -> None:
    visit.request()
    visit.drip(f"{OK}X-Slow: {'a' * 3000}\r\n\r\n".encode())


@misbehaves("http.endless-headers")
def endless_headers(visit: Visit) -> None:
    """One complete header line after the other, slowly: truncated, it looks like a complete response."""
    visit.request()
    visit.say(OK)
    for number in range(1000):
        visit.drip(b".", 0.05)
        visit.say(f"X-{number}: 1\r\n")


@misbehaves("http.drips-body")
def drips_body(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Content-Length: 3000\r\n\r\n")
    visit.drip(b"x" * 3000)


@misbehaves("http.drips-chunks")
def drips_chunks(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Transfer-Encoding: chunked\r\n\r\n")
    visit.drip(b"1\r\nx\r\n" * 500, 0.02)


@misbehaves("http.stalls-in-body")
def stalls_in_body(visit: Visit) -> None:
    visit.request()
    visit.say(OK, 'Content-Length: 100\r\n\r\n{"status":')
    visit.stay_silent()


@misbehaves("http.oversized")
def oversized(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Content-Length: 999999999999\r\n\r\n")
    pour(visit, b"x" * 65536)


@misbehaves("http.oversized-unannounced")
def oversized_unannounced(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "\r\n")
    pour(visit, b"x" * 65536)


@misbehaves("http.oversized-chunks")
def oversized_chunks(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Transfer-Encoding: chunked\r\n\r\n")
    pour(visit, b"10000\r\n" + b"x" * 65536 + b"\r\n")


@misbehaves("http.one-endless-chunk")
def one_endless_chunk(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n")
    pour(visit, b"x" * 65536)


@misbehaves("http.endless-chunk-size")
def endless_chunk_size(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Transfer-Encoding: chunked\r\n\r\n")
    pour(visit, b"0" * 65536)


@misbehaves("http.endless-trailer")
def endless_trailer(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Transfer-Encoding: chunked\r\n\r\n0\r\n")
    pour(visit, b"X-Trailer: 1\r\n" * 1000)


def pour(visit: Visit, block: bytes) -> None:
    while True:
        visit.say(block)


@misbehaves("http.gzip-bomb")
def gzip_bomb(visit: Visit) -> None:
    """256 MB in 256 kB, although identity encoding was requested."""
    visit.request()
    visit.say(whole(bomb(), "Content-Type: application/json", "Content-Encoding: gzip"))


@functools.cache
def bomb(size: int = 1 << 28) -> bytes:
    engine = zlib.compressobj(9, wbits=31)
    block = b"\0" * (1 << 20)
    return b"".join(engine.compress(block) for _ in range(size >> 20)) + engine.flush()


@misbehaves("http.gzip-unasked")
def gzip_unasked(visit: Visit) -> None:
    visit.request()
    visit.say(whole(gzip.compress(JSON), "Content-Type: application/json", "Content-Encoding: gzip"))


@misbehaves("http.deflate-raw")
def deflate_raw(visit: Visit) -> None:
    visit.request()
    engine = zlib.compressobj(wbits=-15)
    visit.say(whole(engine.compress(JSON) + engine.flush(), "Content-Encoding: deflate"))


@misbehaves("http.gzip-broken")
def gzip_broken(visit: Visit) -> None:
    visit.request()
    visit.say(whole(gzip.compress(JSON)[:-9], "Content-Encoding: gzip"))


@misbehaves("http.brotli-unasked")
def brotli_unasked(visit: Visit) -> None:
    visit.request()
    visit.say(whole(b"\x0b\x02\x80", "Content-Encoding: br"))


@misbehaves("http.redirects-for-ever")
def redirects_for_ever(visit: Visit) -> None:
    number = 0
    while visit.request():
        number += 1
        visit.say(whole(b"", f"Location: /{number}", status="302 Found"))


@misbehaves("http.redirects-to-itself")
def redirects_to_itself(visit: Visit) -> None:
    while visit.request():
        visit.say(whole(b"moved", "Location: ", status="301 Moved"))


@misbehaves("http.redirects-elsewhere")
def redirects_elsewhere(visit: Visit) -> None:
    while seen := visit.request():
        target = seen.split(b"?to=")[1].split(b" ")[0].decode()
        visit.say(whole(b"over there", f"Location: {target}", status="302 Found"))


@misbehaves("http.redirects-once")
def redirects_once(visit: Visit) -> None:
    while seen := visit.request():
        if seen.startswith(b"GET /there"):
            visit.say(whole(JSON, "Content-Type: application/json"))
        else:
            visit.say(whole(b"x" * 10, "Location: /there#part", status="307 Temporary Redirect"))


@misbehaves("http.resets-mid-headers")
def resets_mid_headers(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Content-Ty")
    visit.stay_silent(0.1)
    visit.reset()


@misbehaves("http.closes-mid-headers")
def closes_mid_headers(visit: Visit) -> None:
    """http.client alone reads this as a complete response with status 200."""
    visit.request()
    visit.say(OK, "Content-Type: application/json\r\n")


@misbehaves("http.resets-mid-body")
def resets_mid_body(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Content-Length: 100\r\n\r\nhalf")
    visit.stay_silent(0.1)
    visit.reset()


@misbehaves("http.short-body")
def short_body(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Content-Length: 100\r\n\r\n", JSON)


@misbehaves("http.short-chunks")
def short_chunks(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")


@misbehaves("http.broken-chunking")
def broken_chunking(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Transfer-Encoding: chunked\r\n\r\nsix\r\nstatus\r\n0\r\n\r\n")


@misbehaves("http.negative-chunk")
def negative_chunk(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Transfer-Encoding: chunked\r\n\r\n-5\r\nstatus\r\n0\r\n\r\n")


@misbehaves("http.garbage")
def garbage(visit: Visit) -> None:
    visit.request()
    visit.say(b"\x00\xff\xfenothing like HTTP\r\n\r\n")
    visit.stay_silent(0.2)


@misbehaves("http.ssh")
def ssh(visit: Visit) -> None:
    visit.say(b"SSH-2.0-OpenSSH_9.2\r\n")
    visit.stay_silent()


@misbehaves("http.bad-status")
def bad_status(visit: Visit) -> None:
    visit.request()
    visit.say("HTTP/1.1 twohundred OK\r\n\r\n")


@misbehaves("http.huge-header")
def huge_header(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "X-Huge: ")
    pour(visit, b"a" * 65536)


@misbehaves("http.many-headers")
def many_headers(visit: Visit) -> None:
    visit.request()
    visit.say(OK)
    pour(visit, b"X-Many: " + b"a" * 1000 + b"\r\n")


@misbehaves("http.endless-status-line")
def endless_status_line(visit: Visit) -> None:
    visit.request()
    visit.say("HTTP/1.1 200 ")
    pour(visit, b"a" * 65536)


@misbehaves("http.bad-header-line")
def bad_header_line(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "no colon here\r\nContent-Length: 2\r\n\r\n{}")


@misbehaves("http.bad-content-length")
def bad_content_length(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Content-Length: +15\r\n\r\n", JSON)


@misbehaves("http.two-content-lengths")
def two_content_lengths(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Content-Length: 15\r\nContent-Length: 2\r\n\r\n", JSON)


@misbehaves("http.unknown-transfer-coding")
def unknown_transfer_coding(visit: Visit) -> None:
    visit.request()
    visit.say(OK, "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")


@misbehaves("http.continue-storm")
def continue_storm(visit: Visit) -> None:
    visit.request()
    pour(visit, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


@misbehaves("http.early-hints-storm")
def early_hints_storm(visit: Visit) -> None:
    visit.request()
    pour(visit, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 100)


@misbehaves("http.early-hints")
def early_hints(visit: Visit) -> None:
    visit.request()
    visit.say("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
    visit.say(whole(JSON, "Content-Type: application/json"))


@misbehaves("http.html")
def html(visit: Visit) -> None:
    visit.request()
    visit.say(whole(b"<!DOCTYPE html><title>Sign in</title>", "Content-Type: text/html; charset=utf-8"))


@misbehaves("http.utf16")
def utf16(visit: Visit) -> None:
    visit.request()
    visit.say(whole('{"status":"UP"}'.encode("utf-16"), "Content-Type: application/json"))


@misbehaves("http.empty")
def empty(visit: Visit) -> None:
    visit.request()
    visit.say(whole(b""))


@misbehaves("http.no-content")
def no_content(visit: Visit) -> None:
    while visit.request():
        visit.say("HTTP/1.1 204 No Content\r\n\r\n")


@misbehaves("http.closes-kept")
def closes_kept(visit: Visit) -> None:
    """Promises to keep the connection alive, and closes it right after the response."""
    visit.request()
    visit.say(whole(JSON, "Content-Type: application/json", "Connection: keep-alive"))


@misbehaves("http.resets-second-request")
def resets_second_request(visit: Visit) -> None:
    visit.request()
    visit.say(whole(JSON, "Content-Type: application/json"))
    visit.request()
    visit.reset()


def proxy_to(port: int) -> Handler:
    """A proxy that connects every CONNECT to one port of this host."""

    def handle(visit: Visit) -> None:
        if not visit.request().startswith(b"CONNECT"):
            return
        with socket.create_connection(("127.0.0.1", port)) as far:
            visit.say("HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(far, visit.sock), daemon=True)
            back.start()
            pump(visit.sock, far)
            back.join(5)

    return handle


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@misbehaves("http.proxy-refuses")
def proxy_refuses(visit: Visit) -> None:
    visit.request()
    visit.say(whole(b"not you", status="407 Proxy Authentication Required"))


@misbehaves("http.early-refusal")
def early_refusal(visit: Visit) -> None:
    """Responds before the body was read: 413, as some proxies do."""
    visit.sock.recv(10)
    visit.say(whole(b"too large", status="413 Content Too Large"))
    visit.stay_silent()
