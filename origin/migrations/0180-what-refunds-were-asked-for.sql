-- The amount that a refund was asked for by; NULL when it was asked for all that was left. The same key with another
-- wish is another request.
ALTER TABLE refunds ADD COLUMN asked_cents BIGINT UNSIGNED NULL;
