-- Where the order's pieces come from; NULL: from the product's own stock. One statement, because it cannot be repeated.
ALTER TABLE orders
  ADD COLUMN allotment_id BIGINT UNSIGNED NULL,
  ADD KEY orders_of_allotment (allotment_id);
