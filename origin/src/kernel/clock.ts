/** The current time in milliseconds since the epoch. Passed as an argument wherever expiry is decided. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();
