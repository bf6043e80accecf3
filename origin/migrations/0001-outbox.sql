-- Messages that belong to a committed transaction. The relay sees the row in the binlog, publishes it with
-- a confirm, and then sets published_at. Rows are kept for a while after that, and pruned in batches.
CREATE TABLE IF NOT EXISTS outbox (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  exchange VARCHAR(190) CHARACTER SET ascii NOT NULL,
  routing_key VARCHAR(190) CHARACTER SET ascii NOT NULL,
  message_id CHAR(36) CHARACTER SET ascii NOT NULL,
  payload LONGTEXT NOT NULL,
  created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  published_at DATETIME(6) NULL,
  UNIQUE KEY outbox_message (message_id),
  KEY outbox_unpublished (published_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
