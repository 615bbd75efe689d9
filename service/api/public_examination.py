"""Examinations by whoever has no key, where keys are used: counted, and with coarse figures of our watermark.

A detector that may be asked without end, and that answers with exact figures, tells an attacker which change weakens a
mark (docs/adr/0047-public-detection.md). Before there is a tenant, everybody is the operator.
"""

import math
from dataclasses import replace

from starlette.requests import Request

from service.access.client import Client
from service.api.dependencies import Services
from service.api.rate_limits import caller
from service.examiner.examiner import IllustratedReport
from service.examiner.public_report import system_only
from service.examiner.report import Report
from service.examiner.sections import KnownMarkTrace, MarkPresence, WatermarkReading
from service.kit.errors import BadRequest, TooManyExaminations
from watermark import Codec

_SHARE_STEP = 0.25
_SCORE_STEP = 5.0
_DECADES = 3
"""Steps of shares, of scores, and of the exponents of p-values."""


def count(services: Services, client: Client, request: Request, files: int = 1, counted: int = 0) -> None:
    """Count examinations by `client`. `counted`: of these files, before.

    Raises TooManyExaminations; BadRequest for more files than one address may ever have at once.
    """
    if not client.public or files == counted:
        return
    most = services.installation.settings.public_examinations
    if files > most > 0:
        raise BadRequest(f"without a key, at most {most} files are examined at once", hint="Send fewer, or a key.")
    if wait := services.public_examinations.take(caller(request.scope), files - counted):
        raise TooManyExaminations(math.ceil(wait))


def count_in_open_tier(services: Services, client: Client, request: Request, files: int = 1, counted: int = 0) -> None:
    """Count what is no examination of a mark, where anybody may ask for it at a rate. Raises as `count`."""
    if client.system_only:
        count(services, client, request, files, counted)


def shown_to(client: Client, report: Report) -> Report:
    """The report as `client` sees it."""
    if not client.public:
        return report
    coarse = report.model_copy(update={"marked": [_coarse(mark) for mark in report.marked]})
    return system_only(coarse) if client.system_only else coarse


def illustrated_for(client: Client, illustrated: IllustratedReport) -> IllustratedReport:
    """The same with its pictures; the map of what is left of a mark is exact, and left out. In the open tier, so are
    the thumbnails of what an image was made from.
    """
    if not client.public:
        return illustrated
    thumbnails = {} if client.system_only else illustrated.thumbnails
    return replace(illustrated, report=shown_to(client, illustrated.report), evidence=None, thumbnails=thumbnails)


def _coarse(mark: WatermarkReading) -> WatermarkReading:
    if mark.codec not in Codec.ALGORITHMS.values():
        return mark  # other makers' marks are read by public methods
    return mark.model_copy(
        update={
            "confidence": None if mark.confidence is None else _step(mark.confidence, _SHARE_STEP),
            "coverage": None if mark.coverage is None else _step(mark.coverage, _SHARE_STEP),
            "agreement": None if mark.agreement is None else _step(mark.agreement, _SCORE_STEP),
            "presence": mark.presence and _coarse_presence(mark.presence),
            "known": mark.known and [_coarse_trace(each) for each in mark.known],
        }
    )


def _coarse_presence(presence: MarkPresence) -> MarkPresence:
    return MarkPresence(score=_step(presence.score, _SCORE_STEP), p_value=_decade(presence.p_value))


def _coarse_trace(trace: KnownMarkTrace) -> KnownMarkTrace:
    scores = {name: _step(getattr(trace, name), _SCORE_STEP) for name in ("message", "template")}
    return trace.model_copy(update={**scores, "p_value": _decade(trace.p_value)})


def _step(value: float, step: float) -> float:
    """`value` rounded to a multiple of `step`."""
    return round(value / step) * step


def _decade(p_value: float) -> float:
    """The next larger power of a thousand."""
    return float(10.0 ** (_DECADES * math.ceil(math.log10(max(p_value, 1e-300)) / _DECADES)))
