"""What can go wrong while measuring."""

from __future__ import annotations

from kb.errors import KnowledgeBaseError


class EvaluationError(KnowledgeBaseError):
    """A test set, run file or question file can't be used; the text names file, line and cure."""

    default_code = "evaluation_set"
