"""Settings: what each key means, where its value comes from, and the file that holds it."""

from llm_maint.settings.loading import KEYS, Key, LoadedSettings, known_key, without_password
from llm_maint.settings.sections import Settings

__all__ = ["KEYS", "Key", "LoadedSettings", "Settings", "known_key", "without_password"]
