import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.media.credentials import IsolatedSdk
from service.media.isolation import seccomp
from service.media.isolation.parsers import PARSERS
from service.media.isolation.pool import ParserPool
from service.media.pictures import ImageLimits
from tests.assets import provenance
from tests.assets.hostile import picture, save
from tests.support.mutants import CHANGES, mutated
from tests.support.sdk_parsers import HOSTILE
from tests.support.statements import STATEMENT
from watermark.c2pa import signing
from watermark.c2pa.credentials import Credentials
from watermark.c2pa.manifest import InputSource
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.presence import STORE_TYPE
from watermark.c2pa.reader import CredentialReader, configuration
from watermark.c2pa.sdk import Stopped, in_process
from watermark.c2pa.status import Integrity
from watermark.c2pa.trust import TrustList

HERE = CredentialReader([TrustList("lab", provenance.lab().pem)])
MEMORY = 128 << 20


def sdk(pool: ParserPool, seconds: float = 60) -> IsolatedSdk:
    return IsolatedSdk(ImageLimits(1 << 24, 1 << 20, seconds, pool))


@pytest.fixture(scope="module")
def pool() -> Iterator[ParserPool]:
    with closing(ParserPool(1, MEMORY)) as opened:
        yield opened


@pytest.fixture(scope="module")
def isolated(pool: ParserPool) -> CredentialReader:
    return HERE.asking(sdk(pool))


def files() -> dict[str, bytes]:
    """One file of each kind that is read in its own way."""
    parent = (provenance.generated(), "parentOf")
    url = "https://example.org/manifest.c2pa"
    png = save(picture(), "PNG")
    return {
        "plain": provenance.jpeg(),
        "signed": provenance.camera(),
        "altered": provenance.broken(),
        "by a stranger": provenance.edited([provenance.OPENED], parent, by=provenance.stranger()),
        "cut": provenance.camera()[:-400],
        "elsewhere": provenance.lab().sign(png, "image/png", provenance.CAMERA, embed=False, remote_url=url),
        "a document": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF",
        "nothing": b"hello",
    }


@pytest.mark.parametrize("name", files())
def test_a_worker_reads_what_this_process_reads(isolated: CredentialReader, name: str) -> None:
    data = files()[name]
    assert isolated.read(data, "image/jpeg") == HERE.read(data, "image/jpeg")
    assert isolated.presence(data) == HERE.presence(data)
    assert isolated.labels(data, "image/jpeg") == HERE.labels(data, "image/jpeg")


def test_a_worker_reads_sidecars_reports_and_thumbnails(isolated: CredentialReader) -> None:
    plain = provenance.jpeg()
    beside = provenance.lab().sidecar(plain, "image/jpeg", provenance.CAMERA)
    for manifest in (beside, b"junk"):
        assert isolated.read(plain, "image/jpeg", manifest) == HERE.read(plain, "image/jpeg", manifest)
    ingredients = [(plain, "parentOf")]
    tree = provenance.lab().sign(plain, "image/jpeg", [provenance.OPENED], ingredients, thumbnails=True)
    found = isolated.thumbnails(tree, "image/jpeg")
    assert len(found) == 2
    assert found == HERE.thumbnails(tree, "image/jpeg")
    report = isolated.crjson(tree, "image/jpeg")
    assert report is not None
    assert json.loads(report)["manifests"][0]["validationResults"]["failure"] == []


def test_the_credential_of_an_input_image_is_taken_over_in_a_worker(
    pool: ParserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process only puts its key under what the worker built, and reads that back in the worker."""
    pki = make_development_pki()
    signer = Credentials(pki.chain, pki.key, "es256", []).screening(sdk(pool))
    photograph = provenance.camera()
    digest = hashlib.sha256(photograph).hexdigest()
    statement = replace(STATEMENT, sources=(InputSource("image", "image/jpeg", digest),))
    monkeypatch.setattr(signing, "embedded", None)  # here
    thumbnail = save(picture(), "JPEG")
    signed = signer.sign(save(picture(), "PNG"), "image/png", statement, {digest: photograph}, thumbnail)
    read = signer.read_back(signed.data, "image/png", of_input=True)
    assert (read.state, read.integrity) == ("valid_untrusted", Integrity.INTACT)
    assert len(read.manifests) == 1
    assert read.active is not None
    assert read.active.thumbnail


def test_each_reader_is_judged_by_its_own_lists(pool: ParserPool) -> None:
    """A worker keeps what it made of a trust list, and takes no other reader's for it."""
    for name in ("one", "two", "one"):
        reader = CredentialReader([TrustList(name, provenance.lab().pem)], sdk(pool))
        assert reader.read(provenance.camera(), "image/jpeg").trust_list == name
    assert CredentialReader([], sdk(pool)).read(provenance.camera(), "image/jpeg").state == "valid_untrusted"


def test_an_sdk_that_hangs_or_crashes_leaves_the_credential_unreadable() -> None:
    """Never a pass, and never an accusation; and the next file is read by the next worker."""
    with closing(ParserPool(1, MEMORY, {**PARSERS, **HOSTILE})) as hostile:
        reader = HERE.asking(sdk(hostile, seconds=1))
        hostile.start()
        read = reader.read(provenance.camera(), "image/jpeg")
        assert (read.integrity, read.state, read.bound) == (Integrity.UNREADABLE, "invalid", False)
        assert read.failures == ("general.error",)
        assert read.remarks[0].explanation == "the file could not be read within 1 s"
    with closing(ParserPool(1, MEMORY, {**PARSERS, **HOSTILE})) as hostile:
        reader = HERE.asking(sdk(hostile))
        assert reader.presence(provenance.camera()).embedded
        assert reader.thumbnails(provenance.camera(), "image/jpeg") == {}
        with pytest.raises(Stopped, match="its parser ended with SIGSEGV"):
            sdk(hostile)("presence", [b""])


def test_what_needs_too_much_memory_is_unreadable() -> None:
    with closing(ParserPool(1, 16 << 20)) as small:
        read = HERE.asking(sdk(small)).read(provenance.camera(), "image/jpeg")
    assert read.integrity is Integrity.UNREADABLE
    assert "MiB" in str(read.remarks[0].explanation)


@pytest.mark.skipif(not seccomp.supported(), reason="system calls are filtered on Linux only")
def test_the_sdk_reaches_no_network(pool: ParserPool) -> None:
    """With settings that let it fetch manifests, it does so in this process, and cannot in a worker."""
    settings = configuration([])
    settings["verify"]["remote_manifest_fetch"] = True
    del settings["core"]["allowed_network_hosts"]
    opened = list[object]()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                opened.append(connection)
                connection.close()

        threading.Thread(target=take, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa"
        plain = save(picture(), "PNG")
        file = provenance.lab().sign(plain, "image/png", provenance.CAMERA, embed=False, remote_url=url)
        parts = [file + STORE_TYPE, json.dumps(settings).encode()]
        with pytest.raises(Stopped, match="SIGABRT"):  # it takes its having no sockets for a fault of its own
            sdk(pool)("read", parts, mime="image/png")
        assert opened == []
        in_process("read", parts, mime="image/png")
        assert opened


@settings(max_examples=80, deadline=None)
@given(changes=st.lists(CHANGES, min_size=1, max_size=8), cut=st.floats(0.05, 1))
def test_mutants_are_read_in_a_worker_as_here(
    isolated: CredentialReader, changes: list[tuple[float, int]], cut: float
) -> None:
    file = mutated(provenance.camera(), changes, cut)
    read = isolated.read(file, "image/jpeg")
    assert read == HERE.read(file, "image/jpeg")
    if cut < 0.99:
        assert read.state != "trusted"
