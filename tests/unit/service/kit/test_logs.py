import json

import pytest
import structlog

from service.kit import logs


def test_one_json_object_a_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    log = structlog.get_logger()
    log.debug("quiet")
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        log.info("released", sha256="00")
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = map(json.loads, err.splitlines())
    assert (line["event"], line["level"], line["request_id"]) == ("released", "info", "r1")
    logs.configure("error")
