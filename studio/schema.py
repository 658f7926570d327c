"""The tables. Whoever adds a column writes a migration as well.

The models are bound to no database, nothing is global: each query names its own (`query.execute(database)`).
"""

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    DoubleField,
    IntegerField,
    Model,
    TextField,
)

# Naming the 34 columns of a job one by one costs peewee 0.2 ms a query, twice as much as the query.
EVERY_COLUMN = SQL("*")


class JobRow(Model):
    """A row of the queue; `studio.job.Job` says what the columns mean."""

    seq = BigAutoField()
    id = CharField(unique=True)
    status = CharField()
    model = TextField()
    recipe = TextField()
    created_at = DoubleField()
    updated_at = DoubleField()
    started_at = DoubleField(null=True)
    completed_at = DoubleField(null=True)
    phase = CharField(null=True)
    fraction = DoubleField(default=0)
    step = IntegerField(default=0)
    steps = IntegerField(default=0)
    image = IntegerField(default=0)
    images = IntegerField(default=0)
    seconds_per_step = DoubleField(null=True)
    ends_at = DoubleField(null=True)
    error = TextField(null=True)
    error_code = CharField(null=True)
    generation_id = CharField(null=True)
    worker = TextField(null=True)
    attempt = IntegerField(default=0)
    failures = IntegerField(default=0)
    lease_until = DoubleField(null=True)
    cancel_requested_at = DoubleField(null=True)
    revision = IntegerField(default=0)
    input_image = CharField(null=True)
    mask = CharField(null=True)
    source_image_id = CharField(null=True)
    idempotency_key = TextField(null=True, unique=True)
    fingerprint = CharField(null=True)
    rank = DoubleField(default=0)
    parent_id = CharField(null=True)
    batch_id = CharField(null=True)
    owner = TextField(null=True)
    cell = IntegerField(null=True)
    webhook = TextField(null=True)
    note = TextField(null=True)

    class Meta:
        table_name = "job"


class JobReferenceRow(Model):
    """A reference or control picture that a job looks at."""

    input_id = CharField()
    job_id = CharField()

    class Meta:
        table_name = "job_reference"
        primary_key = CompositeKey("input_id", "job_id")


class AttemptRow(Model):
    """One execution of a job."""

    seq = BigAutoField()
    job_id = CharField()
    number = IntegerField()
    worker = TextField()
    outcome = CharField()
    started_at = DoubleField()
    ended_at = DoubleField(null=True)
    error = TextField(null=True)
    log_tail = TextField(default="")

    class Meta:
        table_name = "attempt"


class GenerationRow(Model):
    """What a completed job made."""

    seq = BigAutoField()
    id = CharField(unique=True)
    job_id = CharField()
    model = TextField()
    recipe = TextField()
    image_count = IntegerField()
    created_at = DoubleField()
    updated_at = DoubleField()
    owner = TextField(null=True)
    made_with = TextField(null=True)

    class Meta:
        table_name = "generation"


class ImageRow(Model):
    """One picture; `path` is relative to outputs/. `seq` is the order in which pictures were stored.

    From `model` on the columns repeat what the generation knows: lists are filtered by one table.
    """

    seq = BigAutoField()
    id = CharField(unique=True)
    generation_id = CharField()
    position = IntegerField()
    path = TextField()
    mime_type = CharField()
    width = IntegerField()
    height = IntegerField()
    size = BigIntegerField()
    sha256 = CharField()
    seed = BigIntegerField()
    revised_prompt = TextField(null=True)
    model = TextField()
    type = CharField()
    created_at = DoubleField()
    favourite = BooleanField(default=False)
    search_text = TextField()
    owner = TextField(null=True)

    class Meta:
        table_name = "image"


class InputOwnerRow(Model):
    """Somebody who sees only what is theirs brought this input, or had it made of a picture of theirs."""

    owner = TextField()
    input_id = CharField()

    class Meta:
        table_name = "input_owner"
        primary_key = CompositeKey("owner", "input_id")


class ImageSearchRow(Model):
    """SQLite's index of the prompts, kept by triggers; MATCH takes the column of the table's own name."""

    rowid = BigIntegerField(primary_key=True)
    image_search = TextField()

    class Meta:
        table_name = "image_search"


class ImageTagRow(Model):
    """A word somebody put on a picture: `name` as it was typed, `folded` as it is compared."""

    image_seq = BigIntegerField()
    folded = TextField()
    name = TextField()

    class Meta:
        table_name = "image_tag"
        primary_key = CompositeKey("folded", "image_seq")


class QueueRow(Model):
    """The queue as a whole: one row. Whoever rearranges several jobs at once changes it first."""

    id = IntegerField(primary_key=True)
    paused = BooleanField(default=False)

    class Meta:
        table_name = "queue"


class CounterRow(Model):
    """How many rows there are, kept by whoever changes them: counting 100,000 rows takes 5 ms."""

    name = CharField(primary_key=True)
    value = BigIntegerField(default=0)

    class Meta:
        table_name = "counter"


class SpeedRow(Model):
    """How fast a model was lately: what estimates are made of. Moving averages, in seconds."""

    model = CharField(primary_key=True)
    per_megapixel_step = DoubleField()
    fixed = DoubleField()

    class Meta:
        table_name = "speed"


class MemoryLevelRow(Model):
    """How thrifty a model had to be; `studio.memory_levels.Need` says what the key means."""

    model = TextField()
    fingerprint = TextField()
    pixels = BigIntegerField()
    untiled = BooleanField()
    level = TextField()
    updated_at = DoubleField()

    class Meta:
        table_name = "memory_level"
        primary_key = CompositeKey("model", "fingerprint", "pixels", "untiled")


class PresetRow(Model):
    """A named set of parameters: `name` as it was typed, `folded` as it is compared; `params` is JSON."""

    folded = TextField(primary_key=True)
    name = TextField()
    params = TextField()
    updated_at = DoubleField()

    class Meta:
        table_name = "preset"
