UPDATE order_history h
JOIN (
  SELECT s.id, o.user_id, ROW_NUMBER() OVER (PARTITION BY o.user_id ORDER BY s.id) AS event_number
  FROM order_history s JOIN orders o ON o.id = s.order_id
) numbered ON numbered.id = h.id
SET h.user_id = numbered.user_id, h.event_number = numbered.event_number;

UPDATE buyers b SET events = (SELECT COUNT(*) FROM order_history h WHERE h.user_id = b.user_id);

ALTER TABLE order_history
  MODIFY COLUMN user_id BIGINT UNSIGNED NOT NULL,
  MODIFY COLUMN event_number BIGINT UNSIGNED NOT NULL,
  ADD UNIQUE KEY order_history_event (user_id, event_number);
