"""The service: the only package that decides, stores and talks."""

from importlib.metadata import PackageNotFoundError, version

SYSTEM_NAME = "Countermark"

try:
    __version__ = version("countermark")
except PackageNotFoundError:  # a bare checkout on sys.path; the start-up guard refuses to serve from it
    __version__ = "0+unknown"
