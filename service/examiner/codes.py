"""Reason and conflict codes: stable names with a sentence each, declared by the lane whose evidence they describe."""

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from typing import Self, TypeVar


class Topic(IntEnum):
    """What a code is about. Reports and documentation list codes in this order, whichever lane they come from."""

    CREDENTIAL = 1
    FILE = 2
    WATERMARK = 3
    ISSUED_IMAGE = 4
    ORIGIN = 5
    INGREDIENTS = 6
    CLASSIFIERS = 7


class ReportCode(StrEnum):
    """A member is written `NAME = "code", Topic.X, "One sentence."`; its value is the code."""

    topic: Topic
    text: str

    def __new__(cls, code: str, topic: Topic, text: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.topic = topic
        member.text = text
        return member


class ReasonCode(ReportCode):
    """Why a report says what it says. Lanes subclass it."""


class ConflictCode(ReportCode):
    """Two pieces of evidence that contradict each other. Lanes subclass it."""


Code = TypeVar("Code", bound=ReportCode)
T = TypeVar("T")


def catalogue(kinds: Iterable[type[ReportCode]]) -> dict[str, str]:
    """Every code of `kinds` with its sentence, by topic; within a topic in the order of `kinds`."""
    codes = sorted((code for kind in kinds for code in kind), key=lambda code: code.topic)
    return {code.value: code.text for code in codes}


def in_order(codes: Iterable[Code]) -> list[Code]:
    """`codes` by topic; within a topic they keep their order."""
    return sorted(codes, key=lambda code: code.topic)


def holding(conditions: Mapping[T, bool]) -> tuple[T, ...]:
    """The keys whose condition is true, in order."""
    return tuple(key for key, holds in conditions.items() if holds)
