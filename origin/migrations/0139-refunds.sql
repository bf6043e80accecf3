-- Money that goes back: one row for each wish to pay back a part or all of a payment. The provider knows it by its id
-- and the attempt, so a refund that failed can be tried anew. next_check_at: when the worker asks the provider about it;
-- NULL when there is nothing to ask.
CREATE TABLE IF NOT EXISTS refunds (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  payment_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  order_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount_cents BIGINT UNSIGNED NOT NULL,
  currency CHAR(3) CHARACTER SET ascii NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii NOT NULL,
  attempt INT UNSIGNED NOT NULL,
  actor VARCHAR(64) CHARACTER SET ascii NOT NULL,
  reason VARCHAR(200) NOT NULL,
  idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
  provider_reference VARCHAR(128) CHARACTER SET ascii NULL,
  failure VARCHAR(200) NOT NULL,
  checks INT UNSIGNED NOT NULL DEFAULT 0,
  next_check_at DATETIME(6) NULL,
  created_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  UNIQUE KEY refunds_once (order_id, idempotency_key),
  KEY refunds_payment (payment_id),
  KEY refunds_undecided (next_check_at),
  KEY refunds_status (status, id),
  CONSTRAINT refunds_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
  CONSTRAINT refunds_status CHECK (status IN ('DUE', 'SENT', 'DONE', 'FAILED'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO refunds (id, payment_id, order_id, amount_cents, currency, status, attempt, actor, reason, failure,
  next_check_at, created_at, updated_at)
SELECT p.id, p.id, p.order_id, p.amount_cents, p.currency, IF(p.status = 'REFUNDED', 'DONE', 'DUE'), 1, 'migration',
  p.reason, '', IF(p.status = 'REFUNDED', NULL, UTC_TIMESTAMP(6)), p.updated_at, p.updated_at
FROM payments p WHERE p.status IN ('REFUND_DUE', 'REFUNDED');

UPDATE payments SET next_check_at = NULL WHERE status = 'REFUND_DUE';
