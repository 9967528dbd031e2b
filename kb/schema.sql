-- The catalogue's tables. Statements end with a semicolon at the end of a line.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE document (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, text TEXT NOT NULL, blocks BLOB NOT NULL,
    page_starts BLOB NOT NULL, words BLOB NOT NULL, media_type TEXT NOT NULL,
    language TEXT NOT NULL, title TEXT NOT NULL, date TEXT, year INTEGER, city TEXT,
    organisation TEXT, kind TEXT NOT NULL, work_package TEXT, confidentiality TEXT NOT NULL,
    collection TEXT, sample INTEGER NOT NULL, url TEXT, project TEXT, added TEXT NOT NULL,
    warnings TEXT NOT NULL
) STRICT;
CREATE INDEX document_digest ON document (digest);
CREATE TABLE document_theme (
    document_id TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    theme TEXT NOT NULL, PRIMARY KEY (document_id, theme)
) STRICT, WITHOUT ROWID;
CREATE TABLE source (
    key TEXT PRIMARY KEY, root TEXT NOT NULL, name TEXT NOT NULL,
    document_id TEXT NOT NULL REFERENCES document (id), digest TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, reader TEXT NOT NULL,
    metadata TEXT NOT NULL, confidentiality TEXT NOT NULL
) STRICT;
CREATE INDEX source_document ON source (document_id);
CREATE INDEX source_digest ON source (digest);
CREATE TABLE rejected (
    key TEXT PRIMARY KEY, root TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, reader TEXT NOT NULL,
    code TEXT NOT NULL, params TEXT NOT NULL, at TEXT NOT NULL, ignored INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE passage (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    document_id TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, language TEXT NOT NULL, heading TEXT NOT NULL,
    digest BLOB NOT NULL, terms INTEGER NOT NULL
) STRICT;
CREATE INDEX passage_document ON passage (document_id);
CREATE INDEX passage_digest ON passage (digest);
CREATE TABLE sentence (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    passage_row INTEGER NOT NULL REFERENCES passage (row) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE INDEX sentence_passage ON sentence (passage_row);
CREATE INDEX sentence_digest ON sentence (digest);
CREATE TABLE embedding (
    row INTEGER PRIMARY KEY, model INTEGER NOT NULL, digest BLOB NOT NULL, vector BLOB NOT NULL,
    UNIQUE (model, digest)
) STRICT;
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, item INTEGER NOT NULL,
    action TEXT NOT NULL
) STRICT;
CREATE TABLE job (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, payload TEXT NOT NULL,
    result TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, lease TEXT,
    created TEXT NOT NULL, changed TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE term USING fts5 (
    body, context, tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"
);
CREATE VIRTUAL TABLE term_instance USING fts5vocab (term, instance);
CREATE VIRTUAL TABLE term_row USING fts5vocab (term, row);
