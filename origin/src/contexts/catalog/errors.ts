import { PRODUCT_NOT_FOUND } from "@sluice/contract/error-codes.ts";
import { defineErrors } from "../../kernel/errors.ts";

export const catalogErrors = defineErrors({
  /** The edge answers it as well, for ids that were never a product's. */
  productNotFound: PRODUCT_NOT_FOUND,
  cursorInvalid: {
    code: "product.cursor_invalid",
    status: 422,
    title: "The cursor was not given out by this service",
  },
});
