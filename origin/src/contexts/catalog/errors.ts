import { defineErrors } from "../../kernel/errors.ts";

export const catalogErrors = defineErrors({
  productNotFound: { code: "product.not_found", status: 404, title: "There is no such product" },
  cursorInvalid: {
    code: "product.cursor_invalid",
    status: 422,
    title: "The cursor was not given out by this service",
  },
});
