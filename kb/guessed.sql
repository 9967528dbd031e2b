-- Which themes were guessed. Statements end with a semicolon at the end of a line.
ALTER TABLE document_theme ADD COLUMN guessed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE project_theme ADD COLUMN guessed INTEGER NOT NULL DEFAULT 0;
DELETE FROM themed;
