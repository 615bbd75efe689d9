"""Signed files of every kind that reading credentials must tell apart, made on the spot with keys of their own.

`python -m tests.assets.provenance DIR` writes the named cases and the root that they chain to.
"""

import datetime as dt
import io
import json
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from c2pa import Builder, C2paSignerInfo, Context, Signer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from tests.assets.hostile import picture, save

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SIZE = (160, 120)

Key = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]
Actions = Sequence[Mapping[str, Any]]

OPENED = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["p"]}}
PLACED = {"action": "c2pa.placed", "parameters": {"ingredientIds": ["p"]}}
PLACED_SECOND = {"action": "c2pa.placed", "parameters": {"ingredientIds": ["q"]}}
FILLED = {"action": "c2pa.edited", "digitalSourceType": IPTC + "compositeWithTrainedAlgorithmicMedia"}


def created(source_type: str) -> list[Mapping[str, Any]]:
    """The actions of an image that was created as this source type."""
    return [{"action": "c2pa.created", "digitalSourceType": IPTC + source_type}]


CAMERA = created("digitalCapture")
GENERATED = created("trainedAlgorithmicMedia")


def _certificate(name: str, issuer: Key | None = None, *, seconds: float = 86_400 * 300, ca: bool = False) -> Key:
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Case Lab")
    subject = x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_key, issuer_name = (issuer[0], issuer[1].subject) if issuer else (key, subject)
    unused = "content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only"
    usage = dict.fromkeys(unused.split(), False)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now + dt.timedelta(seconds=seconds))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
        .add_extension(x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage), True)
    )
    if not ca:
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return key, built.sign(issuer_key, hashes.SHA256())


@dataclass(frozen=True)
class Lab:
    """A certification authority and a signer of its own."""

    root: Key
    leaf: Key

    @classmethod
    def make(cls, name: str = "Case", *, seconds: float = 86_400 * 300) -> "Lab":
        """`seconds`: how long the signer's certificate is valid."""
        root = _certificate(f"{name} Root", ca=True)
        return cls(root, _certificate(f"{name} Signer", root, seconds=seconds))

    def another(self, *, seconds: float) -> "Lab":
        """Another signer of the same authority."""
        return Lab(self.root, _certificate("Another Signer", self.root, seconds=seconds))

    @property
    def pem(self) -> bytes:
        """The root."""
        return self.root[1].public_bytes(serialization.Encoding.PEM)

    def sign(
        self,
        data: bytes,
        mime: str,
        actions: Actions,
        ingredients: Sequence[tuple[bytes, str]] = (),
        *,
        assertions: Sequence[Mapping[str, Any]] = (),
        remote_url: str | None = None,
        embed: bool = True,
        thumbnails: bool = False,
    ) -> bytes:
        """The file with a manifest. `ingredients`: JPEG files with their relationships, labelled p, q, ... in order."""
        out = io.BytesIO()
        self._write(data, mime, actions, ingredients, out, assertions, remote_url, embed=embed, thumbnails=thumbnails)
        return out.getvalue()

    def sidecar(self, data: bytes, mime: str, actions: Actions) -> bytes:
        """A manifest beside the file, which stays as it is."""
        return self._write(data, mime, actions, (), io.BytesIO(), (), None, embed=False, thumbnails=False)

    def _write(
        self,
        data: bytes,
        mime: str,
        actions: Actions,
        ingredients: Sequence[tuple[bytes, str]],
        out: io.BytesIO,
        assertions: Sequence[Mapping[str, Any]],
        remote_url: str | None,
        *,
        embed: bool,
        thumbnails: bool,
    ) -> bytes:
        builder = Builder(
            {
                "claim_generator_info": [{"name": "Case", "version": "1"}],
                "format": mime,
                "title": "case",
                "assertions": [
                    {"label": "c2pa.actions.v2", "created": True, "data": {"actions": list(actions)}}, *assertions
                ],
            },
            _context(thumbnails),
        )  # fmt: skip
        for label, (ingredient, relationship) in zip("pqrst", ingredients, strict=False):
            described = {"title": label, "relationship": relationship, "label": label}
            builder.add_ingredient(json.dumps(described), "image/jpeg", io.BytesIO(ingredient))
        if remote_url:
            builder.set_remote_url(remote_url)
        if not embed:
            builder.set_no_embed()
        key = self.leaf[0].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (self.leaf[1], self.root[1]))
        signer = Signer.from_info(C2paSignerInfo("es256", chain, key, None))
        return bytes(builder.sign(signer, mime, io.BytesIO(data), out))


@cache
def _context(thumbnails: bool) -> Context:
    quiet = {"verify_after_sign": False, "remote_manifest_fetch": False}
    return Context.from_dict({"version": 1, "verify": quiet, "builder": {"thumbnail": {"enabled": thumbnails}}})


@cache
def lab() -> Lab:
    """The lab whose root is trusted."""
    return Lab.make()


@cache
def stranger() -> Lab:
    """A lab that nobody trusts."""
    return Lab.make("Stranger")


def short_lived_root() -> bytes:
    """A root that expires within a month, as PEM."""
    return _certificate("Brief Root", ca=True, seconds=86_400 * 7)[1].public_bytes(serialization.Encoding.PEM)


@cache
def expired() -> bytes:
    """A file whose signer's certificate is over, without a time-stamp. Waits for that to happen."""
    import time

    short = lab().another(seconds=1)
    file = short.sign(jpeg(), "image/jpeg", GENERATED)
    end = short.leaf[1].not_valid_after_utc + dt.timedelta(seconds=1)  # which is valid to its end
    while dt.datetime.now(dt.UTC) <= end:
        time.sleep(0.1)
    return file


@cache
def jpeg(size: tuple[int, int] = SIZE) -> bytes:
    return save(picture(size=size), "JPEG", quality=92)


@cache
def generated() -> bytes:
    return lab().sign(jpeg(), "image/jpeg", GENERATED)


@cache
def camera() -> bytes:
    return lab().sign(jpeg(), "image/jpeg", CAMERA)


@cache
def broken() -> bytes:
    """A camera's file with one byte of its pixels changed."""
    changed = bytearray(camera())
    changed[-600] ^= 1
    return bytes(changed)


def edited(actions: Actions, *ingredients: tuple[bytes, str], by: Lab | None = None) -> bytes:
    """A smaller JPEG, signed as made from `ingredients`."""
    return (by or lab()).sign(jpeg((120, 90)), "image/jpeg", actions, ingredients)


@dataclass(frozen=True)
class Case:
    """A named file, and what must be read from it."""

    name: str
    data: bytes
    integrity: str
    verdict: str
    outcome: str
    conflicts: tuple[str, ...] = ()


def without_credential_bytes() -> Iterator[tuple[str, bytes]]:
    """Files that carry nothing and are damaged so that the SDK refuses them."""
    png = save(picture(size=SIZE), "PNG")
    yield "cut.png", png[:-1]
    yield "no-iend.png", png[:-12]
    yield "half.png", png[: len(png) // 2]
    yield "trailing.avif", save(picture(size=SIZE), "AVIF") + b"hello world"
    yield "trailing.webp", save(picture(size=SIZE), "WEBP") + b"hello world"
    yield "cut.webp", save(picture(size=SIZE), "WEBP")[:-20]
    yield "cut.jpg", jpeg()[:-50]
    yield "cut.gif", save(picture("P", SIZE), "GIF")[:-30]
    yield "looping.tiff", looping_tiff()
    yield "pages.tiff", save(picture(size=SIZE), "TIFF", save_all=True, append_images=[picture(size=SIZE)])
    yield "short-box.avif", struct.pack(">I4s4sI4s", 20, b"ftyp", b"avif", 0, b"avif") + struct.pack(">I4s", 3, b"free")
    yield "text-chunk.png", png[:33] + png_chunk(b"tEXt", b"Comment\0about c2pa and JUMBF, caBX and jumb") + png[33:-1]


def looping_tiff() -> bytes:
    """A TIFF whose directory chain leads back to its beginning."""
    data = bytearray(save(picture(size=(16, 16)), "TIFF"))
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, at)
    struct.pack_into(order + "I", data, at + 2 + 12 * entries, at)
    return bytes(data)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def trees() -> Iterator[Case]:
    """Files whose answer stands below the active manifest."""
    resized, cropped = {"action": "c2pa.resized"}, {"action": "c2pa.cropped"}
    parent, part, used = "parentOf", "componentOf", "inputTo"
    ai, photo, altered = generated(), camera(), broken()
    yes = ("intact", "declared_synthetic", "verified")
    yield Case("ai-then-resized.jpg", edited([OPENED, resized], (ai, parent)), *yes)
    twice = edited([OPENED, cropped], (edited([OPENED, resized], (ai, parent)), parent))
    yield Case("ai-then-resized-then-cropped.jpg", twice, *yes)
    yes = ("intact", "declared_composite", "verified")
    yield Case("ai-placed.jpg", edited([*created("digitalCreation"), PLACED], (ai, part)), *yes)
    yield Case("ai-placed-on-photo.jpg", edited([OPENED, PLACED_SECOND], (photo, parent), (ai, part)), *yes)
    yield Case("photo-placed-on-ai.jpg", edited([OPENED, PLACED_SECOND], (ai, parent), (photo, part)), *yes)
    yield Case("camera-then-filled.jpg", edited([OPENED, FILLED], (photo, parent)), *yes)
    plain_then_filled = edited([OPENED, FILLED], (jpeg(), parent))
    yield Case("plain-then-filled.jpg", plain_then_filled, *yes)
    yield Case("composite.jpg", lab().sign(jpeg(), "image/jpeg", created("compositeSynthetic")), *yes)
    yes = ("intact", "declared_camera", "verified")
    yield Case("camera-then-cropped.jpg", edited([OPENED, cropped], (photo, parent)), *yes)
    yield Case("film.jpg", lab().sign(jpeg(), "image/jpeg", created("negativeFilm")), *yes)
    yield Case("phone.jpg", lab().sign(jpeg(), "image/jpeg", created("computationalCapture")), *yes)
    secure = [{"action": "c2pa.created", "digitalSourceType": "https" + (IPTC + "digitalCapture").removeprefix("http")}]
    yield Case("https.jpg", lab().sign(jpeg(), "image/jpeg", secure), *yes)
    no = ("intact", "inconclusive", "verified")
    yield Case("reference-was-ai.jpg", edited([*created("digitalCreation")], (ai, used)), *no)
    yield Case("drawn.jpg", lab().sign(jpeg(), "image/jpeg", created("digitalArt")), *no)
    yield Case("wrong-case.jpg", lab().sign(jpeg(), "image/jpeg", created("TrainedAlgorithmicMedia")), *no)
    laundered = edited([OPENED, cropped], (altered, parent))
    no = ("intact", "inconclusive", "untrusted")
    yield Case("laundered.jpg", laundered, *no, ("ingredient_invalid",))
    yield Case("laundered-twice.jpg", edited([OPENED], (laundered, parent)), *no, ("ingredient_invalid",))
    algorithmic = lab().sign(jpeg(), "image/jpeg", created("algorithmicMedia"))
    yield Case("algorithmic.jpg", algorithmic, "intact", "declared_synthetic", "verified")
    yield Case("broken.jpg", altered, "altered", "tampered", "invalid")
    yield Case("cut-signed.jpg", photo[:-400], "unreadable", "credential_unreadable", "unreadable")
    yield Case("stranger.jpg", stranger().sign(jpeg(), "image/jpeg", CAMERA), "intact", "declared_camera", "untrusted")
    by_stranger = edited([OPENED, cropped], (photo, parent), by=stranger())
    yield Case("stranger-over-trusted.jpg", by_stranger, "intact", "declared_camera", "untrusted")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "root.pem").write_bytes(lab().pem)
    for name, data in [*without_credential_bytes(), *((case.name, case.data) for case in trees())]:
        (folder / name).write_bytes(data)


def moving(form: str) -> bytes:
    """Two frames."""
    first: Image.Image = picture(size=SIZE)
    return save(first, form, save_all=True, append_images=[first.rotate(90)], duration=100)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
