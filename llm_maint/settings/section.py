"""What all sections of the settings have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section: an unknown key is refused, and no refusal shows the value of a setting."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
