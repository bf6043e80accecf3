-- Allow and deny list. Projected to Redis: every UPDATE increases version, and removing is an UPDATE.
-- cidr is the canonical text, so a block has one row per list whatever way it was written.
CREATE TABLE IF NOT EXISTS access_entries (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  list ENUM('allow', 'deny') NOT NULL,
  cidr VARCHAR(49) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason VARCHAR(500) NOT NULL,
  source VARCHAR(64) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NULL,
  removed_at DATETIME(6) NULL,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  UNIQUE KEY access_entries_block (list, cidr),
  KEY access_entries_live (list, removed_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Every policy that was ever published; rows never change. Revisions follow each other without gaps.
CREATE TABLE IF NOT EXISTS policy_revisions (
  revision BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  document LONGTEXT NOT NULL,
  author VARCHAR(64) NOT NULL,
  reason VARCHAR(500) NOT NULL,
  created_at DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- The one in force: a single row, projected to Redis. version is always equal to revision.
CREATE TABLE IF NOT EXISTS policy_current (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  revision BIGINT UNSIGNED NOT NULL,
  document LONGTEXT NOT NULL,
  version BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO policy_revisions (revision, document, author, reason, created_at)
VALUES (1, '{"rules":[],"default":"allow"}', 'sluice', 'What stands before anybody has published', UTC_TIMESTAMP(6));

INSERT IGNORE INTO policy_current (id, revision, document, version)
VALUES (1, 1, '{"rules":[],"default":"allow"}', 1);
