"""The names by which clients may ask for the served model: its own, and the operator's aliases for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from service.kit.errors import BadRequest
from service.kit.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelNames:
    """`served`: the model's own name. `aliases`: other names, each for the model it names or, if None, for any."""

    served: str
    aliases: Mapping[str, str | None]

    @classmethod
    def of(cls, served: str, settings: Settings) -> Self:
        """The operator's aliases, `ALIAS` or `ALIAS=MODEL` each."""
        pairs = (alias.partition("=") for alias in settings.model_aliases)
        return cls(served, {alias: model or None for alias, _, model in pairs})

    def __iter__(self) -> Iterator[str]:
        """Every name that is answered, the model's own first."""
        yield self.served
        yield from (alias for alias in self.aliases if self._serves(alias) and alias != self.served)

    def warnings(self, asked: str | None) -> tuple[str, ...]:
        """What to tell a client who asked for a model by this name; None or empty if it named none.

        Raises:
            BadRequest: the name is not answered here.
        """
        if not asked or asked == self.served:
            return ()
        if asked not in self.aliases or not self._serves(asked):
            raise BadRequest(
                f"the model served here is {self.served}",
                hint="Omit `model`, or send that name. The operator can set model_aliases.",
                param="model",
            )
        return (f"{asked} is another name for {self.served} here: {self.served} made the image",)

    def _serves(self, alias: str) -> bool:
        return self.aliases[alias] in (None, self.served)
