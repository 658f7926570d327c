"""Everything that can go wrong, as one tree; the class says what a caller can do about it.

    StudioError                 code, message for people
    ├── InvalidRequest          the request is wrong: `field` names the part           (HTTP 400)
    │   └── InvalidImage        an uploaded picture or mask can't be used
    ├── NotAllowed              the caller's key is not for this                        (403)
    ├── NotFound                nothing has that id                                     (404)
    │   └── UnknownModel        no such entry in models.yml
    ├── Conflict                right request, wrong moment                             (409)
    │   ├── JobFinished         a finished job can't be cancelled
    │   ├── ModelFilesMissing   the model's files are not on this machine
    │   └── IdempotencyMismatch same key, different request
    ├── TooLarge                body or picture over the limit                          (413)
    ├── QueueFull               try again later: `retry_after` seconds                  (429)
    ├── Stopping                the studio is shutting down                             (503)
    ├── EngineUnavailable       the engine could not be prepared or started             (503)
    ├── StorageFull             no room under outputs/                                  (507)
    ├── DownloadFailed          files of a model could not be had: told at the download
    ├── AddressRefused          a host outside that must not be asked
    ├── ConfigurationError      settings or models.yml: `faults`, all of them at once   (exit 2)
    ├── AlreadyRunning          another studio owns these outputs                       (exit 75)
    └── EngineError             a generation went wrong
        ├── EngineCrashed       the engine died; worth one more try
        ├── EngineStalled       the engine lives and makes no progress; worth one more try
        ├── OutOfMemory         no room for the model or the picture; worth a try with less of it
        ├── EngineRefused       the engine said no; trying again gives the same answer
        └── BadResult           the pictures are not what was asked for

Interruptions (`Interrupted`) are control flow, not faults: they derive from BaseException so that no
`except Exception` on the way can swallow a cancel.
"""

from collections.abc import Sequence

_NEED_LESS = "use a smaller picture, or a smaller or more quantised model, or end other programs"


class StudioError(Exception):
    """A fault with a stable `code` for programs and a sentence for people."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequest(StudioError):
    """The request itself is wrong; `field` names the part, or is empty for the whole."""

    code = "invalid_request"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class InvalidImage(InvalidRequest):
    """An uploaded picture or mask can't be used."""

    code = "invalid_image"


class NotAllowed(StudioError):
    """The caller's key is not for this, or the thing is somebody else's."""

    code = "not_allowed"


class NotFound(StudioError):
    """Nothing has that id."""

    code = "not_found"


class UnknownModel(NotFound):
    """No entry of models.yml has that id or alias."""

    code = "unknown_model"


class Conflict(StudioError):
    """A sound request that the present state forbids."""

    code = "conflict"


class JobFinished(Conflict):
    """The job has a final status and can't be cancelled."""

    code = "job_finished"


class ModelFilesMissing(Conflict):
    """Files of the model are not on this machine; `missing` lists them as models.yml spells them."""

    code = "model_files_missing"

    def __init__(self, message: str, *, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = list(missing)


class IdempotencyMismatch(Conflict):
    """The Idempotency-Key was used before with another request."""

    code = "idempotency_mismatch"


class TooLarge(StudioError):
    """A body or picture over the size limit."""

    code = "too_large"


class QueueFull(StudioError):
    """Too many pending jobs; try again in `retry_after` seconds."""

    code = "queue_full"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Stopping(StudioError):
    """The studio is shutting down and takes no new work."""

    code = "stopping"


class EngineUnavailable(StudioError):
    """The engine could not be found, built or started; the message names the way out."""

    code = "engine_unavailable"


class StorageFull(StudioError):
    """No room, or no right to write, under outputs/."""

    code = "storage_full"


class DownloadFailed(StudioError):
    """A file of a model could not be had; the message says what helps."""

    code = "download_failed"


class AddressRefused(StudioError):
    """A host outside must not be asked; the message names it and the setting that would allow it."""

    code = "address_refused"


class ConfigurationError(StudioError):
    """Settings or models.yml are wrong; `faults` holds one sentence per fault, each with its key."""

    code = "configuration"

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


class AlreadyRunning(StudioError):
    """Another studio holds the lock of these outputs."""

    code = "already_running"


class EngineError(StudioError):
    """A generation went wrong in the engine."""

    code = "engine_error"


class EngineCrashed(EngineError):
    """The engine's process died while it held the job."""

    code = "engine_crashed"


class EngineStalled(EngineError):
    """The engine lives but stopped making progress."""

    code = "engine_stalled"


class OutOfMemory(EngineError):
    """No room for the model or the picture, by the engine's own words `said`.

    `on_card`: what ran out is a graphics card's memory, not the machine's; `while_loading`: before any work
    on a picture; `tried`: what was switched on to need less. `advice` ends the sentence
    in place of the usual one.
    """

    code = "out_of_memory"

    def __init__(
        self,
        said: str,
        *,
        on_card: bool = True,
        while_loading: bool = False,
        tried: str = "",
        advice: str = "",
    ) -> None:
        also = f", also with {tried}" if tried else ""
        super().__init__(f"The engine ran out of memory ({said}){also}: {advice or _NEED_LESS}.")
        self.said = said
        self.on_card = on_card
        self.while_loading = while_loading


class EngineRefused(EngineError):
    """The engine answered that it can't do this; the same request gets the same answer."""

    code = "engine_refused"


class BadResult(EngineError):
    """The engine's pictures are not what was asked for: count, size, or one flat colour."""

    code = "bad_result"


class Interrupted(BaseException):
    """The work was told to stop; not a fault, and never caught by `except Exception`."""


class CancelRequested(Interrupted):
    """Somebody cancelled the job."""


class StopRequested(Interrupted):
    """The studio is shutting down; the job goes back to the queue, uncounted."""


class LeaseLost(Interrupted):
    """The job no longer belongs to this worker and attempt; nothing may be written for it."""
