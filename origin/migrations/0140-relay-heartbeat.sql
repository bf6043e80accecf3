-- One row. The leading relay updates it once a second and meets the update in the log: that is how it knows how
-- far it is behind. database_id names this database for as long as it lives, on every replica and in every
-- backup, so that a relay does not take the log of another one for the rest of its own.
CREATE TABLE IF NOT EXISTS relay_heartbeat (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  database_id CHAR(36) CHARACTER SET ascii NOT NULL,
  beat_at DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO relay_heartbeat (id, database_id, beat_at) VALUES (1, UUID(), UTC_TIMESTAMP(6));
