-- Of refunds from before it was written down: a part was asked for by its amount.
UPDATE refunds r JOIN payments p ON p.id = r.payment_id SET r.asked_cents = r.amount_cents
  WHERE r.asked_cents IS NULL AND r.idempotency_key IS NOT NULL AND r.amount_cents < p.amount_cents;
