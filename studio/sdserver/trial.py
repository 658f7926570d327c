"""The trial of a model that was just loaded, before anybody's job is given to it."""

from studio.clock import Clock
from studio.engine import Inputs
from studio.errors import BadResult, EngineRefused, EngineUnavailable, OutOfMemory
from studio.model import Model
from studio.sdserver.monitor import Monitor
from studio.sdserver.payload import smoke_recipe, to_img_gen
from studio.sdserver.pulse import Pulse
from studio.sdserver.server import Server
from studio.sdserver.task import EngineTask


def try_out(server: Server, model: Model, clock: Clock, monitor: Monitor, pulse: Pulse) -> None:
    """Make one tiny picture: a model without its text encoder loads well and dies at the first prompt.

    Errors: EngineUnavailable, EngineCrashed, EngineStalled, OutOfMemory.
    """
    request = to_img_gen(smoke_recipe(model), model, Inputs(), seed=0, batch=1)
    monitor.begin()
    try:
        EngineTask(server, clock, monitor, pulse).run(request)
    except OutOfMemory as error:
        # The picture is nothing: what found no room is the model, which newer engines read only now.
        raise OutOfMemory(error.said, on_card=error.on_card, while_loading=True) from None
    except (EngineRefused, BadResult) as error:
        raise EngineUnavailable(
            f"{model.id} was loaded, but its trial picture failed: {error.message.rstrip('.')}; "
            "check that its entry in models.yml names all files the model needs"
        ) from error
