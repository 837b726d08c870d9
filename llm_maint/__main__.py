"""The command `llm-maint`."""
