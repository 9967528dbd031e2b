"""Imports point downwards only, and heavy packages stay inside functions."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "kb": {"kb"},
    "ingest": {"ingest", "kb"},
    "api": {"api", "ingest", "kb"},
    "evaluation": {"evaluation", "ingest", "kb"},
}
OURS = {"kb", "ingest", "api", "evaluation", "cli"}
HEAVY = {"torch", "sentence_transformers", "llama_index", "chromadb", "onnxruntime", "onnx"}
# The domain and its errors know nothing of the rest.
LEAVES = {"kb/model.py": set[str](), "kb/errors.py": {"kb.messages"}}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_imports_point_downwards(package: str) -> None:
    paths = list((ROOT / package).rglob("*.py"))
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if name.split(".")[0] in OURS - ALLOWED[package]
    }

    assert paths
    assert not wrong


@pytest.mark.parametrize("leaf", sorted(LEAVES))
def test_the_domain_stands_alone(leaf: str) -> None:
    ours = {name for name in imports(ROOT / leaf) if name.split(".")[0] in OURS}

    assert ours == LEAVES[leaf]


def test_only_the_assembly_names_the_embedders() -> None:
    users = {
        str(path.relative_to(ROOT))
        for package in ("kb", "ingest", "api")
        for path in (ROOT / package).rglob("*.py")
        if any(name.startswith("kb.embedding.") for name in imports(path))
    }

    assert {user for user in users if not user.startswith("kb/embedding/")} == set()


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = "import sys, cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "cli" in loaded
    assert loaded & (HEAVY | {"numpy", "pydantic", "fastapi", "lxml"}) == set()
