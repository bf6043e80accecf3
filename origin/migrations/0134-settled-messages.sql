-- What became of parked messages, see the migration before.
ALTER TABLE parked_messages
  ADD COLUMN settled_at DATETIME(6) NULL,
  ADD COLUMN settlement VARCHAR(16) CHARACTER SET ascii NULL,
  ADD KEY parked_messages_settled (settled_at),
  ADD KEY parked_messages_message (message_id),
  ADD CONSTRAINT parked_messages_settlement
    CHECK ((settled_at IS NULL) = (settlement IS NULL) AND settlement IN ('sent-again', 'dropped'));
