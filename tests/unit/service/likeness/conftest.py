import pytest

from service.installation import Installation
from service.keys import signing
from service.kit.settings import Settings
from service.likeness.receipts import Signer
from service.likeness.registry import Consent
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def consent(installation: Installation, settings: Settings, clock: Clock) -> Consent:
    """The registry of `installation`, on a clock that the test sets."""
    signer = Signer(signing.receipt_key(settings), settings.provider)
    return Consent(installation.ledger, signing.vault(settings), signer, clock)
