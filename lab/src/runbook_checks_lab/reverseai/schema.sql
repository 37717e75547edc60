CREATE TABLE what_reverse_executions (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  workspace_id VARCHAR(64) NOT NULL,
  workflow_id VARCHAR(64) NOT NULL,
  status ENUM('running', 'completed', 'failed') NOT NULL,
  error_message TEXT NULL,
  started_at DATETIME(3) NOT NULL,
  completed_at DATETIME(3) NULL,
  KEY started (started_at),
  KEY status_started (status, started_at)
);
CREATE TABLE what_reverse_node_logs (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  execution_id BIGINT NOT NULL,
  node_id VARCHAR(64) NOT NULL,
  node_type VARCHAR(32) NOT NULL,
  status ENUM('running', 'success', 'error', 'skipped') NOT NULL,
  error TEXT NULL,
  duration_ms INT NULL,
  started_at DATETIME(3) NOT NULL,
  KEY execution (execution_id),
  KEY started (started_at)
);
CREATE TABLE what_reverse_workspace_databases (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  workspace_id VARCHAR(64) NOT NULL UNIQUE,
  db_name VARCHAR(80) NOT NULL,
  status ENUM('provisioning', 'ready', 'failed') NOT NULL,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL
);
CREATE TABLE what_reverse_runtime_events (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  event_type VARCHAR(64) NOT NULL,
  payload_json LONGTEXT NOT NULL CHECK (JSON_VALID(payload_json)),
  created_at DATETIME(3) NOT NULL,
  KEY type_created (event_type, created_at)
);
CREATE TABLE what_reverse_app_domains (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  workspace_id VARCHAR(64) NOT NULL,
  domain VARCHAR(255) NOT NULL,
  status ENUM('pending', 'verified', 'active', 'failed') NOT NULL,
  verification_token VARCHAR(64) NULL,
  verification_attempts INT NOT NULL DEFAULT 0,
  last_verification_error TEXT NULL,
  next_retry_at DATETIME(3) NULL,
  support_url VARCHAR(255) NULL,
  ssl_status ENUM('none', 'pending', 'issued', 'failed') NOT NULL,
  verified_at DATETIME(3) NULL,
  ssl_issued_at DATETIME(3) NULL,
  ssl_expires_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY domain (domain)
);
