"""The settings themselves: every key with its meaning, default and range."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr

from llm_maint.domain.health import Expected
from llm_maint.domain.policy import Policy
from llm_maint.domain.wording import snake_case
from llm_maint.settings.memory_section import MemorySettings
from llm_maint.settings.section import Section


class DatabaseSettings(Section):
    """Where the assistant's memory is."""

    url: SecretStr = Field(
        default=SecretStr(""),
        description="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; "
        "empty = a SQLite file in the user's data directory",
    )
    schema_: str = Field(
        default="",
        alias="schema",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$|^$",
        description="PostgreSQL schema of llm-maint's own tables; empty = the first of the "
        "search path",
    )
    connect_timeout_seconds: int = Field(
        default=5,
        ge=1,
        le=3_600,
        description="how long to wait for the database or a lock",
    )


class LlmSettings(Section):
    """The model server."""

    provider: Literal["", "openai", "anthropic", "none"] = Field(
        default="",
        description="openai = any OpenAI-compatible server; anthropic = its native messages; "
        "empty = openai if base_url is set",
    )
    base_url: str = Field(
        default="",
        pattern=r"^https?://.+$|^$",
        description="for example http://127.0.0.1:8080/v1",
    )
    model: str = Field(default="", description="empty = the first that the server lists")
    api_key: SecretStr = Field(default=SecretStr(""), description="better: api_key_file")
    api_key_file: str = Field(default="", description="a file that holds the key")
    api_key_command: str = Field(default="", description="a command that prints the key")
    allow_insecure: bool = Field(
        default=False,
        description="true = send the key over plain http to any host, where others can read it",
    )
    timeout_seconds: float = Field(
        default=120, gt=0, le=86_400, description="for one answer, to its last byte"
    )
    max_attempts: int = Field(default=3, ge=1, le=100, description="tries of one request")
    concurrency: int = Field(
        default=1, ge=1, le=64, description="requests side by side; the outcome is the same"
    )
    context_tokens: int = Field(
        default=0,
        ge=0,
        description="the model's context, to which requests are cut; 0 = what the server tells",
    )
    max_output_tokens: int = Field(default=4_096, ge=64, description="the longest reply to ask for")
    temperature: float = Field(
        default=0.0, ge=0, le=2, description="0 = as repeatable as the server can"
    )
    structured_output: Literal["auto", "json_schema", "json_object", "none"] = Field(
        default="auto", description="auto = json_schema, or what the server accepts instead"
    )

    @property
    def uses_model(self) -> bool:
        """Whether a model server is configured."""
        return self.provider not in ("", "none") or (self.provider == "" and self.base_url != "")


class SchedulerSettings(Section):
    """When jobs run."""

    enabled: bool = Field(default=True, description="false = run-due does nothing, politely")
    check_interval_seconds: int = Field(
        default=30, ge=1, le=86_400, description="written into the systemd timer"
    )
    lease_seconds: int = Field(
        default=120,
        ge=1,
        le=86_400,
        description="a dead process loses its job after it",
    )
    job_timeout_minutes: int = Field(
        default=240,
        ge=0,
        le=5_256_000,
        description="how long a job may take that has no time-out of its own; 0 = for ever",
    )


class ProfileMaintenanceSettings(Section):
    """Profile consolidation."""

    interval_minutes: int = Field(default=60, ge=1, le=5_256_000, description="of the job of init")
    model: str = Field(default="", description="empty = llm.model")
    summary: Literal["template", "off"] = Field(
        default="template", description="template = rendered by code after each change"
    )
    summary_max_tokens: int = Field(default=2_000, ge=50, description="the longest summary")
    max_rows_per_request: int = Field(
        default=60, ge=2, description="rows sent to the model at once"
    )
    max_loss_ratio: float = Field(
        default=0.12,
        ge=0,
        le=1,
        description="rows lost in seven days, as a share of the unprotected ones, "
        "beyond which a plan is held for review (3 are always allowed)",
    )
    min_age_minutes: int = Field(
        default=0, ge=0, le=5_256_000, description="rows younger than this are not touched"
    )
    gather_minutes: int = Field(
        default=360,
        ge=0,
        le=5_256_000,
        description="a few new rows wait so long for more, once the job of every profile has "
        "asked about the others: it saves tokens; 0 = ask at once",
    )
    max_calls_per_run: int = Field(
        default=500, ge=0, description="requests to the model in one run; 0 = no limit"
    )
    max_tokens_per_run: int = Field(
        default=0, ge=0, description="tokens in both directions in one run; 0 = no limit"
    )
    protected_sources: tuple[str, ...] = Field(
        default=("explicit",), description="rows of these sources are never changed"
    )
    pinned_keys: tuple[str, ...] = Field(
        default=(), description="rows of these keys are never changed"
    )

    @property
    def policy(self) -> Policy:
        """The settings that guards work with."""
        return Policy(
            protected_sources=frozenset(self.protected_sources),
            pinned_keys=frozenset(map(snake_case, self.pinned_keys)),
            max_loss_ratio=self.max_loss_ratio,
            min_age=timedelta(minutes=self.min_age_minutes),
        )


class HistorySettings(Section):
    """How long the past is kept."""

    keep_days: int = Field(default=30, ge=1, le=36_500, description="recorded runs")
    journal_keep_days: int = Field(
        default=90,
        ge=8,
        le=36_500,
        description="plans and before-images",
    )


class MonitoringSettings(Section):
    """Who is told how it goes."""

    ping_url: str = Field(
        default="",
        pattern=r"^https?://.+$|^$",
        description="asked for at the start and the end of each run, as healthchecks.io has it; "
        "{job} in it is the name of the job",
    )
    ping_urls: tuple[str, ...] = Field(
        default=(),
        description="of single jobs, as in profile-maintenance=https://hc.example.org/UUID",
    )
    ping_bodies: bool = Field(
        default=False, description="true = pings carry the error message of a failed run"
    )
    textfile: str = Field(
        default="",
        description="a file NAME.prom for the textfile collector of Prometheus' node exporter",
    )
    on_failure_command: str = Field(
        default="",
        description="run after each failed run, which it gets as JSON on its standard input",
    )


class Settings(Section):
    """All settings, checked."""

    database: DatabaseSettings = DatabaseSettings()
    llm: LlmSettings = LlmSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    profile_maintenance: ProfileMaintenanceSettings = ProfileMaintenanceSettings()
    memory: MemorySettings = MemorySettings()
    history: HistorySettings = HistorySettings()
    monitoring: MonitoringSettings = MonitoringSettings()

    @property
    def expected(self) -> Expected:
        """What a healthy installation with these settings is like."""
        return Expected(
            interval=timedelta(seconds=self.scheduler.check_interval_seconds),
            enabled=self.scheduler.enabled,
            journal_kept=timedelta(days=self.history.journal_keep_days),
        )
