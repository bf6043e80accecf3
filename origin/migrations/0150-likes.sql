-- What a user did last to a product: like it, or take that back. acted_at_ms is the client's time (Unix, ms), grows
-- with every change of the row, and so is its version: an action from before it changes nothing.
CREATE TABLE IF NOT EXISTS likes (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  product_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  liked TINYINT NOT NULL,
  acted_at_ms BIGINT UNSIGNED NOT NULL,
  UNIQUE KEY likes_once (product_id, user_id),
  KEY likes_newest (product_id, liked, acted_at_ms, user_id),
  KEY likes_of_user (user_id, liked, acted_at_ms, product_id),
  CONSTRAINT likes_liked CHECK (liked IN (0, 1))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- How many like a product: the rows above with liked = 1, counted in the same transactions. Whoever writes likes of a
-- product holds its row here first, so they come one after the other.
CREATE TABLE IF NOT EXISTS like_counts (
  product_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  likes INT UNSIGNED NOT NULL,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
