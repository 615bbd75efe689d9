"""A Content Credential as it was read: the active manifest, the manifests below it, and what was found of each.

Integrity, signer, time, identity and ingredients are kept apart; see `watermark.c2pa.status`. `State` sums them up in
one word, as reports of version 1 did.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from watermark.c2pa.status import BINDINGS, INCOMPLETE, Axis, Integrity, Revocation, SignerStatus, status, worst

State = Literal["trusted", "valid_untrusted", "invalid", "absent", "remote_only"]
Relationship = Literal["parentOf", "componentOf", "inputTo"]


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of an actions assertion. `ingredients`: labels or instance ids of the ingredients that it names."""

    action: str
    digital_source_type: str | None = None
    agent: str | None = None
    when: str | None = None
    ingredients: tuple[str, ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class SoftBinding:
    """A reference from the manifest to a mark in the pixels: algorithm and value, as written."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A status code about one manifest or ingredient, with the SDK's explanation. `failure`: not informational."""

    code: str
    failure: bool
    explanation: str | None = None
    manifest_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A file this one was made from.

    `failures`: codes of what does not match or is malformed in it, as its editor recorded them and as found now. What
    is only unknown or expired about its signer is in `signer_status`.
    """

    title: str | None
    relationship: str | None
    failures: tuple[str, ...] = ()
    label: str | None = None
    instance_id: str | None = None
    mime: str | None = None
    manifest_id: str | None = None
    signer_status: SignerStatus = SignerStatus.NONE
    thumbnail: str | None = None

    @property
    def integrity(self) -> Integrity:
        """Whether the ingredient was as its own credential says when it was used."""
        return worst(set(self.failures))


@dataclass(frozen=True, slots=True)
class Redaction:
    """An assertion that was removed from an ingredient's manifest: its URI, and the reason that was given."""

    target: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A CAWG identity assertion: who is said to stand behind the credential. It never vouches for the image.

    `verified`: its signature holds and its issuer is on an identity list. `failures`: the CAWG codes that say why not.
    """

    label: str
    name: str | None = None
    status: Literal["verified", "not_verified", "not_checked"] = "not_checked"
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest of the store: what its signer says, and of which files it says it."""

    id: str | None = None
    title: str | None = None
    generator: str | None = None
    signer: str | None = None
    issuer: str | None = None
    claim_version: int | None = None
    actions: tuple[Action, ...] = ()
    all_actions: bool = False
    ingredients: tuple[Ingredient, ...] = ()
    soft_bindings: tuple[SoftBinding, ...] = ()
    redactions: tuple[Redaction, ...] = ()
    metadata_source_types: tuple[str, ...] = ()
    thumbnail: str | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """The contents of a file's active manifest and what was found of it. All but `integrity` is empty if absent.

    `bound`: the signature holds, and so does a hash of the file's contents. `signed_at` is a trusted time-stamp's (ISO
    8601); `claimed_at` the signer's own word. `failures`: codes of the active manifest; `remarks`: all codes of the
    tree. `manifests`: every manifest of the store but the active one.
    """

    integrity: Integrity
    signer_status: SignerStatus = SignerStatus.NONE
    manifest_id: str | None = None
    title: str | None = None
    trust_list: str | None = None
    trust_list_frozen: bool = False
    signer: str | None = None
    issuer: str | None = None
    generator: str | None = None
    signed_at: str | None = None
    claimed_at: str | None = None
    revocation: Revocation = Revocation.NOT_CHECKED
    claim_version: int | None = None
    actions: tuple[Action, ...] = ()
    soft_bindings: tuple[SoftBinding, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    redactions: tuple[Redaction, ...] = ()
    identities: tuple[Identity, ...] = ()
    manifests: tuple[Manifest, ...] = ()
    metadata_source_types: tuple[str, ...] = ()
    all_actions: bool = False
    failures: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    disclosures: dict[str, Any] = field(default_factory=dict)
    remote_url: str | None = None
    bound: bool = True
    thumbnail: str | None = None

    @property
    def state(self) -> State:
        """One word for everything, as reports of version 1 have it."""
        if self.integrity is Integrity.ABSENT:
            return "remote_only" if self.remote_url else "absent"
        if self.integrity is not Integrity.INTACT:
            return "invalid"
        states: dict[SignerStatus, State] = {SignerStatus.TRUSTED: "trusted", SignerStatus.UNKNOWN: "valid_untrusted"}
        return states.get(self.signer_status, "invalid")

    @property
    def signed(self) -> bool:
        """Whether what the manifest says is its signer's word about this very file."""
        return self.bound and self.integrity in (Integrity.INTACT, Integrity.MALFORMED)

    @property
    def only_bytes_differ(self) -> bool:
        """Whether the manifest itself is intact and signed (by anybody), and only the file's bytes do not match it."""
        mended = (code for code in self.failures if code not in BINDINGS | {INCOMPLETE})
        return all(status(code).axis not in (Axis.INTEGRITY, Axis.INGREDIENT) for code in mended)

    @property
    def active(self) -> Manifest:
        """The active manifest, in the form of the others."""
        return Manifest(
            id=self.manifest_id,
            title=self.title,
            generator=self.generator,
            signer=self.signer,
            issuer=self.issuer,
            claim_version=self.claim_version,
            actions=self.actions,
            all_actions=self.all_actions,
            ingredients=self.ingredients,
            soft_bindings=self.soft_bindings,
            redactions=self.redactions,
            metadata_source_types=self.metadata_source_types,
            thumbnail=self.thumbnail,
        )
