"""What a page says of an error: what happened, what to do, and how to appeal."""

from dataclasses import dataclass

from service.api.problems import Problem, headers_of, problem_of
from service.kit.errors import Error
from service.presentation.messages import Messages


@dataclass(frozen=True, slots=True)
class ErrorView:
    """`detail` is in English. `advice_language`: of the advice, where the catalogue has none for this error.
    `appeal`: the content id of a refusal. `retry_after`: seconds."""

    title: str
    detail: str
    advice: str
    advice_language: str
    code: str
    request_id: str
    appeal: str | None = None
    retry_after: str | None = None
    file: str | None = None


def of_problem(problem: Problem, retry_after: str | None, words: Messages, file: str | None = None) -> ErrorView:
    """The view of a problem. `file`: the name of the file that it is about."""
    title, advice = words.find(f"error.{problem.code}.title"), words.find(f"error.{problem.code}.advice")
    known = advice is not None
    return ErrorView(
        title=title or words("error.heading_refused" if problem.appeal else "error.heading"),
        detail=f"{problem.detail[:1].upper()}{problem.detail[1:]}.",
        advice=advice if advice is not None else problem.hint,
        advice_language=words.language if known else "en",
        code=problem.code,
        request_id=problem.instance,
        appeal=problem.appeal,
        retry_after=retry_after,
        file=file,
    )


def of_error(error: Error, request_id: str, words: Messages, file: str | None = None) -> ErrorView:
    """The view of an error that a page shows among other things."""
    return of_problem(problem_of(error, request_id), headers_of(error).get("Retry-After"), words, file)
