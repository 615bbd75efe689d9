"""The wrapped keys of one kind of record are found and replaced, each in its own row."""

import pytest

from service.installation import Installation
from service.storage import WrappedKey
from tests.support.people import BOB, enrolled


def test_each_row_gets_its_own_new_key(installation: Installation) -> None:
    ids = sorted(enrolled(installation.consent, colour).subject for colour in ((250, 0, 0), BOB, (0, 250, 0)))
    installation.consent.subjects.erase(ids[1])
    kept = [ids[0], ids[2]]
    with installation.ledger.write() as stored:
        assert [each.row for each in stored.wrapped_keys.of("subjects")] == kept
        assert stored.wrapped_keys.of("takedowns") == []
        stored.wrapped_keys.replace("subjects", [WrappedKey(kept[1], b"new")])
        stored.wrapped_keys.replace("takedowns", [])
    with installation.ledger.read() as stored:
        first, second = stored.wrapped_keys.of("subjects")
        assert (first.key == b"new", second) == (False, WrappedKey(kept[1], b"new"))
        with pytest.raises(RuntimeError, match="for reading"):
            stored.wrapped_keys.replace("subjects", [first])
