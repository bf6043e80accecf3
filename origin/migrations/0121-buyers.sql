-- One row for each user who has ever ordered. unpaid: how many of their orders are unpaid now. events: how many steps
-- their orders have taken; the last step has that number. Every step locks the row, so steps of one user get their
-- numbers in the order in which they are committed, without gaps.
CREATE TABLE IF NOT EXISTS buyers (
  user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  unpaid INT NOT NULL,
  events BIGINT UNSIGNED NOT NULL,
  updated_at DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT INTO buyers (user_id, unpaid, events, updated_at)
SELECT o.user_id, SUM(o.status IN ('PENDING_PAYMENT', 'FAILED_PAYMENT')), 0, UTC_TIMESTAMP(6)
FROM orders o GROUP BY o.user_id
ON DUPLICATE KEY UPDATE unpaid = VALUES(unpaid);
