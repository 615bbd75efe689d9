import pytest

from service.api.examples import example_of, problem_example
from service.api.failures import JOB_RESULT
from service.jobs.problems import JobProblem
from service.kit.errors import Error, Unsafe


@pytest.mark.parametrize("kind", JOB_RESULT)
def test_an_error_comes_back_as_it_was(kind: type[Error]) -> None:
    error = example_of(kind)
    again = JobProblem.model_validate_json(JobProblem.of(error).model_dump_json()).as_error()
    before, after = problem_example(error), problem_example(again)
    before["error"].pop("param"), after["error"].pop("param")
    assert after == before


def test_what_a_later_version_wrote_is_an_error_all_the_same() -> None:
    told = JobProblem(code="not_known_yet", status=400, message="what", hint="do")
    assert type(told.as_error()) is Error
    assert JobProblem.of(Unsafe("no", stage="screen")).appeal is None
