"""What is recorded of an order: the statement in its manifest, its row in the ledger, and the decision."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict

from detectors import Finding
from service.access.client import Client
from service.gateway.options import GatewayOptions
from service.gateway.order import Order
from service.gateway.stages.attribution import attribution
from service.gateway.stages.types import Draft, Proven, Signed
from service.generation import Job
from service.generation.adapter import Adapter
from service.generation.upscale import NAMES, VERSION
from service.kit.errors import PromptRefused, Refusal
from service.ledger.ledger import Issue
from watermark import Codec
from watermark.c2pa import jumbf
from watermark.c2pa.manifest import Resized, Statement

Content = dict[str, object]


def statement(draft: Draft, options: GatewayOptions, own_size: tuple[int, int], label: str = "") -> Statement:
    """What the manifest says. `own_size`: (width, height) in pixels at which the model generates. `label`: the text
    drawn into the image."""
    admitted = draft.admitted
    method = admitted.job.options.upscale
    return Statement(
        **attribution(admitted, options.provider),
        model_digest=admitted.model.digest,
        mark_algorithm=Codec.ALGORITHM,
        mark_id=admitted.mark_id,
        consents=tuple(grant.receipt_digest for grant in admitted.grants),
        adapters=tuple((one.adapter.digest, one.adapter.scale) for one in admitted.adapters)
        + _reference_adapter(admitted.job),
        sources=admitted.inputs,
        resized=Resized(NAMES[method], VERSION, own_size) if method else None,
        energy=draft.energy.rounded() if draft.energy and options.energy_in_manifest else None,
        label=label,
        edit=draft.edit.as_json() if draft.edit else None,
        canvas=admitted.job.canvas.size if admitted.job.canvas else None,
    )


def inputs_of(order: Order) -> dict[str, bytes]:
    """The input files of an order, by SHA-256 (hex)."""
    files = (order.image, order.mask, *order.references)
    return {hashlib.sha256(data).hexdigest(): data for data in files if data is not None}


def row(signed: Signed, sha256: str, prompt_digest: str) -> Issue:
    """The ledger's row for the issued file. `sha256`: hex, of the file."""
    marked = signed.marked
    admitted, fingerprint = marked.cleared.draft.admitted, marked.imprint.fingerprint
    return Issue(
        mark_id=admitted.mark_id,
        content_id=admitted.content_id,
        created_at=admitted.created_at.replace(microsecond=0),
        mime=signed.mime,
        width=admitted.job.width,
        height=admitted.job.height,
        sha256=sha256,
        fingerprint=fingerprint.bits,
        fingerprint_quality=fingerprint.quality,
        manifest=signed.manifest,
        model=f"{admitted.model.name}@{admitted.model.version}",
        model_digest=admitted.model.digest,
        seed=admitted.job.seed,
        prompt_digest=prompt_digest,
    )


def manifest_id(signed: Signed) -> str | None:
    """The identifier of the active manifest; None if there is no manifest that can be read."""
    try:
        return jumbf.active_manifest(signed.manifest).label
    except ValueError:
        return None


def issued(proven: Proven) -> Content:
    """The decision to release: its evidence, and whose permission it used."""
    cleared = proven.signed.marked.cleared
    draft, admitted = cleared.draft, cleared.draft.admitted
    content: Content = {
        "findings": _scores(cleared.findings),
        "prompt": _scores(admitted.prompt_findings),
        "confidence": round(proven.signed.marked.imprint.confidence, 4),
        "grants": [grant.id for grant in admitted.grants],
        "steering": draft.steering,
        "timestamp": proven.signed.timestamp,
        **_tenant(admitted.client),
        "given": [{"role": image.role, "sha256": image.sha256} for image in admitted.inputs],
        "adapters": [_adapter(one.adapter) for one in admitted.adapters],
    }
    content |= {"energy": draft.energy.rounded()} if draft.energy else {}
    if earlier := proven.signed.marked.imprint.earlier:
        content |= {"earlier_marks": [asdict(mark) for mark in earlier]}
    content |= {"label": proven.signed.marked.imprint.label} if proven.signed.marked.imprint.label else {}
    content |= {"edit": draft.edit.as_json()} if draft.edit else {}
    content |= {"review": admitted.review.decisions} if admitted.review else {}
    return content


def refused(refusal: Refusal, client: Client, model_digest: str, prompt_digest: str) -> Content:
    """The decision to refuse, and why. It holds digests, not the prompt."""
    content: Content = {
        "code": refusal.code,
        "stage": refusal.stage,
        "message": refusal.message,
        "model": model_digest,
        "prompt_digest": prompt_digest,
        **_tenant(client),
    }
    if isinstance(refusal, PromptRefused):
        content |= {"categories": refusal.categories, "rules": refusal.rules}
    return content | ({"subject": refusal.subject} if refusal.subject else {})


def _reference_adapter(job: Job) -> tuple[tuple[str, float], ...]:
    """Digest and scale of the adapter behind reference images."""
    return ((job.references.digest, job.references.scale),) if job.references else ()


def _tenant(client: Client) -> dict[str, str]:
    return {"tenant": client.name} if client.name else {}


def _adapter(adapter: Adapter) -> dict[str, str | float]:
    return {"name": adapter.name, "digest": adapter.digest, "scale": adapter.scale}


def _scores(findings: Sequence[Finding]) -> list[dict[str, str | float]]:
    return [{"detector": f.detector, "model": f.digest, "label": f.label, "score": round(f.score, 4)} for f in findings]
