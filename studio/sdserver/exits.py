"""Why the engine ended: its exit code and last words, as one sentence for people."""

import re
import signal
from collections.abc import Sequence

from studio.errors import EngineCrashed, OutOfMemory
from studio.extras import Lora

_ERROR_LINE = re.compile(r"\[ERROR\]\s+[\w.\-/\\]+:\d+\s+-\s+(?P<text>.*)")
_MISSING_FILE = re.compile(r"\[WARN \].*?-\s+(?P<text>(?:file .* not found|unknown format).*)")
_WHAT = re.compile(r"what\(\):\s+(?P<text>.*)")
_ASSERT = re.compile(r"GGML_(?:ASSERT\(.*\) failed|ABORT.*)")
# An engine that gets no pinned memory goes on without.
_NO_MEMORY = re.compile(
    r"^(?!.*pinned memory).*(?:insufficient memory|out of memory|outofdevicememory|outofhostmemory|bad_alloc"
    r"|failed to allocate|malloc failed|alloc.*buffer.*failed|buffer allocation failed"
    r"|allocation of size \d+ failed|can't allocate .*memory)",
    re.IGNORECASE,
)
# The machine's own: there is no graphics card, or its share was not what ran out.
_MAIN_MEMORY = re.compile(r"ggml_aligned_malloc|cpu_buffer|CPU buffer|bad_alloc|host_?memory", re.IGNORECASE)
_MEMORY_HINT = "use a smaller picture, a smaller or more quantised model, or the model's offload options"


def error_text(lines: Sequence[str]) -> str | None:
    """The text of the first [ERROR] line, without its place in the engine's source, or None."""
    for line in lines:
        match = _ERROR_LINE.search(line)
        if match and "new_sd_ctx_t failed" not in match["text"]:
            return match["text"].strip()
    return None


def lack_of_memory(lines: Sequence[str], *, while_loading: bool = False) -> OutOfMemory | None:
    """The fault if these lines of the engine, oldest first, say that there was no room; else None."""
    for line in lines:
        if _NO_MEMORY.search(line):
            said = _ERROR_LINE.search(line)
            return OutOfMemory(
                _shortened(said["text"] if said else line),
                on_card=_MAIN_MEMORY.search(line) is None,
                while_loading=while_loading,
            )
    return None


def fault_of_exit(
    returncode: int, stderr: Sequence[str], stdout: Sequence[str] = ()
) -> EngineCrashed | OutOfMemory:
    """What an engine that ended at work died of; the arguments are those of `reason_for_exit`."""
    return lack_of_memory(stderr) or EngineCrashed(reason_for_exit(returncode, stderr, stdout))


def reason_for_exit(returncode: int, stderr: Sequence[str], stdout: Sequence[str] = ()) -> str:
    """One sentence on why the engine ended.

    `returncode` is Popen's: negative for a signal. `stderr` and `stdout` are its last lines, oldest first.
    """
    lack = lack_of_memory(stderr)
    if lack is not None:
        return lack.message
    for line in reversed(stderr):
        match = _WHAT.search(line)
        if match:
            return f"The engine aborted: {_shortened(match['text'])}."
        if _ASSERT.search(line):
            return f"The engine aborted on a failed check: {_shortened(line)}."
    if returncode < 0:
        return _reason_for_signal(-returncode)
    if returncode == 0:
        return "The engine ended by itself without a reason."
    cause = error_text(stderr)
    missing = next((match["text"] for line in stdout if (match := _MISSING_FILE.search(line))), None)
    said = "; ".join(_shortened(text) for text in (cause, missing) if text is not None)
    return f"The engine gave up (exit code {returncode}): {said or _last_words(stderr)}."


def with_suspects(reason: str, loras: Sequence[Lora]) -> str:
    """The reason, and the LoRAs that were at work: one made for another kind of model ends the engine."""
    if not loras:
        return reason
    names = ", ".join(f"{lora.name!r:.120}" for lora in loras)
    return f"{reason} The job used LoRAs, and one made for another kind of model does this: {names}."


def _reason_for_signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if name == "SIGKILL":
        return (
            "The engine was killed (SIGKILL); the usual cause is that the machine ran out of memory: "
            f"{_MEMORY_HINT}."
        )
    if name in ("SIGSEGV", "SIGBUS", "SIGILL"):
        return f"The engine crashed without a word ({name})."
    return f"The engine was ended by {name}."


def _last_words(stderr: Sequence[str]) -> str:
    return _shortened(stderr[-1]) if stderr else "it said nothing"


def _shortened(text: str) -> str:
    text = text.strip().rstrip(".")
    return text if len(text) <= 300 else f"{text[:297]}..."
