"""Base class of backends that wrap another backend."""

from service.generation.backend import Backend, Job, ModelIdentity


class BackendProxy:
    """Forwards everything but `render` to the wrapped backend."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def identity(self) -> ModelIdentity:
        return self._backend.identity

    @property
    def default_size(self) -> tuple[int, int]:
        return self._backend.default_size

    @property
    def default_steps(self) -> int:
        return self._backend.default_steps

    @property
    def high_steps(self) -> int:
        return self._backend.high_steps

    @property
    def default_guidance(self) -> float:
        return self._backend.default_guidance

    @property
    def most_steering(self) -> int:
        return self._backend.most_steering

    @property
    def reference_digest(self) -> str:
        return self._backend.reference_digest

    def check_room(self) -> None:
        """Raise Busy if the queue is full; call this before doing expensive work for a new image."""
        if isinstance(self._backend, BackendProxy):
            self._backend.check_room()

    def fitting(self, width: int, height: int) -> tuple[int, int]:
        return self._backend.fitting(width, height)

    def nearest_size(self, width: int, height: int) -> tuple[int, int]:
        return self._backend.nearest_size(width, height)

    def check(self, job: Job) -> tuple[str, ...]:
        return self._backend.check(job)
