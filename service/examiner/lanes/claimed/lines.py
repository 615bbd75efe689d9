"""The report's section on the file's Content Credential, for people to read."""

from collections.abc import Iterator

from service.examiner.lanes.claimed.section import BELIEVED, Claimed, ClaimedAction, ClaimedIngredient
from watermark.c2pa.origin import Kind
from watermark.c2pa.source_types import term
from watermark.c2pa.status import SignerStatus


def lines(section: Claimed) -> Iterator[str]:
    """The section, a line for each thing that the credential says."""
    yield section.state if section.state == "recovered" else section.integrity.value
    if section.signer or section.signer_status is not SignerStatus.NONE:
        frozen = ", no longer maintained" if section.trust_list_frozen else ""
        yield f"signer: {section.signer}, {section.issuer} (trust list: {section.trust_list or 'none'}{frozen})"
        if section.signer_status not in BELIEVED:
            yield f"certificate: {section.signer_status.value.replace('_', ' ')}"
    yield from _time_lines(section)
    if section.remote_url:
        yield f"credential elsewhere, not fetched: {section.remote_url}"
    if section.generator:
        yield f"generator: {section.generator}"
    if section.origin and section.origin.kind is not Kind.UNKNOWN:
        yield f"origin: {section.origin.kind.value}{', by an ingredient' * section.origin.through_ingredient}"
    for action in section.actions:
        yield _action_line(action)
    for ingredient in section.ingredients:
        yield _ingredient_line(ingredient)
    for identity in section.identities:
        yield f"identity: {identity.name or identity.label} ({identity.status.replace('_', ' ')})"
    for redaction in section.redactions:
        yield f"redacted: {redaction.target} ({redaction.reason or 'no reason given'})"
    for remark in section.remarks:
        yield f"{'failure' if remark.failure else 'note'}: {remark.code}: {remark.text}"


def _time_lines(section: Claimed) -> Iterator[str]:
    if section.signed_at:
        yield f"signed at {section.signed_at} (trusted time-stamp)"
    elif section.claimed_at:
        yield f"signed at {section.claimed_at} by the signer's own word"


def _action_line(action: ClaimedAction) -> str:
    return " ".join(filter(None, (f"{action.action}:", action.agent, term(action.digital_source_type), action.when)))


def _ingredient_line(ingredient: ClaimedIngredient) -> str:
    state = ingredient.integrity.value if ingredient.manifest_id else "without a credential"
    about = ", ".join([ingredient.relationship or "ingredient", state, *ingredient.failures])
    return f"made from: {ingredient.title or ingredient.manifest_id or 'a file'} ({about})"
