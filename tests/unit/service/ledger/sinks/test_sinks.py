import pytest

from service.kit.errors import Misconfigured
from service.ledger.sinks import SINKS, open_sink


def test_an_unknown_address_names_the_kinds_there_are() -> None:
    for wrong in ("ftp://host", "", "/path", "https://[", "file"):
        with pytest.raises(Misconfigured, match="not the address of a checkpoint sink") as caught:
            open_sink(wrong, 1, required=False)
        assert all(f"{scheme}:" in caught.value.hint for scheme in SINKS)
