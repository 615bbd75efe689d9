"""The declared failures against the code that fails: an error that a use case starts to raise is documented with it."""

import ast
from pathlib import Path

import pytest

import service
from service.api import failures
from service.api.examples import example_of
from service.api.failures import (
    APPEAL_STATUS,
    DELETE_JOB,
    DETECT,
    EDIT,
    ENROL,
    EVERY_REQUEST,
    EXAMINE,
    FETCH_HELD,
    FETCH_MANIFEST,
    FILE_APPEAL,
    FILE_TAKEDOWN,
    GENERATE,
    GIVE_FEEDBACK,
    JOB_RESULT,
    LIST_GRANTS,
    NEVER_ANSWERED,
    PROVE_CONSISTENCY,
    PROVE_DECISION,
    READ_RECEIPT,
    READ_SUBJECT,
    REVOKE_GRANT,
    START_ENROLMENT,
    TAKE_ON_INSPECTION,
    TAKEDOWN_STATUS,
    WITHDRAW_IMAGE,
    Failures,
)
from service.api.openapi import KEY_FAILURES
from service.kit.errors import BrokenArchive, Error, KeyExpired, KeyRevoked, RateLimited, Unauthorized, tree

SERVICE = Path(service.__file__).parent
ERRORS = {error.__name__: error for error in tree()}
CONSENT = (*READ_RECEIPT, *LIST_GRANTS, *READ_SUBJECT, *REVOKE_GRANT, *WITHDRAW_IMAGE, *START_ENROLMENT, *ENROL)
DECLARED = {name: value for name, value in vars(failures).items() if name.isupper() and isinstance(value, tuple)}


def raised_in(pattern: str) -> set[type[Error]]:
    """Every error of the tree that a module of these creates."""
    paths = list(SERVICE.glob(pattern))
    assert paths, pattern
    calls = (node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    names = {node.func.id for node in calls if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return {ERRORS[name] for name in names & ERRORS.keys()}


@pytest.mark.parametrize(
    ("pattern", "declared"),
    [
        ("gateway/**/*.py", (*EDIT, *FETCH_HELD)),
        ("generation/**/*.py", GENERATE),
        ("adapters/registry.py", FETCH_HELD),
        ("access/tenants.py", (*FETCH_HELD, Unauthorized, KeyExpired, KeyRevoked)),
        ("access/client.py", GENERATE),
        ("access/usage.py", (*GENERATE, RateLimited)),
        ("access/usage.py", (*EXAMINE, RateLimited)),
        ("keys/vault.py", APPEAL_STATUS),
        ("keys/vault.py", TAKEDOWN_STATUS),
        ("likeness/checks.py", GENERATE),
        ("likeness/comparison.py", GENERATE),
        ("likeness/**/*.py", (*CONSENT, *GENERATE)),
        ("likeness/enrolment.py", (*ENROL, *EVERY_REQUEST)),
        ("moderation/blocklist.py", FETCH_HELD),
        ("moderation/takedowns.py", (*FILE_TAKEDOWN, *TAKEDOWN_STATUS)),
        ("moderation/appeals.py", (*FILE_APPEAL, *APPEAL_STATUS)),
        ("examiner/**/*.py", (*EXAMINE, *FETCH_MANIFEST, *GIVE_FEEDBACK)),
        ("examiner/classifier.py", DETECT),
        ("examiner/feedback.py", GIVE_FEEDBACK),
        ("media/**/*.py", (*EXAMINE, BrokenArchive)),
        ("media/**/*.py", (*EDIT, BrokenArchive)),
        ("media/**/*.py", (*FILE_TAKEDOWN, BrokenArchive)),
        ("media/archive*.py", TAKE_ON_INSPECTION),
        ("api/inspections.py", TAKE_ON_INSPECTION),
        ("api/job_*.py", JOB_RESULT),
        ("api/idempotency.py", (*KEY_FAILURES, *EVERY_REQUEST)),
        ("jobs/answers.py", (*KEY_FAILURES, *EVERY_REQUEST)),
        ("jobs/*_jobs.py", JOB_RESULT),
        ("jobs/files.py", (*JOB_RESULT, *EVERY_REQUEST)),
        ("jobs/queue.py", (*JOB_RESULT, *DELETE_JOB, *TAKE_ON_INSPECTION)),
        ("ledger/**/*.py", (*EVERY_REQUEST, *PROVE_DECISION, *PROVE_CONSISTENCY, *GENERATE)),
        ("api/image_*.py", GENERATE),
        ("api/capacity.py", FETCH_HELD),
        ("api/edits.py", EDIT),
        ("api/takedowns.py", FILE_TAKEDOWN),
        ("api/enrolments.py", ENROL),
        ("api/consent.py", CONSENT),
        ("api/uploads.py", ENROL),
    ],
)
def test_what_a_use_case_raises_is_declared(pattern: str, declared: Failures) -> None:
    assert raised_in(pattern) - set(declared) - NEVER_ANSWERED.keys() == set()


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_declared_can_be_answered(name: str) -> None:
    assert set(DECLARED[name]) & NEVER_ANSWERED.keys() == set()
    for error in DECLARED[name]:
        assert type(example_of(error)) is error


def test_what_is_never_answered_says_why() -> None:
    assert all(NEVER_ANSWERED.values())
    with pytest.raises(KeyError):
        example_of(next(iter(NEVER_ANSWERED)))
