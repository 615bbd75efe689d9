"""Model tasks: what the `task` of a card means, and what opens such a card.

A task is declared once, beside the class that implements it, and is the only thing that reads `Card.task`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from pydantic import BaseModel

from models.cards import Card, TaskName
from models.errors import ModelFault

P = ParamSpec("P")
ModelT_co = TypeVar("ModelT_co", covariant=True)

TASKS: "dict[TaskName, Task[..., Any]]" = {}
"""Every task that an imported module declares, by name."""


@dataclass(frozen=True, slots=True)
class Task(Generic[P, ModelT_co]):
    """One kind of model. Declaring a second task of one name raises ValueError: a card names one factory.

    `options`: the forms that a card's `options` can take; empty if the task reads none.
    """

    name: TaskName
    summary: str
    factory: Callable[Concatenate[Card, P], ModelT_co]
    options: tuple[type[BaseModel], ...] = ()

    def __post_init__(self) -> None:
        if self.name in TASKS:
            raise ValueError(f"task {self.name} is declared twice")
        TASKS[self.name] = self

    def of(self, cards: Iterable[Card]) -> list[Card]:
        """The cards of this task, in order."""
        return [card for card in cards if card.task == self.name]

    def open(self, card: Card, *args: P.args, **kwargs: P.kwargs) -> ModelT_co:
        """The model that a card describes, loaded.

        Raises:
            ModelFault: the card is of another task.
            ModelError: as the factory.
        """
        if card.task != self.name:
            raise ModelFault(f"{card.identity} is a card of task {card.task}, not {self.name}")
        return self.factory(card, *args, **kwargs)
