-- Projects of registries. Statements end with a semicolon at the end of a line.
CREATE TABLE project (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL,
    registry TEXT NOT NULL, registry_id TEXT, title TEXT NOT NULL, acronym TEXT,
    description TEXT NOT NULL, results TEXT NOT NULL, keywords TEXT NOT NULL, programme TEXT,
    call TEXT, objective TEXT, status TEXT, start TEXT, end TEXT, cost REAL, contribution REAL,
    city TEXT, region TEXT, country TEXT, url TEXT, language TEXT NOT NULL,
    first_year INTEGER, last_year INTEGER, terms INTEGER NOT NULL, changed TEXT NOT NULL
) STRICT;
CREATE TABLE project_partner (
    project_row INTEGER NOT NULL REFERENCES project (row) ON DELETE CASCADE,
    place INTEGER NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL, leads INTEGER NOT NULL,
    kind TEXT, city TEXT, region TEXT, country TEXT, budget REAL,
    PRIMARY KEY (project_row, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_partner_folded ON project_partner (folded);
CREATE TABLE project_theme (
    project_row INTEGER NOT NULL REFERENCES project (row) ON DELETE CASCADE,
    theme TEXT NOT NULL, score REAL NOT NULL, PRIMARY KEY (project_row, theme)
) STRICT, WITHOUT ROWID;
CREATE TABLE theme_correction (
    item TEXT NOT NULL, theme TEXT NOT NULL, belongs INTEGER NOT NULL,
    PRIMARY KEY (item, theme)
) STRICT, WITHOUT ROWID;
CREATE TABLE project_part (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    project_row INTEGER NOT NULL REFERENCES project (row) ON DELETE CASCADE,
    kind TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE INDEX project_part_project ON project_part (project_row);
CREATE INDEX project_part_digest ON project_part (digest);
CREATE VIRTUAL TABLE project_term USING fts5 (
    body, context, tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"
);
CREATE VIRTUAL TABLE project_term_instance USING fts5vocab (project_term, instance);
