"""The reasons and conflicts that a Content Credential brings into the report."""

from service.examiner.codes import ConflictCode, ReasonCode, Topic


class ClaimedReason(ReasonCode):
    TRUSTED = (
        "credential_trusted",
        Topic.CREDENTIAL,
        "The file carries a Content Credential whose signer is on a trust list.",
    )
    UNTRUSTED_SIGNER = (
        "credential_untrusted_signer",
        Topic.CREDENTIAL,
        "The Content Credential is intact, but its signer is on no trust list.",
    )
    INVALID = (
        "credential_invalid",
        Topic.CREDENTIAL,
        "The file or its Content Credential was changed after signing: a hash or the signature does not match.",
    )
    MALFORMED = (
        "credential_malformed",
        Topic.CREDENTIAL,
        "The Content Credential breaks a rule of its specification. Every hash and the signature match.",
    )
    UNREADABLE = (
        "credential_unreadable",
        Topic.CREDENTIAL,
        "The file carries a Content Credential that cannot be read or checked whole: damaged, or cut short.",
    )
    EXPIRED = (
        "credential_expired",
        Topic.CREDENTIAL,
        "The Content Credential is intact, but its certificate has expired and nothing vouches for its date.",
    )
    REJECTED_SIGNER = (
        "credential_signer_rejected",
        Topic.CREDENTIAL,
        "The Content Credential is intact, but its certificate was revoked, or may not sign claims.",
    )
    ELSEWHERE = (
        "credential_elsewhere",
        Topic.CREDENTIAL,
        "The file points to a Content Credential on another host, which was not fetched.",
    )
    ABSENT = (
        "credential_absent",
        Topic.CREDENTIAL,
        "The file carries no Content Credential. That is not evidence of anything.",
    )
    CHANGED_AFTER_ISSUE = (
        "file_changed_after_issue",
        Topic.FILE,
        "Its manifest was issued here with other bytes: the file was changed.",
    )
    SYNTHETIC = (
        "credential_declares_synthetic",
        Topic.ORIGIN,
        "The Content Credential says that a generator made the image.",
    )
    ALGORITHMIC = (
        "credential_declares_algorithmic",
        Topic.ORIGIN,
        "The Content Credential says that an algorithm made the image: algorithmic, not trained on examples.",
    )
    COMPOSITE = (
        "credential_declares_composite",
        Topic.ORIGIN,
        "The Content Credential says that parts of the image are generated.",
    )
    CAMERA = (
        "credential_declares_camera",
        Topic.ORIGIN,
        "The Content Credential says that a camera made the image.",
    )
    THROUGH_INGREDIENT = (
        "origin_through_ingredient",
        Topic.ORIGIN,
        "That origin is claimed by the credential of an image that this one was made from.",
    )
    INGREDIENT_UNKNOWN_SIGNER = (
        "ingredient_unknown_signer",
        Topic.INGREDIENTS,
        "An image that this one was made from has a credential whose signer is on no trust list.",
    )
    INGREDIENT_UNREADABLE = (
        "ingredient_unreadable",
        Topic.INGREDIENTS,
        "An image that this one was made from had a credential that could not be checked, or that breaks a rule.",
    )


class ClaimedConflict(ConflictCode):
    INGREDIENT_INVALID = (
        "ingredient_invalid",
        Topic.INGREDIENTS,
        "An image that this one was made from had been altered after it was signed.",
    )
