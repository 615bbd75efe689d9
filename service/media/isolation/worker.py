"""A worker: a clean process that parses one file after another. The pool starts it; see `process.py`.

It imports its parsers, gives up all rights, says what it gave up, and then waits for jobs until the channel closes.
"""

import os
import socket
import sys
from collections.abc import Mapping
from mmap import mmap
from typing import Any

from service.kit.errors import InputError
from service.media.isolation import messages
from service.media.isolation.loading import Parser, load
from service.media.isolation.sandbox import JobLimits, confine

# Text codecs that parsers ask for by name while they work, when nothing can be opened any more.
_CODECS = ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp437", "idna")
_RECYCLE_BYTES = 256 << 20  # memory that the libraries keep after a file, above which a worker is replaced


def serve(channel: socket.socket, memory: int, targets: Mapping[str, str], parent: int) -> None:
    """Answer jobs until the channel closes. `memory`: descriptor of the shared memory; `targets`: parsers by name."""
    for codec in _CODECS:
        "".encode(codec)
    parsers = {name: load(target) for name, target in targets.items()}
    limits = JobLimits.open()
    messages.send(channel, {"ready": confine(parent)})
    view: mmap | None = None
    while True:
        try:
            job = messages.receive(channel)
        except messages.Closed:
            return
        limits.set(job["memory"], job["seconds"])
        if view is None or len(view) != job["region"]:
            view = mmap(memory, job["region"])
        answer = _answer(parsers[job["parser"]], view, job)
        answer["recycle"] = limits.kept() > _RECYCLE_BYTES
        try:
            messages.send(channel, answer)
        except ValueError:  # a file of which there is more to say than can be said
            messages.send(channel, {"failure": "TooMuchToSay"})


def _answer(parser: Parser, view: mmap, job: dict[str, Any]) -> dict[str, Any]:
    """The parser's value, or what was wrong. A parser's error says nothing about this process, so it goes on."""
    parts, at = [], 0
    for size in job["parts"]:
        parts.append(view[at : at + size])
        at += size
    try:
        value, written = parser(*parts, out=memoryview(view)[at : at + job["output"]], **job["options"])
        return {"value": value, "written": written}
    except InputError as wrong:
        return {"error": wrong.code, "message": wrong.message, "hint": wrong.hint}
    except MemoryError:
        return {"memory": True}
    except Exception as damage:  # noqa: BLE001 - whatever a parser raises on a hostile file
        return {"failure": type(damage).__name__}


def main(descriptors: str, targets: str, parent: str) -> None:
    """Entry point: the channel's and the memory's descriptor, parsers as `name=module:function`, and the pool's id."""
    channel, memory = (int(number) for number in descriptors.split(","))
    named = dict(pair.split("=", 1) for pair in targets.split(","))
    status = 1
    try:
        serve(socket.socket(fileno=channel), memory, named, int(parent))
        status = 0
    finally:
        sys.stdout = sys.stderr = None  # nothing is flushed to descriptors that are gone
        os._exit(status)
