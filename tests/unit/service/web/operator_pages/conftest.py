"""Somebody who is signed in at the operator's pages."""

import pytest
from fastapi.testclient import TestClient

from service.installation import Installation
from tests.support.operators import Signed, operator_key


@pytest.fixture
def operator(client: TestClient, installation: Installation) -> Signed:
    return Signed(client, operator_key(installation))
