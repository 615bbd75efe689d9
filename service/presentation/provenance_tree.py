"""What an image was made from, as its credential tells it: what each file is, who says so and what was done to it."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.examiner.lanes.claimed.section import Claimed, ClaimedAction, ClaimedIngredient, ClaimedManifest
from watermark.c2pa.source_types import term
from watermark.c2pa.status import Integrity, SignerStatus

_MAX_NODES = 500  # a store of a few manifests can unfold into very many paths


@dataclass(frozen=True, slots=True)
class Node:
    """One file: what it is, who says so, what was done, what it was made from. `thumbnail`: its place in the store."""

    title: str
    state: str
    integrity: Integrity
    actions: tuple[str, ...]
    children: tuple["Node", ...]
    thumbnail: str | None = None


def nodes(claimed: Claimed) -> Node | None:
    """The tree of an image; None if it has no credential. What was cut off because it is too large is said."""
    if not claimed.manifest_id:
        return None
    below = {manifest.manifest_id: manifest for manifest in claimed.manifests}
    left = iter(range(_MAX_NODES))
    return Node(
        title="this image",
        state=_state(claimed.integrity, claimed.signer_status, claimed.signer, claimed.issuer, claimed.generator),
        integrity=claimed.integrity,
        actions=tuple(map(_action, claimed.actions)),
        children=tuple(_children(claimed.ingredients, below, left, (claimed.manifest_id,))),
    )


def _children(
    ingredients: list[ClaimedIngredient], below: dict[str, ClaimedManifest], left: Iterator[int], path: tuple[str, ...]
) -> Iterator[Node]:
    for each in ingredients:
        if next(left, None) is None:
            yield Node("more", "the tree is larger than what is shown", Integrity.INTACT, (), ())
            return
        manifest = below.get(each.manifest_id or "")
        inner: tuple[Node, ...] = ()
        if manifest and manifest.manifest_id not in path:
            inner = tuple(_children(manifest.ingredients, below, left, (*path, manifest.manifest_id)))
        signer = (manifest.signer, manifest.issuer, manifest.generator) if manifest else (None, None, None)
        yield Node(
            title=f"{each.relationship or 'ingredient'}: {each.title or 'a file without a name'}",
            state=_state(each.integrity, each.signer_status, *signer) if manifest else "without a credential",
            integrity=each.integrity,
            actions=tuple(map(_action, manifest.actions)) if manifest else (),
            children=inner,
            thumbnail=each.thumbnail,
        )


def _state(
    integrity: Integrity, status: SignerStatus, signer: str | None, issuer: str | None, generator: str | None
) -> str:
    by = ", ".join(filter(None, (signer, issuer))) or "an unnamed signer"
    made = f", with {generator}" if generator else ""
    return f"{integrity.value}; signed by {by} ({status.value.replace('_', ' ')}){made}"


def _action(action: ClaimedAction) -> str:
    agent = action.agent and f"by {action.agent}"
    return " ".join(filter(None, (action.action, term(action.digital_source_type), agent)))
