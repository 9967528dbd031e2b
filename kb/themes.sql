-- Guessed themes. Statements end with a semicolon at the end of a line.
CREATE TABLE passage_theme (
    passage_row INTEGER NOT NULL REFERENCES passage (row) ON DELETE CASCADE,
    theme TEXT NOT NULL, score REAL NOT NULL, PRIMARY KEY (passage_row, theme)
) STRICT, WITHOUT ROWID;
CREATE TABLE themed (item TEXT PRIMARY KEY, classifier TEXT NOT NULL) STRICT, WITHOUT ROWID;
