-- Each piece of a product is in one place. The checks make every statement that would lose or invent one
-- fail, whoever wrote it.
CREATE TABLE IF NOT EXISTS stock (
  product_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  total INT NOT NULL,
  available INT NOT NULL,
  reserved INT NOT NULL,
  sold INT NOT NULL,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  CONSTRAINT stock_not_negative CHECK (total >= 0 AND available >= 0 AND reserved >= 0 AND sold >= 0),
  CONSTRAINT stock_conserved CHECK (available + reserved + sold = total)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- The ledger: the counts of `stock` are its sums. One order moves one product by each kind at most once, so
-- the unique key refuses a second release even if the code asked for it. (NULL order ids never collide.)
CREATE TABLE IF NOT EXISTS stock_movements (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  product_id BIGINT UNSIGNED NOT NULL,
  kind VARCHAR(8) CHARACTER SET ascii NOT NULL,
  quantity INT NOT NULL,
  order_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  actor VARCHAR(64) CHARACTER SET ascii NOT NULL,
  reason VARCHAR(200) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  UNIQUE KEY stock_movements_once (order_id, product_id, kind),
  KEY stock_movements_product (product_id, kind, quantity),
  CONSTRAINT stock_movements_kind CHECK (kind IN ('RECEIVE', 'RESERVE', 'RELEASE', 'SELL', 'RETURN')),
  CONSTRAINT stock_movements_quantity CHECK (quantity > 0 OR (kind = 'RECEIVE' AND quantity <> 0))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
