"""What anybody may send as JSON: known members alone, and not many of them."""

from pydantic import BaseModel, ConfigDict, model_validator

MOST_MEMBERS = 64


class StrictModel(BaseModel):
    """Unknown members are refused. Each of them costs a complaint of hundreds of bytes, so many are refused at once."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _few_members(cls, value: object) -> object:
        if isinstance(value, dict) and len(value) > MOST_MEMBERS:
            raise ValueError(f"more than {MOST_MEMBERS} members")
        return value
