"""Download files from a model hub with its own client, which resumes and shows progress."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import ModelError


def download(repository: str, revision: str, files: Iterable[str], cache: Path) -> Path:
    """Download only `files` of `repository` at `revision`, and return their folder inside `cache`.

    An interrupted download resumes. HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and the proxy variables work as usual.

    Raises:
        ModelError: the hub's client is not installed, or the download failed; the message includes its error.
    """
    with _faults(repository):
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - an extra

        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(files), cache_dir=cache))


def commit_of(snapshot: Path) -> str:
    """The commit of a folder returned by `download`: the hub's client names the folder after it."""
    return snapshot.name


@contextmanager
def _faults(repository: str) -> Iterator[None]:
    try:
        yield
    except ImportError as missing:
        raise ModelError("downloading from the hub needs huggingface_hub: pip install huggingface_hub") from missing
    except Exception as fault:  # the client raises many types
        raise ModelError(f"{repository} could not be downloaded: {fault}") from fault
