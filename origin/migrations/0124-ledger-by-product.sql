-- The ledger of one product is read from its newest movement back. The key before it served only the audit's sums,
-- which read all of the table anyway.
ALTER TABLE stock_movements
  ADD KEY stock_movements_of_product (product_id, id),
  DROP KEY stock_movements_product;
