-- Every write before it is made, with what it replaces. Rows are added and never changed.

CREATE TABLE entry (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    pairing TEXT    NOT NULL,
    link    INTEGER NOT NULL,
    side    TEXT    NOT NULL CHECK (side IN ('A', 'B')),
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,    -- seconds since 1970
    body    TEXT    NOT NULL     -- JSON
) STRICT;

CREATE INDEX entry_pairing ON entry (pairing, id);
CREATE INDEX entry_at ON entry (at);

CREATE TABLE outcome (
    entry INTEGER PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
    text  TEXT    NOT NULL
) STRICT;

CREATE TRIGGER entry_is_final BEFORE UPDATE ON entry BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER outcome_is_final BEFORE UPDATE ON outcome BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
