from service.installation import Installation
from service.ledger.checkpoints import Checkpoint
from tests.support.operators import Signed


def test_decisions_come_newest_first_with_a_checkpoint(operator: Signed, installation: Installation) -> None:
    for number in range(60):
        installation.ledger.record("refused", f"urn:uuid:{number}", {"code": "x"})
    page = operator.open("/audit")
    assert page.index("urn:uuid:59<") < page.index("urn:uuid:10<")
    assert "urn:uuid:9<" not in page
    note = page.partition("<pre>")[2].partition("</pre>")[0]
    assert Checkpoint.verified(note, installation.log.verifier).size == 61
    assert str(installation.log.verifier) in page
    assert "/operator/audit?before=12" in page
    older = operator.open("/audit?before=12&lang=de")
    assert "urn:uuid:9<" in older
    assert "before=" not in older


def test_a_number_that_is_none(operator: Signed) -> None:
    assert operator.client.get("/operator/audit?before=0").status_code == 400
