"""Certificates fetched to complete a chain, and those accepted from the response."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.tls.aia import from_aia, from_file
from runbook_checks.probes.tls.certificate import path_from, read
from tests.hostile.services import always
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer
from tests.probes import pki
from tests.probes.conftest import HERE

Shelf = Callable[..., str]


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with ExitStack() as stack:

        def at(*made: pki.Made | bytes, form: str = "pem") -> str:
            if form == "pkcs7":
                certificates = [one.certificate for one in made if isinstance(one, pki.Made)]
                content = pkcs7.serialize_certificates(certificates, serialization.Encoding.DER)
            else:
                content = b"".join(one if isinstance(one, bytes) else one.pem for one in made)
            return stack.enter_context(FakeServer(always(whole(content, "Connection: close")))).url + "/ca"

        yield at


def fetched(*chain: pki.Made, seconds: float = 5) -> list[str]:
    """Return the subjects of the certificates that complete a chain."""
    found = from_aia([made.der for made in chain], "tls", None, Deadline(seconds), HERE)
    return [read(der).subject for der in found]


ROOT = pki.make("Root", is_ca=True)


def test_issuers_are_fetched_one_after_the_other_up_to_a_root(shelf: Shelf) -> None:
    upper = pki.make("Upper", ROOT, is_ca=True, aia=shelf(ROOT))
    lower = pki.make("Lower", upper, is_ca=True, aia=shelf(upper))
    leaf = pki.make("leaf", lower, aia=shelf(lower).replace("http:", "HTTP:"))
    assert fetched(leaf) == ["CN=Lower", "CN=Upper"]
    assert fetched(leaf, lower) == ["CN=Upper"]
    assert fetched(leaf, upper, lower) == []
    assert fetched(leaf, seconds=0) == []


def test_no_more_than_four_are_fetched(shelf: Shelf) -> None:
    last, made = pki.make("CA 0", ROOT, is_ca=True), list[pki.Made]()
    for number in range(1, 7):
        last = pki.make(f"CA {number}", last, is_ca=True, aia=shelf(last))
        made.append(last)
    assert fetched(pki.make("leaf", last, aia=shelf(last))) == ["CN=CA 6", "CN=CA 5", "CN=CA 4", "CN=CA 3"]


def test_only_the_issuer_is_taken_from_a_response(shelf: Shelf) -> None:
    middle, other = pki.make("Middle", ROOT, is_ca=True), pki.make("Other", ROOT, is_ca=True)
    for form in ("pem", "pkcs7"):
        assert fetched(pki.make("leaf", middle, aia=shelf(other, middle, form=form))) == ["CN=Middle"]
    assert fetched(pki.make("leaf", middle, aia=shelf(other))) == []
    assert fetched(pki.make("leaf", middle, aia=shelf(b"junk"))) == []
    with FakeServer(always(b"")) as server:
        assert fetched(pki.make("leaf", middle, aia=f"https://127.0.0.1:{server.port}/ca")) == []
    assert server.visits == 0
    assert fetched(pki.make("leaf", middle, aia="http://127.0.0.1:1/ca")) == []
    assert fetched(pki.make("leaf", middle)) == []


def test_size_of_a_certificate_file_is_limited(shelf: Shelf) -> None:
    middle = pki.make("Middle", ROOT, is_ca=True)
    for padding, reported in ((60, ["CN=Middle"]), (66, [])):
        remark = b"# remark\n" * (padding * 1024 // 9)
        assert fetched(pki.make("leaf", middle, aia=shelf(remark, middle))) == reported


def test_the_top_of_a_chain_is_found_in_any_order() -> None:
    upper = pki.make("Upper", ROOT, is_ca=True)
    lower = pki.make("Lower", upper, is_ca=True)
    leaf, stranger = pki.make("leaf", lower), pki.make("stranger", ROOT)
    for rest, top in (((), "leaf"), ((upper, lower), "Upper"), ((stranger, lower), "Lower"), ((stranger,), "leaf")):
        assert path_from([read(made.der) for made in (leaf, *rest)], pki.NOW)[-1].subject == f"CN={top}"
    assert len(path_from([read(ROOT.der), read(ROOT.der)], pki.NOW)) == 1


def test_roots_in_a_file_are_ignored(tmp_path: Path) -> None:
    file, middle = tmp_path / "bundle.pem", pki.make("Middle", ROOT, is_ca=True)
    file.write_bytes(ROOT.pem + middle.pem)
    assert [read(der).subject for der in from_file(str(file), "tls")] == ["CN=Middle"]
    file.write_bytes(ROOT.pem)
    assert from_file(str(file), "tls") == []
    for content, word in ((b"", "no certificate"), (b"junk", "no certificate"), (None, "such file")):
        file.unlink() if content is None else file.write_bytes(content)
        with pytest.raises(NoReading, match=word) as caught:
            from_file(str(file), "tls")
        assert (caught.value.kind, caught.value.resource) == ("ca-file-unreadable", "tls")
