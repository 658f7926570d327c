"""Any sequence of submits, claims, ends, cancels, deaths and late returns, on both databases."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from studio.database import is_postgres
from tests.contract.storage.queue_model import QueueMachine
from tests.contract.storage.stores import open_stores


def test_the_queue_does_what_its_model_says_whatever_happens(url: str) -> None:
    examples, steps = (20, 30) if is_postgres(url) else (60, 40)

    with open_stores(url) as stores:

        class Machine(QueueMachine):
            def __init__(self) -> None:
                super().__init__(stores)

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
                suppress_health_check=list(HealthCheck), print_blob=True,
                # Shrinking a failure takes minutes; the steps of a whole run are few enough to read.
                phases=[Phase.generate],
            ),
        )  # fmt: skip
