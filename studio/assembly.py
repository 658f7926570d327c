"""open_studio(): the only place that names concrete classes, and the only injection point."""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from peewee import DatabaseError

from studio.additions import Additions
from studio.addresses import Addresses
from studio.batches import Batches
from studio.cache import cache_dir
from studio.carrier import Carrier
from studio.catalog import Catalog, load_catalog
from studio.claims import Claims
from studio.clock import Clock, SystemClock
from studio.condition import Condition
from studio.darkroom import Darkroom, studio_version
from studio.database import close_database, is_postgres, open_database
from studio.deliveries import Deliveries
from studio.download_ledger import DownloadLedger
from studio.downloads import Downloads
from studio.engine import Engine
from studio.enlarger import Enlarger
from studio.errors import ConfigurationError
from studio.estimates import Estimates
from studio.events import MODEL, EventBus, about
from studio.fetcher import Fetcher
from studio.gallery import Gallery
from studio.holdings import Holdings
from studio.huggingface import HuggingFace
from studio.inputs import Inputs
from studio.key_ring import KeyRing
from studio.keys import Keys
from studio.ladder import Ladder
from studio.library import Library
from studio.memory_levels import MemoryLevels
from studio.meter import Meter
from studio.newcomers import Newcomers
from studio.opening import lock_outputs, owned_database, ready_database
from studio.preparation import GetReady, Preparation
from studio.presets import Presets
from studio.queue_order import QueueOrder
from studio.records import Records
from studio.sdserver.engine import SdServerEngine
from studio.sdserver.install import engine_version, ensure_engine
from studio.sdserver.install_progress import Reporter
from studio.service import Studio
from studio.settings import Settings
from studio.shelf import Shelf
from studio.store import JobStore, new_id
from studio.transfer import Transfer
from studio.upscalers import Upscalers
from studio.webhook_root import have_root
from studio.witness import Witness
from studio.worker import Worker
from studio.writer import GroupWriter, PooledWriter, Writer

log = logging.getLogger(__name__)

# Random seeds are below this, as A1111's are: short enough to type, and JavaScript doesn't round them.
RANDOM_SEEDS = 2**32


def open_studio(
    settings: Settings,
    *,
    catalog: Catalog | None = None,
    engine: Engine | None = None,
    clock: Clock | None = None,
    random_seed: Callable[[], int] | None = None,
    show_progress: bool = False,
) -> Studio:
    """A studio over these settings, not yet started; `close()` it.

    `engine` replaces sd-server; then nothing is installed. Errors: ConfigurationError; AlreadyRunning if
    another studio holds these outputs.
    """
    clock = clock or SystemClock()
    catalog = catalog or load_catalog(settings.models)
    lock = lock_outputs(settings.outputs)
    ownership = None
    try:
        if is_postgres(settings.database_url):
            ownership = owned_database(settings)
        database = ready_database(settings)
        root = have_root(settings.outputs, secrets.token_bytes)
    except BaseException:
        if ownership is not None:
            ownership.close()
        lock.release()
        raise
    writer: Writer = PooledWriter(database) if is_postgres(settings.database_url) else GroupWriter(database)
    bus, meter = EventBus(), Meter()
    gallery = Gallery(settings.outputs)
    claims, records = Claims(database, writer, clock), Records(database, writer, clock)
    library, holdings = Library(database, writer, clock), Holdings(gallery, database, writer)
    estimates = Estimates(records)
    preparation = Preparation(_get_ready(settings, engine), bus, show=show_progress)
    is_own = engine is None
    if engine is None:
        engine = SdServerEngine(
            find_binary=preparation.path,
            clock=clock,
            runtime_dir=settings.outputs / ".engine",
            stall_seconds=settings.stall_seconds,
            expected=estimates.expected,
            on_start=meter.engine_started,
            on_end=meter.engine_ended,
        )
    newcomers = Newcomers(settings.models, catalog, lambda model_id: bus.hint(about(MODEL, model_id)))
    catalog.watch(newcomers.look)
    upscalers = Upscalers(catalog, settings.models.parent)
    witness = Witness(
        catalog, upscalers, studio=studio_version(), program=preparation.path if is_own else None,
        version_of=engine_version,
    )  # fmt: skip
    worker = Worker(
        name=f"{socket.gethostname()}:{settings.outputs}", claims=claims, estimates=estimates,
        gallery=gallery, darkroom=Darkroom(gallery, witness), engine=engine,
        ladder=Ladder(engine, MemoryLevels(database, writer, clock)),
        enlarger=Enlarger(catalog, gallery, engine, upscalers),
        catalog=catalog, preparation=preparation, bus=bus, meter=meter, clock=clock,
    )  # fmt: skip
    store = JobStore(database, writer, clock)
    receivers = Addresses(settings.webhook_hosts.split(","), setting="webhook_hosts")
    keys = Keys(database, writer, clock, new_secret=_new_secret)
    key_ring = KeyRing(
        keys, clock, house_key=settings.api_key, is_exposed=settings.is_exposed, confines=settings.owners
    )

    def on_close() -> None:
        writer.close()
        close_database(database)
        if ownership is not None:
            ownership.close()
        lock.release()

    return Studio(
        settings=settings,
        catalog=catalog,
        store=store,
        batches=Batches(database, writer, clock),
        library=library,
        queue_order=QueueOrder(database, writer, clock),
        claims=claims,
        records=records,
        gallery=gallery,
        shelf=Shelf(
            library=library, holdings=holdings, gallery=gallery, catalog=catalog, bus=bus, clock=clock
        ),
        inputs=Inputs(holdings, gallery, library),
        presets=Presets(database, writer, clock),
        downloads=open_downloads(settings, catalog, bus, clock),
        upscalers=upscalers,
        witness=witness,
        engine=engine,
        preparation=preparation,
        worker=worker,
        key_ring=key_ring,
        receivers=receivers,
        deliveries=Deliveries(
            database=database,
            writer=writer,
            store=store,
            carrier=Carrier(receivers.pin),
            root=root,
            bus=bus,
            clock=clock,
        ),
        condition=Condition(database=database, writer=writer, worker=worker, gallery=gallery, clock=clock),
        meter=meter,
        bus=bus,
        clock=clock,
        random_seed=random_seed or (lambda: secrets.randbelow(RANDOM_SEEDS)),
        on_close=on_close,
    )


def open_fetcher(addresses: Addresses, clock: Clock) -> Fetcher:
    """Fetches from the hub, or the mirror that HF_ENDPOINT names as it does for the hub's own programs."""
    return Fetcher(
        hub=HuggingFace(os.environ.get("HF_ENDPOINT")),
        addresses=addresses,
        transfer=Transfer(clock),
        locks=lambda: cache_dir() / "downloads",
    )


def open_downloads(settings: Settings, catalog: Catalog, bus: EventBus, clock: Clock) -> Downloads:
    """The downloads of these outputs, none of them under way."""
    addresses = Addresses(settings.download_hosts.split(","))
    return Downloads(
        catalog=catalog,
        fetcher=open_fetcher(addresses, clock),
        additions=Additions(settings.models, catalog, addresses),
        ledger=DownloadLedger(settings.outputs / "downloads.json"),
        bus=bus,
        clock=clock,
        new_id=new_id,
    )


@contextmanager
def open_keys(settings: Settings) -> Iterator[Keys]:
    """The keys of the studio with these settings, beside it if it runs. Errors: ConfigurationError."""
    try:
        settings.outputs.mkdir(parents=True, exist_ok=True)
        with FileLock(settings.outputs / "studio.lock", timeout=0):
            database = ready_database(settings)
    except Timeout:
        # It runs, and so its tables are there.
        database = open_database(settings.database_url)
    except OSError as error:
        raise ConfigurationError([f"outputs: {settings.outputs} can't be used: {error.strerror}"]) from None
    writer = PooledWriter(database) if is_postgres(settings.database_url) else GroupWriter(database)
    try:
        yield Keys(database, writer, SystemClock(), new_secret=_new_secret)
    except DatabaseError as error:
        raise ConfigurationError([f"database: {str(error).strip()}"]) from None
    finally:
        writer.close()
        close_database(database)


def has_keys(settings: Settings) -> bool:
    """Whether the database holds a valid key; makes no database where there is none."""
    if not is_postgres(settings.database_url) and not Path(settings.database_url).is_file():
        return False
    with open_keys(settings) as keys:
        return bool(keys.valid())


def _new_secret() -> str:
    """256 random bits; the word in front tells people, and programs that look for leaked keys, what it is."""
    return f"sdstudio_{secrets.token_urlsafe(32)}"


def _get_ready(settings: Settings, engine: Engine | None) -> GetReady:
    def get_ready(report: Reporter, stop: threading.Event) -> Path:
        if engine is not None:
            return Path()
        cache_dir().mkdir(parents=True, exist_ok=True)
        return ensure_engine(settings.sd_server, backend=settings.backend, report=report, stop=stop)

    return get_ready
