-- How long each block was banned the last time, so that a repeat offender can be banned for longer. Outlives the
-- entry of the list, which is forgotten an hour after its end.
CREATE TABLE IF NOT EXISTS past_bans (
  cidr VARCHAR(49) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  bans INT UNSIGNED NOT NULL,
  last_ms BIGINT UNSIGNED NOT NULL,
  ends_at DATETIME(6) NOT NULL,
  KEY past_bans_by_end (ends_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
