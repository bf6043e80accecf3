-- What is sold. Stock is not here: it belongs to ordering, which changes it with every order.
-- status: draft (not seen yet) → active → retired. version grows with every change of the row.
CREATE TABLE IF NOT EXISTS products (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(200) NOT NULL,
  description VARCHAR(4000) NOT NULL,
  price_cents BIGINT UNSIGNED NOT NULL,
  currency CHAR(3) CHARACTER SET ascii NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii NOT NULL,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  KEY products_listed (status, id),
  CONSTRAINT products_status CHECK (status IN ('draft', 'active', 'retired'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
