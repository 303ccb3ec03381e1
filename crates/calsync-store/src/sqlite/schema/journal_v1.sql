-- Every write before it is made, with what it replaces. Rows are added and never changed, but for this: what they hold of
-- an appointment can be erased, once.

CREATE TABLE entry (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    pairing TEXT    NOT NULL,
    link    INTEGER NOT NULL,
    side    TEXT    NOT NULL CHECK (side IN ('A', 'B')),
    number  INTEGER NOT NULL,
    round   INTEGER NOT NULL,
    at      INTEGER NOT NULL,    -- microseconds since 1970
    lost    INTEGER NOT NULL CHECK (lost IN (0, 1)),
    erased  INTEGER NOT NULL DEFAULT 0 CHECK (erased IN (0, 1)),
    body    TEXT    NOT NULL     -- JSON
) STRICT;

CREATE INDEX entry_pairing ON entry (pairing, id);
CREATE INDEX entry_link ON entry (pairing, link, id);
CREATE INDEX entry_round ON entry (pairing, round, id);
CREATE INDEX entry_lost ON entry (pairing, id) WHERE lost = 1;
CREATE INDEX entry_at ON entry (at);
CREATE INDEX entry_whole ON entry (at) WHERE erased = 0;

CREATE TABLE outcome (
    entry INTEGER PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
    text  TEXT    NOT NULL
) STRICT;

CREATE TRIGGER entry_is_final BEFORE UPDATE ON entry
WHEN NOT (
    OLD.erased = 0 AND NEW.erased = 1
    AND (OLD.id, OLD.pairing, OLD.link, OLD.side, OLD.number, OLD.round, OLD.at, OLD.lost)
        IS (NEW.id, NEW.pairing, NEW.link, NEW.side, NEW.number, NEW.round, NEW.at, NEW.lost))
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER outcome_is_final BEFORE UPDATE ON outcome BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
