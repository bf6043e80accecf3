-- Entries that have ended are found without reading the others. Repeatable, as MySQL knows no
-- ADD INDEX IF NOT EXISTS.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'access_entries' AND index_name = 'access_entries_end');
SET @ddl = IF(@missing, 'ALTER TABLE access_entries ADD INDEX access_entries_end (removed_at, expires_at)', 'DO 0');
PREPARE add_index FROM @ddl;
EXECUTE add_index;
DEALLOCATE PREPARE add_index;
