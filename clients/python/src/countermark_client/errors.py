"""What a client may raise."""

from countermark_client.models import Problem


class CountermarkError(Exception):
    """The base of everything that this package raises."""


class ApiError(CountermarkError):
    """The server refused or could not do it. `problem`: its code, what happened, and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.detail} {problem.hint}".strip())
        self.problem = problem


class Unreachable(CountermarkError):
    """There was no answer, or none of Countermark's."""


class JobNotEnded(CountermarkError):
    """A job took longer than the caller wanted to wait. It goes on."""


class WebhookError(CountermarkError):
    """A request is not a webhook of this server: its signature, its age or its form is wrong."""
