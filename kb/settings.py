"""Settings: one ``kb.toml`` and ``KB_*`` environment variables; unknown names are refused."""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from kb.errors import SettingsError
from kb.model import Confidentiality, Language

# These belong to the tests, and KB_CONFIG says where the file is.
_NOT_SETTINGS = {"KB_CI", "KB_TEST_DATA", "KB_CONFIG"}


class Settings(BaseSettings):
    """How one installation runs. Frozen; built once per entry point by ``load_settings``."""

    model_config = SettingsConfigDict(env_prefix="KB_", extra="forbid", frozen=True)

    data_dir: Path = Field(Path("data"), description="Folder of the catalogue, indexes, originals.")
    host: str = Field("127.0.0.1", description="Address to serve on.")
    public_host: str = Field(
        "", description="Name that browsers reach the service by, where it isn't the host."
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to serve on.")
    embedding_model: str = Field(
        "bundled", description="'bundled', or a sentence-transformers model's name or folder."
    )
    reranker_model: str = Field(
        "", description="A cross-encoder's name or folder, to reorder the best passages; none."
    )
    threads: int = Field(0, ge=0, le=256, description="Threads of the models; 0 means every core.")
    workers: int = Field(1, ge=1, le=32, description="Processes that read files.")
    max_file_mb: int = Field(200, ge=1, description="Larger files are rejected.")
    max_pages: int = Field(3000, ge=1, description="PDFs with more pages are rejected.")
    read_seconds: int = Field(120, ge=1, description="Time limit for reading one file.")
    read_memory_mb: int = Field(2048, ge=256, description="Memory limit for reading one file.")
    max_question: int = Field(2000, ge=1, description="Longest question, in characters.")
    sentences: bool = Field(True, description="Embed sentences as well as passages.")
    clearance: Confidentiality = Field(
        Confidentiality.INTERNAL, description="The most confidential level that may be seen."
    )
    language: Language = Field("fi", description="Language of the web box until one is chosen.")
    max_answers: int = Field(
        10_000, ge=1, description="Saved answers; the next one is refused until some are removed."
    )
    max_feedback: int = Field(
        10_000, ge=1, description="Pieces of feedback; the next one is refused until some are."
    )
    feedback_days: int = Field(
        0, ge=0, le=36_500, description="Days that feedback is kept; 0: until it is removed."
    )
    feedback_address: str = Field(
        "", description="E-mail or web address for accessibility feedback."
    )
    llm_provider: Literal["", "openai-like", "ollama"] = Field(
        "", description="How a language model is spoken to; empty: none is used."
    )
    llm_base_url: str = Field("", description="Address of the model's server, with /v1 if it has.")
    llm_model: str = Field("", max_length=200, description="The model's name on that server.")
    llm_key: SecretStr = Field(SecretStr(""), description="Key of the server; never shown.")
    llm_timeout: float = Field(
        60.0, gt=0, le=600, description="Seconds that a model may take for an answer, in all."
    )
    llm_context: int = Field(8192, ge=1024, le=1_000_000, description="The model's window, tokens.")
    llm_concurrent: int = Field(
        4, ge=1, le=64, description="Questions that wait for the model at once."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments first, then the environment, then ``kb.toml``."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, InitSettingsSource(settings_cls, dict(_from_file()))

    @property
    def visible(self) -> frozenset[str]:
        """Levels of confidentiality that may be seen."""
        limit = self.clearance.strictness
        return frozenset(str(c) for c in Confidentiality if c.strictness <= limit)

    @property
    def llm_address(self) -> str:
        """Where the language model's server is, without a slash at the end."""
        default = "http://127.0.0.1:11434" if self.llm_provider == "ollama" else ""
        return (self.llm_base_url or default).rstrip("/")

    @property
    def llm_elsewhere(self) -> bool:
        """Whether a language model is set that runs on another computer."""
        host = urlsplit(self.llm_address).hostname or ""
        try:
            here = ipaddress.ip_address(host).is_loopback
        except ValueError:
            here = host == "localhost"
        return bool(self.llm_provider) and not here


def load_settings(**given: object) -> Settings:
    """Build the settings from arguments, ``KB_*`` and ``kb.toml``, in this order of force.

    ``kb.toml`` is looked for in the working folder, or where ``KB_CONFIG`` points. Raises
    SettingsError for an unknown name (with the nearest known one) or an unusable value.
    """
    known = {f"KB_{name.upper()}" for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith("KB_") and name not in known | _NOT_SETTINGS:
            raise _unknown(name, sorted(known))
    for name in _from_file():
        if name not in Settings.model_fields:
            raise _unknown(name, sorted(Settings.model_fields))
    try:
        # The values' types are checked by pydantic, which raises what we translate.
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        # Not "from error": pydantic's own text would show the value, which may be the key.
        first = error.errors(include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError("setting", name=f"KB_{name.upper()}", why=first["msg"]) from None
    _check_model(settings)
    return settings


def _check_model(settings: Settings) -> None:
    """See that what a language model needs is given; raises SettingsError."""
    if not settings.llm_provider:
        return
    if not settings.llm_model.strip():
        raise SettingsError("llm_missing", name="KB_LLM_MODEL")
    if not settings.llm_address:
        raise SettingsError("llm_missing", name="KB_LLM_BASE_URL")
    try:
        parts = urlsplit(settings.llm_address)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # read to have it checked
    except ValueError:
        sound = False
    # The address is shown by `kb status`, so no secret may stand in it.
    if not sound or parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError("llm_address")


def _from_file() -> Mapping[str, object]:
    path = Path(os.environ.get("KB_CONFIG", "kb.toml"))
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        table = found.pop("llm", {})
        if not isinstance(table, dict):
            raise SettingsError("setting", name="llm", why="[llm] is a table")
        return {**found, **{f"llm_{name}": value for name, value in table.items()}}
    except FileNotFoundError:
        if "KB_CONFIG" in os.environ:
            raise SettingsError("setting", name="KB_CONFIG", why=f"no file {path}") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError("setting", name=str(path), why=error) from error


def _unknown(name: str, known: list[str]) -> SettingsError:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    return SettingsError("setting_unknown", name=name, nearest=nearest)
