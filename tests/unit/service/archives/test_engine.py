from service.archives.engine import Stopped
from service.kit.errors import Misconfigured


def test_an_error_arrives_as_it_was() -> None:
    error = Stopped.by(Misconfigured("what", hint="do this.")).error()
    assert (type(error), error.message, error.hint) == (Misconfigured, "what", "do this.")
