/** The shared dict in which workers tell each other what they ask the origin (`cache/node-flight.ts`), and its size. */
export const FLIGHT_NOTES = "sluice_flights";
export const FLIGHT_NOTES_BYTES = 16_777_216;
