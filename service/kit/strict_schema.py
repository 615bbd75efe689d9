"""The base of every JSON request body: unknown members are refused, and so are too many."""

from pydantic import BaseModel, ConfigDict, model_validator

MAX_MEMBERS = 64


class StrictModel(BaseModel):
    """Refuses unknown members. Each costs an error of hundreds of bytes, so their number is limited first."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _limit_members(cls, value: object) -> object:
        if isinstance(value, dict) and len(value) > MAX_MEMBERS:
            raise ValueError(f"more than {MAX_MEMBERS} members")
        return value
