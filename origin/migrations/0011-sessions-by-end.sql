-- Sessions that are long over are found without reading the others. Repeatable, as MySQL knows no
-- ADD INDEX IF NOT EXISTS.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'sessions' AND index_name = 'sessions_end');
SET @ddl = IF(@missing, 'ALTER TABLE sessions ADD INDEX sessions_end (expires_at)', 'DO 0');
PREPARE add_index FROM @ddl;
EXECUTE add_index;
DEALLOCATE PREPARE add_index;
