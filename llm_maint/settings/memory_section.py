"""The settings of what is done with memories."""

from datetime import timedelta

from pydantic import Field

from llm_maint.domain.policy import Policy
from llm_maint.settings.section import Section


class MemorySettings(Section):
    """Memories: consolidation, recurrence, decay."""

    interval_minutes: int = Field(
        default=360, ge=1, le=5_256_000, description="of the three memory jobs of init"
    )
    similarity_threshold: float = Field(
        default=0.65,
        ge=0,
        le=1,
        description="cosine from which two memories look alike, and a model is asked about them",
    )
    embedding_model: str = Field(
        default="",
        description="of the model server, for memories without a vector; empty = compare words",
    )
    max_cluster_rows: int = Field(
        default=20, ge=2, description="memories that look alike and travel to the model together"
    )
    max_rows_per_request: int = Field(
        default=60, ge=2, description="memories sent to the model at once"
    )
    max_loss_ratio: float = Field(
        default=0.12,
        ge=0,
        le=1,
        description="memories lost in seven days, to consolidation and decay together, as a share "
        "of the unprotected ones (3 are always allowed)",
    )
    min_age_minutes: int = Field(
        default=0, ge=0, le=5_256_000, description="younger memories are not consolidated"
    )
    protected_tags: tuple[str, ...] = Field(
        default=("protected", "pinned"), description="memories with such a tag are never changed"
    )
    max_calls_per_run: int = Field(
        default=500, ge=0, description="requests to the model in one run; 0 = no limit"
    )
    max_tokens_per_run: int = Field(
        default=0, ge=0, description="tokens in both directions in one run; 0 = no limit"
    )
    recurrence_threshold: int = Field(
        default=3, ge=2, description="days or sessions on which a theme is told, to be recurring"
    )
    half_life_days: float = Field(
        default=90, gt=0, le=36_500, description="after which a memory is half as important"
    )
    half_lives: tuple[str, ...] = Field(
        default=(), description="of single tags, in days, as in work=30; the longest counts"
    )
    prune_threshold: float = Field(
        default=0.05, ge=0, le=1, description="below it a memory has faded"
    )
    exempt_importance: float = Field(
        default=0.7, ge=0, le=1, description="memories as important as this never fade"
    )
    grace_days: float = Field(
        default=30, ge=0, le=36_500, description="no memory fades that is younger"
    )
    prune: bool = Field(
        default=False, description="true = delete what has faded; memory restore brings it back"
    )
    prune_orphans: bool = Field(
        default=False, description="true = also those whose every source message is gone"
    )
    messages_table: str = Field(
        default="",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$|^$",
        description="the assistant's messages, by a column id; empty = orphans are not looked for",
    )

    @property
    def policy(self) -> Policy:
        """The settings that guards work with."""
        return Policy(
            protected_tags=frozenset(tag.strip().casefold() for tag in self.protected_tags),
            max_loss_ratio=self.max_loss_ratio,
            min_age=timedelta(minutes=self.min_age_minutes),
        )
