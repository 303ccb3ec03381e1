-- What calsync knows of its pairings. JSON columns are the truth; the columns beside them are made from it for
-- queries and are never read back. Comparison of text is BINARY throughout: item keys are case-sensitive.

CREATE TABLE pairing (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE,
    version         INTEGER NOT NULL DEFAULT 0,
    first_sync_done INTEGER NOT NULL DEFAULT 0 CHECK (first_sync_done IN (0, 1)),
    rules           TEXT,                -- under which everything is as it is; only the engine reads it
    deleted         TEXT,                -- JSON; deletions of the last hour by side and minute, NULL where there are none
    marks           TEXT,                -- JSON; what tells whether a side or this store went back in time
    fence           INTEGER NOT NULL DEFAULT 0, -- counts the claims of this pairing; whoever names another one stores nothing
    beats           INTEGER NOT NULL DEFAULT 0, -- signs of life since the last claim
    tenure          TEXT,                -- JSON; who has it and for how long, NULL where nobody has
    lock            TEXT                 -- which lock whoever claimed it held, where that can be said
) STRICT;

-- How many links there are of each kind: kept by triggers, so that no writer can forget it.
CREATE TABLE tally (
    pairing INTEGER PRIMARY KEY REFERENCES pairing (id) ON DELETE CASCADE,
    linked  INTEGER NOT NULL DEFAULT 0,
    gone_a  INTEGER NOT NULL DEFAULT 0,
    gone_b  INTEGER NOT NULL DEFAULT 0,
    held    INTEGER NOT NULL DEFAULT 0,
    failing INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER pairing_added AFTER INSERT ON pairing BEGIN
    INSERT INTO tally (pairing) VALUES (NEW.id);
END;

-- Apart from the pairing: a change token can be large, and most commits do not touch it.
CREATE TABLE feed (
    pairing      INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    side         TEXT    NOT NULL CHECK (side IN ('A', 'B')),
    listing      INTEGER NOT NULL,
    listing_open INTEGER NOT NULL CHECK (listing_open IN (0, 1)),
    token        TEXT,
    PRIMARY KEY (pairing, side)
) STRICT;

CREATE TABLE link (
    row        INTEGER PRIMARY KEY,
    pairing    INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    id         INTEGER NOT NULL,
    key_a      TEXT,
    key_b      TEXT,
    uid_a      TEXT,
    uid_b      TEXT,
    listed_a   INTEGER,
    listed_b   INTEGER,
    dirty      INTEGER NOT NULL CHECK (dirty IN (0, 1)),
    retry_at   INTEGER,          -- microseconds since 1970
    linked     INTEGER NOT NULL CHECK (linked IN (0, 1)),
    gone_a     INTEGER NOT NULL CHECK (gone_a IN (0, 1)),
    gone_b     INTEGER NOT NULL CHECK (gone_b IN (0, 1)),
    held       INTEGER NOT NULL CHECK (held IN (0, 1)),
    failing    INTEGER NOT NULL CHECK (failing IN (0, 1)),
    generation INTEGER NOT NULL,
    writes     INTEGER NOT NULL,
    half_a     TEXT,             -- JSON, also the next three
    half_b     TEXT,
    hold       TEXT,
    retry      TEXT,
    masked     TEXT CHECK (masked IN ('A', 'B')),
    memory     TEXT,             -- JSON; NULL where there is nothing to remember
    UNIQUE (pairing, id)
) STRICT;

CREATE INDEX link_key_a ON link (pairing, key_a) WHERE key_a IS NOT NULL;
CREATE INDEX link_key_b ON link (pairing, key_b) WHERE key_b IS NOT NULL;
CREATE INDEX link_uid_a ON link (pairing, uid_a) WHERE uid_a IS NOT NULL;
CREATE INDEX link_uid_b ON link (pairing, uid_b) WHERE uid_b IS NOT NULL;
CREATE INDEX link_listed_a ON link (pairing, listed_a, id) WHERE listed_a IS NOT NULL;
CREATE INDEX link_listed_b ON link (pairing, listed_b, id) WHERE listed_b IS NOT NULL;
CREATE INDEX link_due ON link (pairing, id, retry_at) WHERE dirty = 1;
CREATE INDEX link_held ON link (pairing, id) WHERE held = 1;

CREATE TRIGGER link_added AFTER INSERT ON link BEGIN
    UPDATE tally
    SET linked = linked + NEW.linked, gone_a = gone_a + NEW.gone_a, gone_b = gone_b + NEW.gone_b,
        held = held + NEW.held, failing = failing + NEW.failing
    WHERE pairing = NEW.pairing;
END;

CREATE TRIGGER link_changed AFTER UPDATE ON link
WHEN (OLD.linked, OLD.gone_a, OLD.gone_b, OLD.held, OLD.failing)
    <> (NEW.linked, NEW.gone_a, NEW.gone_b, NEW.held, NEW.failing)
BEGIN
    UPDATE tally
    SET linked = linked + NEW.linked - OLD.linked, gone_a = gone_a + NEW.gone_a - OLD.gone_a,
        gone_b = gone_b + NEW.gone_b - OLD.gone_b, held = held + NEW.held - OLD.held,
        failing = failing + NEW.failing - OLD.failing
    WHERE pairing = NEW.pairing;
END;

CREATE TRIGGER link_removed AFTER DELETE ON link BEGIN
    UPDATE tally
    SET linked = linked - OLD.linked, gone_a = gone_a - OLD.gone_a, gone_b = gone_b - OLD.gone_b,
        held = held - OLD.held, failing = failing - OLD.failing
    WHERE pairing = OLD.pairing;
END;

-- Under which keys a half without counterpart is found.
CREATE TABLE lone_key (
    pairing INTEGER NOT NULL,
    side    TEXT    NOT NULL CHECK (side IN ('A', 'B')),
    kind    INTEGER NOT NULL,    -- 0 key, 1 counterpart, 2 uid, 3 time
    value   TEXT    NOT NULL,
    link    INTEGER NOT NULL,
    PRIMARY KEY (pairing, side, kind, value, link),
    FOREIGN KEY (pairing, link) REFERENCES link (pairing, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX lone_key_link ON lone_key (pairing, link);

CREATE TABLE tombstone (
    id      INTEGER PRIMARY KEY,
    pairing INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    uid     TEXT    NOT NULL,
    key_a   TEXT,
    key_b   TEXT,
    body    TEXT    NOT NULL     -- JSON
) STRICT;

CREATE INDEX tombstone_uid ON tombstone (pairing, uid);
CREATE INDEX tombstone_key_a ON tombstone (pairing, key_a) WHERE key_a IS NOT NULL;
CREATE INDEX tombstone_key_b ON tombstone (pairing, key_b) WHERE key_b IS NOT NULL;

-- Writes that the journal holds and whose outcome is not stored.
CREATE TABLE intent (
    id      INTEGER PRIMARY KEY,
    pairing INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    link    INTEGER NOT NULL,
    side    TEXT    NOT NULL CHECK (side IN ('A', 'B')),
    number  INTEGER NOT NULL,
    entry   INTEGER NOT NULL,    -- its entry in the journal file
    body    TEXT    NOT NULL     -- JSON
) STRICT;

CREATE INDEX intent_link ON intent (pairing, link);

-- What people asked for and no round has done yet. Numbers are never given twice.
CREATE TABLE orders (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    pairing INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    body    TEXT    NOT NULL     -- JSON
) STRICT;

CREATE INDEX orders_pairing ON orders (pairing, id);

-- Outcomes on their way into the journal file.
CREATE TABLE settled (
    id      INTEGER PRIMARY KEY,
    entry   INTEGER NOT NULL,
    pairing TEXT    NOT NULL,
    link    INTEGER NOT NULL,
    side    TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    outcome TEXT    NOT NULL
) STRICT;

-- The pairings as the administrator set them up. A pairing that was removed keeps its row in `pairing`, so that a
-- round that still runs for it meets another version.
CREATE TABLE registered (
    pairing    INTEGER PRIMARY KEY REFERENCES pairing (id),
    unit       TEXT    NOT NULL UNIQUE,
    mailbox    TEXT    NOT NULL, -- in lower case; as it was typed in `body`
    folder     TEXT    NOT NULL, -- empty: the default calendar
    body       TEXT    NOT NULL, -- JSON
    UNIQUE (mailbox, folder)
) STRICT;

CREATE TABLE run (
    id      INTEGER PRIMARY KEY,
    pairing INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    body    TEXT    NOT NULL     -- JSON
) STRICT;

CREATE INDEX run_pairing ON run (pairing, id);
