"""Files of a model hub's repositories, by the hub's own client: resumed where it stopped, with a progress bar."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import ModelError


def fetch(repository: str, revision: str, files: Iterable[str], cache: Path) -> Path:
    """Fetch `files` of `repository` at `revision` and return the folder they lie in, inside `cache`.

    A download that was cut off goes on where it stopped. HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and the proxy
    variables hold as for every program that uses the hub; only the named files are fetched.

    Raises:
        ModelError: the hub's client is not installed, or it could not fetch; its words are in the message.
    """
    with _faults(repository):
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - the extra is asked for by name

        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(files), cache_dir=cache))


def commit_of(snapshot: Path) -> str:
    """The commit of a folder that `fetch` returned: the hub's client names it so."""
    return snapshot.name


@contextmanager
def _faults(repository: str) -> Iterator[None]:
    try:
        yield
    except ImportError as missing:
        raise ModelError(
            "fetching from a hub needs its client: pip install 'countermark[generate]', or huggingface_hub alone"
        ) from missing
    except Exception as fault:  # the client's own errors share no class
        raise ModelError(f"{repository} could not be fetched: {type(fault).__name__}: {fault}") from fault
