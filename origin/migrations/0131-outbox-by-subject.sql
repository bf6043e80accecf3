-- What became of messages. subject: what a message is about (order:<id>), so that it can be found; failures: how
-- often the broker has given it back, refused it or broken off, and what was said last. Filled by the next migration:
-- this statement cannot be repeated, so it stands alone.
ALTER TABLE outbox
  ADD COLUMN subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN failures INT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN failure VARCHAR(200) NULL,
  ADD COLUMN failed_at DATETIME(6) NULL,
  ADD KEY outbox_subject (subject);
