-- An assistant with two tables of profiles and one of memories, as small as it can be.
CREATE TYPE entitytype AS ENUM ('USER', 'BOT');
CREATE TABLE entity_profiles (
  id serial PRIMARY KEY,
  entity_type entitytype NOT NULL,
  entity_id varchar(100) NOT NULL,
  display_name varchar(100),
  summary text,
  summary_updated_at timestamp,
  UNIQUE (entity_type, entity_id)
);
CREATE TABLE entity_profile_attributes (
  id serial PRIMARY KEY,
  entity_type entitytype NOT NULL,
  entity_id varchar(100) NOT NULL,
  category varchar(50) NOT NULL,
  key varchar(100) NOT NULL,
  value json,
  confidence float,
  source varchar(50),
  source_message_id varchar(100),
  created_at timestamp,
  updated_at timestamp
);
CREATE TABLE memories (
  id varchar(36) PRIMARY KEY,
  bot_id varchar(100) NOT NULL,
  content text NOT NULL,
  tags json,
  importance real,
  created_at timestamp,
  updated_at timestamp
);
INSERT INTO entity_profiles (entity_type, entity_id, display_name) VALUES ('USER', 'nick', 'Nick');
INSERT INTO entity_profile_attributes
    (entity_type, entity_id, category, key, value, confidence, source, created_at, updated_at)
VALUES
    ('USER', 'nick', 'preference', 'drink', '"tea"', 0.8, 'inferred', '2026-01-03', '2026-01-03'),
    ('USER', 'nick', 'preference', 'drink', '" Tea"', 0.6, 'inferred', '2026-02-11', '2026-02-11');
INSERT INTO memories VALUES
    ('m1', 'nova', 'Nick has a dog', '["pets"]', 0.4, '2026-01-03', '2026-01-03'),
    ('m2', 'nova', 'Nick has a dog.', '["dog"]', 0.6, '2026-02-11', '2026-02-11');
