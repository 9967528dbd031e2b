-- Version 2: labels of an imported vocabulary; keys are those of kb.translation.keys.
CREATE TABLE vocabulary_label (
    key TEXT NOT NULL, language TEXT NOT NULL, concept INTEGER NOT NULL, label TEXT NOT NULL,
    preferred INTEGER NOT NULL, PRIMARY KEY (key, language, concept, label)
) STRICT, WITHOUT ROWID;
CREATE INDEX vocabulary_concept ON vocabulary_label (concept, language);
