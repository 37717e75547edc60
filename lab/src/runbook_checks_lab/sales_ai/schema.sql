CREATE EXTENSION pg_stat_statements;

CREATE ROLE sales_ai LOGIN;
CREATE ROLE sales_monitor LOGIN;
GRANT pg_monitor TO sales_monitor;
GRANT CREATE, USAGE ON SCHEMA public TO sales_ai;

SET SESSION AUTHORIZATION sales_ai;

CREATE TABLE leads (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE conversations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    lead_id bigint NOT NULL REFERENCES leads (id),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'transcribing', 'completed', 'failed')),
    audio_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE transcripts (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    conversation_id uuid NOT NULL UNIQUE REFERENCES conversations (id) ON DELETE CASCADE,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX conversations_by_status ON conversations (status, created_at);

RESET SESSION AUTHORIZATION;

GRANT SELECT ON leads, conversations, transcripts TO sales_monitor;
