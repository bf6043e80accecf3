-- A message that is sent again keeps its id: sending counts its rows, from 1 on. A parked message stays where it is when
-- somebody has settled it, so that it is known later what became of it: settled_at, and whether it was sent again or
-- dropped. It cannot be repeated, so each table stands alone: this one is about the outbox.
ALTER TABLE outbox
  ADD COLUMN sending INT UNSIGNED NOT NULL DEFAULT 1,
  DROP KEY outbox_message,
  ADD UNIQUE KEY outbox_message (message_id, sending);
