"""Safe, auditable, undoable maintenance of an LLM assistant's long-term memory."""

__version__ = "0.1.0.dev0"
