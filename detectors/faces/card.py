"""What every face model by card begins with: one ONNX file, and options of a known form."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from models import Card, ModelFault

Options = TypeVar("Options", bound=BaseModel)


def opened(card: Card, options: type[Options], what: str) -> tuple[str, Options]:
    """The card's one ONNX file and its options; `what`: of what kind it is, for the message.

    Raises:
        ModelFault: it names none or several, or its options are malformed.
    """
    files = [path for path in card.files if path.endswith(".onnx")]
    if len(files) != 1:
        raise ModelFault(f"{card.identity}: its card names {len(files)} ONNX files, {what} has one")
    try:
        return files[0], options.model_validate(dict(card.options))
    except ValidationError as bad:
        raise ModelFault(f"{card.identity}: the card's options are malformed: {bad}") from bad
