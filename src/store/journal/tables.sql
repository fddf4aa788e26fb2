-- Times are milliseconds since the Unix epoch. Bodies are described in docs/decisions/0017-journal.md.

CREATE TABLE apps (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Which number a column of a chunk holds, as JSON.
CREATE TABLE columns (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Records with whose help others are packed.
CREATE TABLE keys (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- Ticks in a row that came to the same thing: the record of the first, packed.
CREATE TABLE passages (
    id INTEGER PRIMARY KEY,
    app INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    ticks INTEGER NOT NULL,
    key INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX passages_of_app ON passages (app, from_at);
CREATE INDEX passages_of_key ON passages (key);

-- The numbers of ticks in a row.
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    app INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX chunks_of_app ON chunks (app, from_at);

-- What happened, one thing at a time; app 0: to all.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    app INTEGER NOT NULL,
    at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    verb TEXT,
    region TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX entries_by_time ON entries (at);
CREATE INDEX entries_that_last ON entries (until_at) WHERE until_at > at;
