CREATE ROLE ai_cs LOGIN;
CREATE ROLE cs_monitor LOGIN;
GRANT pg_monitor TO cs_monitor;
GRANT CREATE, USAGE ON SCHEMA public TO ai_cs;

SET SESSION AUTHORIZATION ai_cs;

CREATE TABLE cs_sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    channel text NOT NULL,
    open_id text NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'assigned', 'resolved', 'closed')),
    assignee text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cs_messages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL REFERENCES cs_sessions (id) ON DELETE CASCADE,
    channel text NOT NULL,
    message_id text NOT NULL,
    content text NOT NULL,
    sent_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cs_tickets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL UNIQUE REFERENCES cs_sessions (id) ON DELETE CASCADE,
    subject text NOT NULL,
    priority integer NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 4),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'assigned', 'resolved', 'closed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);

CREATE TABLE cs_audit_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cs_message_dedup (
    channel text NOT NULL,
    message_id text NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, message_id)
);

CREATE INDEX cs_messages_by_session ON cs_messages (session_id, created_at);
CREATE INDEX cs_audit_logs_by_session ON cs_audit_logs (session_id, created_at);

INSERT INTO cs_sessions (channel, open_id, status, assignee, created_at, updated_at)
SELECT (ARRAY['widget', 'wechat', 'email'])[1 + n % 3],
       'customer-' || lpad((n % 173)::text, 4, '0'),
       (ARRAY['closed', 'closed', 'resolved', 'assigned', 'open'])[1 + n % 5],
       CASE WHEN n % 5 < 4 THEN 'clerk-' || n % 7 END,
       now() - n * interval '47 minutes',
       now() - n * interval '47 minutes' + interval '12 minutes'
FROM generate_series(1, 320) AS n;

INSERT INTO cs_messages (session_id, channel, message_id, content, sent_at, created_at)
SELECT s.id, s.channel, 'msg-' || left(s.id::text, 8) || '-' || k,
       (ARRAY['Where is my parcel?', 'My order number is ' || k, 'Thank you, that helped.'])[k],
       s.created_at + k * interval '1 minute', s.created_at + k * interval '1 minute'
FROM cs_sessions AS s, generate_series(1, 3) AS k;

INSERT INTO cs_message_dedup (channel, message_id, first_seen_at)
SELECT channel, message_id, created_at FROM cs_messages;

INSERT INTO cs_tickets (session_id, subject, priority, status, created_at, closed_at)
SELECT id, 'Delivery question of ' || open_id, 1 + abs(hashtext(open_id)) % 4, status, created_at,
       CASE WHEN status = 'closed' THEN updated_at END
FROM cs_sessions;

INSERT INTO cs_audit_logs (session_id, action, actor, created_at)
SELECT s.id, a.action, s.assignee, s.created_at + a.after
FROM cs_sessions AS s
JOIN (VALUES ('assign', interval '3 minutes', ARRAY['assigned', 'resolved', 'closed']),
             ('resolve', interval '9 minutes', ARRAY['resolved', 'closed']),
             ('close', interval '12 minutes', ARRAY['closed'])) AS a (action, after, reached)
  ON s.status = ANY (a.reached);

RESET SESSION AUTHORIZATION;

GRANT SELECT ON cs_sessions, cs_messages, cs_tickets, cs_audit_logs, cs_message_dedup TO cs_monitor;
