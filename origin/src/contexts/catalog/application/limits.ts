/** Every bound of this context, in one place. Page sizes stand in the contract: the edge knows them too. */
export const catalogLimits = {
  nameLengthMax: 200,
  descriptionLengthMax: 4_000,
  priceCentsMax: 100_000_000,
  stockMax: 1_000_000_000,
  cursorLengthMax: 100,
  productIdMax: Number.MAX_SAFE_INTEGER,
} as const;
