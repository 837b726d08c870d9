"""The only room that speaks SQL: one query text for PostgreSQL and SQLite."""
