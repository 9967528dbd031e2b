-- Answers that were saved and what people said of answers. Statements end with a semicolon at
-- the end of a line. "given" is kb.given's JSON: what was said then, also of documents that are
-- gone; "level" is the least clearance that may see it.
CREATE TABLE answer (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, saved TEXT NOT NULL, level TEXT NOT NULL,
    given TEXT NOT NULL
) STRICT;
CREATE INDEX answer_saved ON answer (saved);
CREATE TABLE feedback (
    id TEXT PRIMARY KEY, verdict TEXT NOT NULL, source INTEGER, note TEXT NOT NULL,
    at TEXT NOT NULL, level TEXT NOT NULL, given TEXT NOT NULL
) STRICT;
CREATE INDEX feedback_at ON feedback (at);
