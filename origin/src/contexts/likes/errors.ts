import { defineErrors } from "../../kernel/errors.ts";

export const likesErrors = defineErrors({
  cursorInvalid: {
    code: "likes.cursor_invalid",
    status: 422,
    title: "The cursor was not given out by this service",
  },
  crowded: { code: "likes.crowded", status: 503, title: "More likes come in than can be taken just now" },
});
