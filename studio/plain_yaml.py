"""A YAML file that people write, as plain values, with every fault named by its place."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from studio.errors import ConfigurationError

# Far more than a long catalogue needs, and far less than would trouble the parser.
MAX_BYTES = 1_000_000
MAX_DEPTH = 20


def read_mapping(path: Path, keys: Sequence[str]) -> dict[Any, Any]:
    """The file as plain values: no anchors, no duplicate keys, no surprises of size or depth.

    `keys` are the ones its top should have. Errors: ConfigurationError with every fault.
    """
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8") if size <= MAX_BYTES else ""
    except FileNotFoundError:
        raise ConfigurationError([f"{path}: no such file; --models names another"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: can't be read: {error}"]) from None
    if size > MAX_BYTES:
        raise ConfigurationError([f"{path.name}: is {size} bytes long; the limit is {MAX_BYTES}"])
    try:
        node = yaml.compose(text, Loader=_PlainLoader)
        faults = list(_duplicates(node, "")) if node is not None else []
        content = yaml.load(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise ConfigurationError([f"{path.name}: {where}: {error.problem or error.context}"]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError([f"{path.name}: is not valid YAML: {error}"]) from None
    if faults:
        raise ConfigurationError([f"{path.name}: {fault}" for fault in faults])
    if not isinstance(content, dict):
        raise ConfigurationError([f"{path.name}: must be a mapping with the keys {', '.join(keys)}"])
    return content


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader without anchors and aliases (a few lines of them can grow to gigabytes); bounded depth."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(
                problem="anchors (&) and aliases (*) are not used here; write the value out, or quote it",
                problem_mark=event.start_mark,
            )
        if self._depth >= MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=event.start_mark
            )
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def _duplicates(node: yaml.Node, path: str) -> Iterator[str]:
    """A fault for each key given twice in one mapping: YAML would silently take the last."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicates(item, f"{path}.{index}".lstrip("."))
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            here = f"{path}.{name}".lstrip(".")
            line = key.start_mark.line + 1
            if name in lines:
                yield f"{here}: given twice, on lines {lines[name]} and {line}"
            lines.setdefault(name, line)
            yield from _duplicates(value, here)
