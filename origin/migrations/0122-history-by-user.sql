-- Filled by the next migration: this statement cannot be repeated, so it stands alone.
ALTER TABLE order_history
  ADD COLUMN user_id BIGINT UNSIGNED NULL AFTER order_id,
  ADD COLUMN event_number BIGINT UNSIGNED NULL AFTER user_id;
