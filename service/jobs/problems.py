"""Why a job failed: an error of the tree, written down and raised again when somebody asks for the result."""

from typing import Self

from pydantic import BaseModel, Field

from service.kit.errors import Error, Refusal, tree


class JobProblem(BaseModel):
    """An error that ended a job, or kept one of its images from being released."""

    code: str = Field(description="Names the error. Stable; docs/errors.md lists all.")
    status: int = Field(description="The HTTP status that the same request would have had.")
    message: str
    hint: str
    appeal: str | None = Field(None, description="The content id of a refusal, to name in an appeal.")

    @classmethod
    def of(cls, error: Error) -> Self:
        appeal = error.content_id if isinstance(error, Refusal) else None
        return cls(code=error.code, status=error.status, message=error.message, hint=error.hint, appeal=appeal)

    def as_error(self) -> Error:
        """The error again, of its own class; without what it held beside its texts."""
        kind = next((each for each in tree() if each.code == self.code), Error)
        error = kind.__new__(kind)
        Error.__init__(error, self.message, hint=self.hint)
        if isinstance(error, Refusal):
            error.stage, error.subject, error.content_id = "", None, self.appeal
        vars(error).setdefault("param", None)
        vars(error).setdefault("retry_after", _RETRY_SECONDS)
        return error


_RETRY_SECONDS = 10
