-- Lines point to no product by a foreign key: it would lock the parent row in share mode at every insert,
-- and two orders of one product would then deadlock on its stock.
CREATE TABLE IF NOT EXISTS orders (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  user_id BIGINT UNSIGNED NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii NOT NULL,
  total_cents BIGINT UNSIGNED NOT NULL,
  currency CHAR(3) CHARACTER SET ascii NOT NULL,
  created_at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  -- Ids are UUID v7, so this lists a user's orders by time.
  KEY orders_of_user (user_id, id),
  -- What the sweeper looks at.
  KEY orders_due (status, expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS order_lines (
  order_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  product_id BIGINT UNSIGNED NOT NULL,
  quantity INT NOT NULL,
  unit_price_cents BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (order_id, product_id),
  KEY order_lines_product (product_id),
  CONSTRAINT order_lines_order FOREIGN KEY (order_id) REFERENCES orders (id),
  CONSTRAINT order_lines_quantity CHECK (quantity > 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS order_history (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_status VARCHAR(16) CHARACTER SET ascii NULL,
  to_status VARCHAR(16) CHARACTER SET ascii NOT NULL,
  actor VARCHAR(64) CHARACTER SET ascii NOT NULL,
  reason VARCHAR(200) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  KEY order_history_order (order_id, id),
  CONSTRAINT order_history_order FOREIGN KEY (order_id) REFERENCES orders (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- The answer that a key has got. The row is written in the transaction that makes the order, so there is
-- never one without the other.
CREATE TABLE IF NOT EXISTS order_idempotency (
  user_id BIGINT UNSIGNED NOT NULL,
  idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fingerprint CHAR(64) CHARACTER SET ascii NOT NULL,
  order_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status SMALLINT UNSIGNED NOT NULL,
  body MEDIUMTEXT NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (user_id, idempotency_key),
  KEY order_idempotency_order (order_id),
  KEY order_idempotency_age (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
