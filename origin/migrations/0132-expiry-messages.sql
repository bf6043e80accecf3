UPDATE outbox SET subject = CONCAT('order:', JSON_UNQUOTE(JSON_EXTRACT(payload, '$.orderId')))
  WHERE exchange = 'ordering.delay' AND subject IS NULL;

-- One row for each expiry message that the worker has handled, written in the transaction that handled it.
CREATE TABLE IF NOT EXISTS expiry_receipts (
  message_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  outcome VARCHAR(16) CHARACTER SET ascii NOT NULL,
  deliveries INT UNSIGNED NOT NULL DEFAULT 1,
  received_at DATETIME(6) NOT NULL,
  KEY expiry_receipts_age (received_at),
  CONSTRAINT expiry_receipts_outcome CHECK (outcome IN ('expired', 'passed-by'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Messages that nobody could read or handle, whole, until somebody sends them again or drops them. body_bytes: how
-- long the body was when it came; more than is here when it was cut.
CREATE TABLE IF NOT EXISTS parked_messages (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  queue VARCHAR(190) CHARACTER SET ascii NOT NULL,
  message_id VARCHAR(255) NOT NULL,
  headers LONGTEXT NOT NULL,
  body LONGBLOB NOT NULL,
  body_bytes INT UNSIGNED NOT NULL,
  reason VARCHAR(1000) NOT NULL,
  parked_at DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Queues in which expiry messages wait. retired_at: when the worker took a lane out of use; it is deleted when
-- everything in it has fallen due.
CREATE TABLE IF NOT EXISTS expiry_lanes (
  queue VARCHAR(190) CHARACTER SET ascii NOT NULL PRIMARY KEY,
  routing_key VARCHAR(190) CHARACTER SET ascii NOT NULL,
  ttl_ms BIGINT UNSIGNED NOT NULL,
  retired_at DATETIME(6) NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
