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

INSERT INTO leads (name, email, created_at)
SELECT 'Lead ' || n, 'lead-' || n || '@example.com', now() - n * interval '9 hours'
FROM generate_series(1, 80) AS n;

INSERT INTO conversations (lead_id, status, audio_key, created_at, updated_at)
SELECT 1 + n % 80,
       (ARRAY['completed', 'completed', 'completed', 'transcribing', 'pending'])[1 + n % 5],
       'recordings/call-' || lpad(n::text, 4, '0') || '.mp3',
       now() - n * interval '97 minutes',
       now() - n * interval '97 minutes' + interval '4 minutes'
FROM generate_series(1, 400) AS n;

INSERT INTO transcripts (conversation_id, body, created_at)
SELECT id, 'Hello, I am calling about the offer of ' || created_at::date || '.', updated_at
FROM conversations WHERE status = 'completed';

RESET SESSION AUTHORIZATION;

GRANT SELECT ON leads, conversations, transcripts TO sales_monitor;
