CREATE EXTENSION pg_stat_statements;

CREATE ROLE aura_flow_user LOGIN;
CREATE ROLE aura_monitor LOGIN;
GRANT pg_monitor TO aura_monitor;
GRANT CREATE, USAGE ON SCHEMA public TO aura_flow_user;

SET SESSION AUTHORIZATION aura_flow_user;

CREATE TABLE _prisma_migrations (
    id varchar(36) PRIMARY KEY,
    checksum varchar(64) NOT NULL,
    finished_at timestamptz,
    migration_name varchar(255) NOT NULL,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(),
    applied_steps_count integer NOT NULL DEFAULT 0
);

CREATE TABLE users (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    email text NOT NULL UNIQUE,
    role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE plans (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    title text NOT NULL,
    price numeric(10, 2) NOT NULL
);

CREATE TABLE insights (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    user_id bigint NOT NULL REFERENCES users (id),
    topic text NOT NULL,
    score double precision NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE uploads (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id bigint NOT NULL REFERENCES users (id),
    size bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
SELECT gen_random_uuid()::text, md5(name) || md5(name || name), name, applied, applied + interval '2 seconds', 1
FROM (VALUES ('20250901090000_init', timestamptz '2025-09-19 08:00Z'),
             ('20251103141500_insights', timestamptz '2025-11-04 06:00Z'),
             ('20260118103000_uploads', timestamptz '2026-01-19 06:00Z')) AS m (name, applied);

INSERT INTO users (email, role, created_at)
SELECT 'user-' || n || '@example.com', CASE WHEN n = 1 THEN 'admin' ELSE 'user' END, now() - n * interval '7 hours'
FROM generate_series(1, 300) AS n;

INSERT INTO plans (title, price) VALUES ('Free', 0), ('Team', 19), ('Company', 99);

INSERT INTO insights (user_id, topic, score, created_at)
SELECT 1 + n % 300, (ARRAY['focus', 'energy', 'habits'])[1 + n % 3], (n % 100) / 100.0, now() - n * interval '31 minutes'
FROM generate_series(1, 1200) AS n;

INSERT INTO uploads (user_id, size, created_at)
SELECT 1 + n % 300, 1000 * n, now() - n * interval '5 hours' FROM generate_series(1, 200) AS n;

RESET SESSION AUTHORIZATION;

GRANT SELECT ON _prisma_migrations TO aura_monitor;
