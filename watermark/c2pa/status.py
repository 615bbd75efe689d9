"""What each C2PA validation status code says, and about what: the one table of codes.

A report keeps apart whether the file is as it was signed (integrity), whose signature it is (signer), when it was made
(time), who is said to stand behind it (identity), and what became of the files it was made from (ingredients). A code
concerns exactly one of them. Only a hash or a signature that does not match makes a file `altered`; a rule of the
specification that is broken while they all match makes its credential `malformed`.

Codes: C2PA 2.4, section 15.2.2; CAWG identity assertion 1.2, section 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Axis(StrEnum):
    """What a status code is about."""

    INTEGRITY = "integrity"
    SIGNER = "signer"
    TIME = "time"
    IDENTITY = "identity"
    INGREDIENT = "ingredient"


class Integrity(StrEnum):
    """Whether a file and its credential are as they were signed."""

    INTACT = "intact"
    ALTERED = "altered"
    """A hash or the signature does not match."""
    MALFORMED = "malformed"
    """The credential breaks a rule of the specification, while every hash and the signature hold."""
    UNREADABLE = "unreadable"
    """There is a credential, but it, or the file around it, cannot be read whole. That accuses nobody."""
    ABSENT = "absent"


class SignerStatus(StrEnum):
    """What can be said of the signing certificate."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    """The certificate has expired, and nothing trusted says that the signature is older."""
    EXPIRED_AT_SIGNING = "expired_at_signing"
    """A time-stamp says that the certificate was not valid when it signed."""
    REVOKED = "revoked"
    UNFIT = "unfit"
    """The certificate is not of the kind that may sign claims."""
    NONE = "none"
    """Nothing was signed, or nothing of it can be read."""


class Revocation(StrEnum):
    """Whether anybody was asked if the certificate was revoked. The examiner asks nobody over the network."""

    NOT_CHECKED = "not_checked"
    NOT_REVOKED = "not_revoked"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Status:
    """One code: what it is about, what it says of it as a failure, the section that defines it, and plain words."""

    axis: Axis
    value: str
    section: str
    text: str


_SPEC = "C2PA 2.4, 15.2.2"
_ALTERED, _MALFORMED, _UNREADABLE = Integrity.ALTERED, Integrity.MALFORMED, Integrity.UNREADABLE


def _table(axis: Axis, value: str, rows: Mapping[str, str], section: str = _SPEC) -> dict[str, Status]:
    return {code: Status(axis, value, section, text) for code, text in rows.items()}


_INTEGRITY = {
    **_table(Axis.INTEGRITY, _ALTERED, {
        "assertion.bmffHash.mismatch": "The file's contents are not those that were signed.",
        "assertion.boxesHash.mismatch": "The file's contents are not those that were signed.",
        "assertion.collectionHash.mismatch": "A file of the collection is not the one that was signed.",
        "assertion.dataHash.mismatch": "The file's bytes are not those that were signed.",
        "assertion.hashedURI.mismatch": "A statement in the credential is not the one that was signed.",
        "assertion.multiAssetHash.mismatch": "A part of the file is not the one that was signed.",
        "claimSignature.mismatch": "The signature does not belong to this claim.",
    }),
    **_table(Axis.INTEGRITY, _MALFORMED, {
        "algorithm.deprecated": "The credential uses an algorithm that is no longer allowed.",
        "assertion.action.ingredientMismatch": "An action names an ingredient that is not there.",
        "assertion.action.malformed": "An action lacks a required field.",
        "assertion.action.redacted": "An actions assertion was redacted, which is not allowed.",
        "assertion.action.redactionMismatch": "A redaction is not matched by an action.",
        "assertion.boxesHash.unknownBox": "The file has a part that the credential does not list.",
        "assertion.cbor.invalid": "An assertion is not valid CBOR.",
        "assertion.cloud-data.actions": "An update holds actions elsewhere, which is not allowed.",
        "assertion.cloud-data.hardBinding": "A hash of the file is kept elsewhere, which is not allowed.",
        "assertion.cloud-data.labelMismatch": "An assertion kept elsewhere has another label.",
        "assertion.cloud-data.malformed": "A reference to an assertion kept elsewhere is not valid.",
        "assertion.external-reference.malformed": "A reference to something outside the file is not valid.",
        "assertion.ingredient.malformed": "An ingredient is not described as the specification asks.",
        "assertion.json.invalid": "An assertion is not valid JSON.",
        "assertion.malformed": "An assertion does not have the form that its label promises.",
        "assertion.metadata.disallowed": "Metadata holds a field that is not allowed there.",
        "assertion.missing": "An assertion that the claim lists is missing.",
        "assertion.multipleHardBindings": "The claim holds more than one hash of the file.",
        "assertion.notRedacted": "An assertion that was declared redacted is still there.",
        "assertion.outsideManifest": "The claim refers to an assertion outside its manifest.",
        "assertion.required.missing": "An assertion lacks a required field.",
        "assertion.selfRedacted": "A claim redacts one of its own assertions.",
        "assertion.timestamp.malformed": "A time-stamp assertion is not valid.",
        "assertion.undeclared": "The manifest holds an assertion that its claim does not list.",
        "claim.cbor.invalid": "The claim is not valid CBOR.",
        "claim.hardBindings.missing": "The claim holds no hash of the file, so it could belong to any.",
        "claim.malformed": "The claim is not valid.",
        "claim.missing": "The manifest has no claim.",
        "claim.multiple": "The manifest has more than one claim.",
        "claim.required.missing": "The claim lacks a required field.",
        "claimSignature.missing": "The claim is not signed.",
        "hashedURI.missing": "The credential refers to a part that is not there.",
        "manifest.multipleParents": "The manifest names more than one parent.",
        "manifest.timestamp.invalid": "A time-stamp manifest holds what it may not hold.",
        "manifest.timestamp.wrongParents": "A time-stamp manifest does not have exactly one parent.",
        "manifest.unreferenced": "The credential holds a manifest that nothing refers to.",
        "manifest.update.invalid": "An update manifest holds what it may not hold.",
        "manifest.update.wrongParents": "An update manifest does not have exactly one parent.",
    }),
    **_table(Axis.INTEGRITY, _UNREADABLE, {
        "algorithm.unsupported": "The credential uses an algorithm that is not known here.",
        "assertion.inaccessible": "An assertion is kept elsewhere and was not fetched.",
        "assertion.multiAssetHash.missingPart": "A part of the file that was signed is missing.",
        "container.unreadable": "The file's container is damaged or cut short, so its credential cannot be checked.",
        "file.incomplete": "The file is cut short, so the signed hash of its contents cannot be checked.",
        "general.error": "The credential could not be checked.",
        "manifest.compressed.invalid": "The compressed manifest cannot be unpacked.",
        "manifest.inaccessible": "The credential is kept elsewhere and was not fetched.",
        "manifest.unreadable": "The credential's bytes are damaged or cut short.",
    }),
}  # fmt: skip
_SIGNER = {
    **_table(Axis.SIGNER, SignerStatus.UNKNOWN, {
        "signingCredential.untrusted": "The signer is on no trust list.",
    }),
    **_table(Axis.SIGNER, SignerStatus.EXPIRED, {
        "claimSignature.outsideValidity": "The certificate was not valid at the time of the signature.",
        "signingCredential.expired": "The signing certificate has expired.",
    }),
    **_table(Axis.SIGNER, SignerStatus.REVOKED, {
        "signingCredential.ocsp.revoked": "The certificate was revoked by its issuer.",
        "signingCredential.revoked": "The certificate was revoked by its issuer.",
    }),
    **_table(Axis.SIGNER, SignerStatus.UNFIT, {
        "signingCredential.invalid": "The certificate is not of the kind that may sign claims.",
    }),
    **_table(Axis.SIGNER, Revocation.NOT_CHECKED, {
        "signingCredential.ocsp.inaccessible": "Whether the certificate was revoked could not be asked.",
        "signingCredential.ocsp.skipped": "Nobody was asked whether the certificate was revoked.",
        "signingCredential.ocsp.unknown": "The issuer does not say whether the certificate was revoked.",
    }),
    **_table(Axis.SIGNER, Revocation.NOT_REVOKED, {
        "signingCredential.ocsp.notRevoked": "The issuer says that the certificate was not revoked.",
    }),
}  # fmt: skip
_TIME = _table(Axis.TIME, "untrusted", {
    "timeOfSigning.outsideValidity": "The signature is dated outside the certificate's validity.",
    "timeStamp.malformed": "The time-stamp is not valid.",
    "timeStamp.mismatch": "The time-stamp belongs to another claim.",
    "timeStamp.outsideValidity": "The time-stamp was made outside its own certificate's validity.",
    "timeStamp.untrusted": "Nobody on a list vouches for the time-stamp.",
})  # fmt: skip
_INGREDIENT = {
    **_table(Axis.INGREDIENT, _ALTERED, {
        "ingredient.claimSignature.mismatch": "The ingredient's signature is not the one that was referred to.",
        "ingredient.hashedURI.mismatch": "The ingredient's manifest is not the one that was referred to.",
        "ingredient.manifest.mismatch": "The ingredient's manifest is not the one that was referred to.",
    }),
    **_table(Axis.INGREDIENT, _MALFORMED, {
        "ingredient.claimSignature.missing": "The ingredient's signature is missing.",
        "ingredient.manifest.missing": "The ingredient's manifest is missing.",
    }),
    **_table(Axis.INGREDIENT, "unknown", {
        "ingredient.unknownProvenance": "An ingredient came without a credential.",
        "manifest.unknownProvenance": "A manifest cannot be interpreted.",
    }),
}  # fmt: skip
_NOTES = _table(Axis.INTEGRITY, "note", {
    "assertion.bmffHash.additionalExclusionsPresent": "Parts of the file are not covered by the signed hash.",
    "assertion.boxesHash.additionalExclusionsPresent": "Parts of the file are not covered by the signed hash.",
    "assertion.dataHash.additionalExclusionsPresent": "Parts of the file are not covered by the signed hash.",
    "assertion.dataHash.additionalExclusions": "Parts of the file are not covered by the signed hash.",
})  # fmt: skip

STATUSES: Mapping[str, Status] = MappingProxyType({**_INTEGRITY, **_SIGNER, **_TIME, **_INGREDIENT, **_NOTES})
"""Every failure and informational code that is known. Success codes need no classification."""

BINDINGS = frozenset(
    f"assertion.{kind}.mismatch" for kind in ("bmffHash", "boxesHash", "collectionHash", "dataHash", "multiAssetHash")
)
"""Failures that say that the file's contents differ, and nothing of the credential itself."""

INCOMPLETE = "file.incomplete"
"""Our own code in place of a binding's: the bytes that were hashed are not all there."""

BINDING_MATCHES = frozenset(code.replace("mismatch", "match") for code in BINDINGS)

IDENTITY_SECTION = "CAWG identity 1.2, 7"


def status(code: str) -> Status:
    """What a failure or informational code says. An unknown failure breaks some rule: it is never `altered`."""
    if code in STATUSES:
        return STATUSES[code]
    if code.startswith("cawg."):
        return Status(Axis.IDENTITY, "not_verified", IDENTITY_SECTION, f"An identity assertion: {code}.")
    if code.startswith(("timeStamp.", "timeOfSigning.")):
        return Status(Axis.TIME, "untrusted", _SPEC, f"The time-stamp: {code}.")
    return Status(Axis.INTEGRITY, _MALFORMED, _SPEC, f"The credential breaks a rule of the specification: {code}.")


def worst(codes: frozenset[str] | set[str]) -> Integrity:
    """The integrity that these failures leave, of a manifest or of an ingredient."""
    values = {found.value for found in map(status, codes) if found.axis in (Axis.INTEGRITY, Axis.INGREDIENT)}
    ranked = (Integrity.ALTERED, Integrity.UNREADABLE, Integrity.MALFORMED)
    return next((value for value in ranked if value in values), Integrity.INTACT)
