"""Judging uploaded files: each is decoded on its own, and the classifiers take those of many requests together."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor

from pydantic import BaseModel, Field, RootModel

from detectors import Inference, Prepared
from service.api.batches import Batcher
from service.api.capacity import run_in_thread
from service.api.uploads import Upload
from service.examiner.classifier import Classifier, Detection, detection
from service.installation import Installation
from service.kit.errors import Error

_BATCH_SIZE = 16


class FileError(BaseModel):
    """Why a file could not be judged."""

    code: str = Field(description="The error code, as in a problem.")
    message: str
    hint: str


class FailedDetection(BaseModel):
    """A file of a form that could not be judged. The other files are judged all the same."""

    file: str
    error: FileError


class DetectionLine(RootModel[Detection | FailedDetection]):
    """One line of the response."""


class DetectionService:
    """Judges files with the classifiers, across requests. Opens the classifiers with the first file."""

    def __init__(self, installation: Installation, image_threads: Executor) -> None:
        self._installation = installation
        self._image_threads = image_threads
        self._prepared = asyncio.Semaphore(2 * _BATCH_SIZE)  # prepared images wait in memory
        self._batcher: Batcher[Prepared, Inference] = Batcher(self._judge_batch, _BATCH_SIZE)

    async def check_rate(self, threshold_fpr: float | None) -> None:
        """Raises BadRequest if the classifiers have no threshold for this false-positive rate."""
        (await self._classifier()).check_rate(threshold_fpr)

    async def judge(self, upload: Upload, threshold_fpr: float | None) -> str:
        """A line of JSON, with its newline. Raises InputError if the file cannot be used, Unavailable."""
        data, name = upload
        classifier = await self._classifier()
        async with self._prepared:
            prepared, source = await run_in_thread(self._image_threads, classifier.read, data)
            inference = await self._batcher(prepared)
        inferred = self._installation.scores.note(classifier.say(inference, threshold_fpr), source.sha256, prepared)
        return detection(inferred, name, source).model_dump_json() + "\n"

    async def judge_or_report(self, upload: Upload, threshold_fpr: float | None) -> str:
        """The same; for a file that cannot be judged, a line that says why."""
        try:
            return await self.judge(upload, threshold_fpr)
        except Error as error:
            failed = FileError(code=error.code, message=error.message, hint=error.hint)
            return FailedDetection(file=upload[1], error=failed).model_dump_json() + "\n"

    async def _classifier(self) -> Classifier:
        return await asyncio.to_thread(lambda: self._installation.classifier)

    def _judge_batch(self, prepared: Sequence[Prepared]) -> list[Inference]:
        return self._installation.classifier.judge(prepared)
