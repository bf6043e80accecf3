-- Who came and went, and who was refused. Appended in batches, pruned by age, changed never. No foreign keys: it must
-- outlive what it tells of.
CREATE TABLE IF NOT EXISTS identity_trail (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at DATETIME(6) NOT NULL,
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id BIGINT UNSIGNED NULL,
  session_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  operator VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  detail VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NULL,
  address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  country CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  device VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  request_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  KEY identity_trail_at (at),
  KEY identity_trail_user (user_id, id),
  KEY identity_trail_kind (kind, id),
  KEY identity_trail_session (session_id, id),
  KEY identity_trail_address (address, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
