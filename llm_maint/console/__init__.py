"""How domain values look: rich tables on a terminal, plain lines elsewhere, JSON for scripts."""
