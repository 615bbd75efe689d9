"""Reading the card of a face model: one ONNX file and its options."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from models import Card, ModelFault

Options = TypeVar("Options", bound=BaseModel)


def load_card(card: Card, options: type[Options], what: str) -> tuple[str, Options]:
    """The card's ONNX file and its options. `what` names the kind of model in error messages.

    Raises:
        ModelFault: the card does not list exactly one ONNX file, or its options are malformed.
    """
    files = [path for path in card.files if path.endswith(".onnx")]
    if len(files) != 1:
        raise ModelFault(f"{card.identity}: the card lists {len(files)} ONNX files; {what} needs exactly one")
    try:
        return files[0], options.model_validate(dict(card.options))
    except ValidationError as bad:
        raise ModelFault(f"{card.identity}: the card's options are malformed: {bad}") from bad
