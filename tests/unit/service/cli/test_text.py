"""Text for the terminal."""

import os

from service.cli.text import label, printable


def test_names_and_texts_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[31mb\nc\u202e") == "a\ufffd[31mb\nc\ufffd"
    assert label(os.fsdecode(b"\xff.png")) == "\ufffd.png"
