-- Pieces of a product that are set aside, for a flash sale: they count as reserved in `stock`, and here it says how
-- many of them nobody has ordered yet. The id is the one of whoever asked for them. put_back: pieces that came back
-- from orders and could be ordered again; returned: pieces that went back to the product.
CREATE TABLE IF NOT EXISTS allotments (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  product_id BIGINT UNSIGNED NOT NULL,
  total INT NOT NULL,
  available INT NOT NULL,
  put_back INT NOT NULL DEFAULT 0,
  returned INT NOT NULL DEFAULT 0,
  closed_at DATETIME(6) NULL,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  KEY allotments_product (product_id),
  CONSTRAINT allotments_not_negative CHECK (total >= 0 AND available >= 0 AND put_back >= 0 AND returned >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
