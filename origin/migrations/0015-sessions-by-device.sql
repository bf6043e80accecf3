-- From where a session was used last, beside its unused token; a token that was used knows it no longer. MariaDB and
-- MySQL have no common ADD COLUMN IF NOT EXISTS, so the repetition is asked for.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'refresh_tokens' AND column_name = 'address');
SET @ddl = IF(@missing, 'ALTER TABLE refresh_tokens
  ADD COLUMN address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '''',
  ADD COLUMN country CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''ZZ'',
  ADD COLUMN user_agent VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL DEFAULT ''''', 'DO 0');
PREPARE add_columns FROM @ddl;
EXECUTE add_columns;
DEALLOCATE PREPARE add_columns;
