"""Settings: one ``kb.toml`` and ``KB_*`` environment variables; unknown names are refused."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError
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
    threads: int = Field(
        0, ge=0, le=256, description="Threads of the embedder; 0 means every core."
    )
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
    feedback_address: str = Field(
        "", description="E-mail or web address for accessibility feedback."
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
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError("setting", name=f"KB_{name.upper()}", why=first["msg"]) from error


def _from_file() -> Mapping[str, object]:
    path = Path(os.environ.get("KB_CONFIG", "kb.toml"))
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if "KB_CONFIG" in os.environ:
            raise SettingsError("setting", name="KB_CONFIG", why=f"no file {path}") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError("setting", name=str(path), why=error) from error


def _unknown(name: str, known: list[str]) -> SettingsError:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    return SettingsError("setting_unknown", name=name, nearest=nearest)
