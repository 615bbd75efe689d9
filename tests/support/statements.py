"""What a manifest says, for tests of credentials."""

import datetime as dt

from watermark.c2pa.manifest import Statement

STATEMENT = Statement(
    content_id="urn:uuid:1",
    created_at=dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    provider="Test",
    system="Countermark",
    system_version="0.1",
    model="painter",
    model_version="1",
    model_digest="0" * 64,
    mark_algorithm="org.example.mark",
    mark_id=123456789,
)
