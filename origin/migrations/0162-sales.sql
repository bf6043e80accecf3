-- Flash sales. buy_rate: of 10,000 buyers so many may try. challenge_key: with it the edges sign challenges;
-- token_key, token_public: the pair by which purchase tokens are signed. version grows with every change.
CREATE TABLE IF NOT EXISTS sales (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  product_id BIGINT UNSIGNED NOT NULL,
  price_cents BIGINT UNSIGNED NOT NULL,
  currency CHAR(3) CHARACTER SET ascii NOT NULL,
  total INT NOT NULL,
  per_user_max INT NOT NULL,
  per_second INT NOT NULL,
  buy_rate INT NOT NULL,
  countries VARCHAR(1000) CHARACTER SET ascii NOT NULL,
  starts_at DATETIME(6) NOT NULL,
  ends_at DATETIME(6) NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii NOT NULL,
  challenge_key CHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  token_key VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  token_public CHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  KEY sales_by_status (status, id),
  CONSTRAINT sales_status CHECK (status IN ('DRAFT', 'SCHEDULED', 'OPEN', 'PAUSED', 'SOLD_OUT', 'ENDED')),
  CONSTRAINT sales_sane CHECK (total > 0 AND per_user_max > 0 AND per_second > 0
    AND buy_rate BETWEEN 1 AND 10000 AND ends_at > starts_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Each version of a sale, as it was from then on.
CREATE TABLE IF NOT EXISTS sale_changes (
  sale_id BIGINT UNSIGNED NOT NULL,
  version BIGINT UNSIGNED NOT NULL,
  document LONGTEXT NOT NULL,
  actor VARCHAR(64) CHARACTER SET ascii NOT NULL,
  reason VARCHAR(200) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (sale_id, version)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- How many pieces each buyer of a sale has got, whatever became of the orders.
CREATE TABLE IF NOT EXISTS sale_buyers (
  sale_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  quantity INT NOT NULL,
  PRIMARY KEY (sale_id, user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- What became of a ticket, written in the transaction of its order. Its place in the queue: the id that the stream
-- gave it; arrived_at: when the edge received the request.
CREATE TABLE IF NOT EXISTS sale_tickets (
  sale_id BIGINT UNSIGNED NOT NULL,
  ticket VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  quantity INT NOT NULL,
  outcome VARCHAR(16) CHARACTER SET ascii NOT NULL,
  reason VARCHAR(64) CHARACTER SET ascii NOT NULL,
  order_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  pays_until DATETIME(6) NULL,
  arrived_at DATETIME(6) NULL,
  queue_ms BIGINT UNSIGNED NOT NULL,
  queue_number INT UNSIGNED NOT NULL,
  decided_at DATETIME(6) NOT NULL,
  PRIMARY KEY (sale_id, ticket),
  KEY sale_tickets_queue (sale_id, queue_ms, queue_number),
  KEY sale_tickets_user (sale_id, user_id),
  UNIQUE KEY sale_tickets_order (order_id),
  CONSTRAINT sale_tickets_outcome CHECK (outcome IN ('CONFIRMED', 'SOLD_OUT', 'LIMIT', 'REJECTED'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
