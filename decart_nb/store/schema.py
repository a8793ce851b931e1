"""The schema of the store's database, as migrations from one version to the next."""

from __future__ import annotations

#: A submission that was certainly not taken costs nothing; neither does a job that nobody has begun to submit.
_NOT_CLAIMED = "status = 'planned' AND sent_at IS NULL AND holder IS NULL"
_FREE = f"sweep IS NULL OR status IN ('rejected', 'cancelled') OR ({_NOT_CLAIMED})"
#: What a job counts for in its sweep's budget, in USD: what it was expected to cost, or has cost, whichever is more.
_KNOWN = "max(coalesce(cost, expected_cost), coalesce(expected_cost, cost))"

_TO_ITS_BUDGET = (
    "UPDATE budgets SET spent = spent {sign} {row}.counted, unpriced = unpriced {sign} {row}.is_unpriced "
    "WHERE sweep = {row}.sweep"
)
_HAS_A_BUDGET = "INSERT OR IGNORE INTO budgets (sweep) SELECT NEW.sweep WHERE NEW.sweep IS NOT NULL"

_BUDGETS = """
    CREATE TABLE budgets (sweep TEXT PRIMARY KEY, spent REAL NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0)
"""
_BUDGETS_SO_FAR = """
    INSERT INTO budgets SELECT sweep, sum(spent), sum(unpriced) FROM (
        SELECT sweep, counted AS spent, is_unpriced AS unpriced FROM jobs WHERE sweep IS NOT NULL
        UNION ALL SELECT name, pruned_cost, 0 FROM sweeps WHERE pruned_cost > 0
    ) GROUP BY sweep
"""
_BUDGET_OF_A_NEW_JOB = f"""
    CREATE TRIGGER budget_of_a_new_job AFTER INSERT ON jobs WHEN NEW.sweep IS NOT NULL
    BEGIN {_HAS_A_BUDGET}; {_TO_ITS_BUDGET.format(sign="+", row="NEW")}; END
"""
_BUDGET_OF_A_CHANGED_JOB = f"""
    CREATE TRIGGER budget_of_a_changed_job AFTER UPDATE OF sweep, status, holder, sent_at, cost, expected_cost ON jobs
    WHEN OLD.sweep IS NOT NULL OR NEW.sweep IS NOT NULL
    BEGIN
        {_HAS_A_BUDGET};
        {_TO_ITS_BUDGET.format(sign="-", row="OLD")};
        {_TO_ITS_BUDGET.format(sign="+", row="NEW")};
    END
"""

_IS_RATING = "rating IS NULL OR (typeof(rating) = 'integer' AND rating BETWEEN 1 AND 5)"
_VOTES = """
    CREATE TABLE votes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        rater TEXT NOT NULL, by_column TEXT NOT NULL, pair_key TEXT NOT NULL,
        left_sha256 TEXT NOT NULL, right_sha256 TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('left', 'right', 'tie', 'bad')),
        repeated INTEGER NOT NULL, voted_at REAL NOT NULL
    )
"""

#: ``value`` is a number, or a text; it is NULL where there is none.
_MEASUREMENTS = """
    CREATE TABLE measurements (
        clip TEXT NOT NULL, reference TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
        value, error TEXT NOT NULL, measured_at REAL NOT NULL,
        PRIMARY KEY (clip, reference, name, version)
    ) WITHOUT ROWID
"""

#: The statements that bring a database to the next version, a tuple a version.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE jobs (
            row INTEGER PRIMARY KEY AUTOINCREMENT,
            request TEXT NOT NULL, take INTEGER NOT NULL,
            endpoint TEXT NOT NULL, backend TEXT NOT NULL,
            model TEXT NOT NULL, asked_model TEXT NOT NULL,
            inputs TEXT NOT NULL, files TEXT NOT NULL, input_seconds REAL,
            status TEXT NOT NULL, holder TEXT, job_id TEXT, error TEXT,
            created_at REAL NOT NULL, sent_at REAL, submitted_at REAL, ended_at REAL, took REAL, seconds REAL,
            path TEXT, sha256 TEXT, size_bytes INTEGER,
            width INTEGER, height INTEGER, fps REAL, duration REAL, cost REAL
        )
        """,
        "CREATE INDEX jobs_by_request ON jobs (request, take)",
        "CREATE INDEX jobs_by_id ON jobs (job_id)",
        "CREATE INDEX jobs_by_video ON jobs (sha256)",
        "CREATE INDEX jobs_by_model ON jobs (model, endpoint, row)",
    ),
    (
        "ALTER TABLE jobs ADD COLUMN sweep TEXT",
        "ALTER TABLE jobs ADD COLUMN expected_cost REAL",
        "CREATE INDEX jobs_by_sweep ON jobs (sweep, status, expected_cost) WHERE sweep IS NOT NULL",
        "CREATE TABLE sweeps (name TEXT PRIMARY KEY, definition TEXT NOT NULL, begun_at REAL NOT NULL)",
    ),
    ("ALTER TABLE sweeps ADD COLUMN pruned_cost REAL NOT NULL DEFAULT 0",),
    (
        # A job's key is its own in all databases; its claim, its present holder's.
        "ALTER TABLE jobs ADD COLUMN key TEXT",
        "UPDATE jobs SET key = lower(hex(randomblob(16)))",
        "CREATE INDEX jobs_by_key ON jobs (key)",
        "ALTER TABLE jobs ADD COLUMN claim TEXT",
        # Each sweep's total is kept as its jobs change, so that a cap costs the same however many jobs there are.
        f"ALTER TABLE jobs ADD COLUMN counted REAL AS (CASE WHEN {_FREE} THEN 0.0 ELSE coalesce({_KNOWN}, 0.0) END)",
        f"ALTER TABLE jobs ADD COLUMN is_unpriced INTEGER AS (NOT ({_FREE}) AND ({_KNOWN}) IS NULL)",
        _BUDGETS,
        _BUDGETS_SO_FAR,
        _BUDGET_OF_A_NEW_JOB,
        _BUDGET_OF_A_CHANGED_JOB,
        "DROP INDEX jobs_by_sweep",
        "CREATE INDEX jobs_by_sweep ON jobs (sweep, status) WHERE sweep IS NOT NULL",
    ),
    (
        f"ALTER TABLE jobs ADD COLUMN rating INTEGER CHECK ({_IS_RATING})",
        "ALTER TABLE jobs ADD COLUMN note TEXT",
        _VOTES,
    ),
    (
        # What a job took is divided into its time in the queue and the time in which it was made.
        "ALTER TABLE jobs ADD COLUMN waited REAL",
        "ALTER TABLE jobs ADD COLUMN made REAL AS (took - waited)",
    ),
    (
        # A request without a seed is sent with one that is drawn: what it made is found by it, too.
        "ALTER TABLE jobs ADD COLUMN drawn_seed INTEGER",
        "ALTER TABLE jobs ADD COLUMN seeded_request TEXT",
        "CREATE INDEX jobs_by_seeded_request ON jobs (seeded_request) WHERE seeded_request IS NOT NULL",
    ),
    (_MEASUREMENTS,),
)
