-- By whom else than us a user is known: an OpenID subject of its issuer, or a WeChat unionid.
CREATE TABLE IF NOT EXISTS user_identities (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id BIGINT UNSIGNED NOT NULL,
  issuer VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  provider VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  label VARCHAR(128) NOT NULL,
  linked_at DATETIME(6) NOT NULL,
  last_used_at DATETIME(6) NOT NULL,
  UNIQUE KEY user_identities_subject (issuer, subject),
  KEY user_identities_user (user_id),
  CONSTRAINT user_identities_user_exists FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
