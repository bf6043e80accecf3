-- One row for each attempt to pay. next_check_at: when the worker asks the provider about a payment that is
-- undecided (STARTED) or owed back (REFUND_DUE); NULL when there is nothing to ask.
CREATE TABLE IF NOT EXISTS payments (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  provider VARCHAR(32) CHARACTER SET ascii NOT NULL,
  method VARCHAR(64) CHARACTER SET ascii NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii NOT NULL,
  amount_cents BIGINT UNSIGNED NOT NULL,
  currency CHAR(3) CHARACTER SET ascii NOT NULL,
  provider_reference VARCHAR(128) CHARACTER SET ascii NULL,
  reason VARCHAR(200) NOT NULL,
  checks INT UNSIGNED NOT NULL DEFAULT 0,
  next_check_at DATETIME(6) NULL,
  created_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  KEY payments_order (order_id, status),
  KEY payments_undecided (next_check_at),
  CONSTRAINT payments_order FOREIGN KEY (order_id) REFERENCES orders (id),
  CONSTRAINT payments_status
    CHECK (status IN ('STARTED', 'SUCCEEDED', 'DECLINED', 'REFUND_DUE', 'REFUNDED'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
