SET SESSION AUTHORIZATION sales_ai;

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

ANALYZE leads, conversations, transcripts;
