-- What a provider took, when that is not what it was asked for: all of it goes back. NULL for all other payments.
ALTER TABLE payments
  ADD COLUMN taken_cents BIGINT UNSIGNED NULL,
  ADD COLUMN taken_currency CHAR(3) CHARACTER SET ascii NULL;
