/**
 * Counters of decisions, in one Redis hash that all edge workers add to. A field is the kind and the labels,
 * joined by {@link COUNTER_SEPARATOR}:
 *
 *     decision|reason|rule|action|status     every decision; rule is empty when none decided
 *     country|country|action                 every decision once more, by country
 *     observed|rule|action                   what a rule in mode `observe` would have done
 */
export const COUNTER_SEPARATOR = "|";
export const COUNTER_DECISION = "decision";
export const COUNTER_COUNTRY = "country";
export const COUNTER_OBSERVED = "observed";

/** What would be one field too many is counted here. */
export const COUNTER_OTHER = "other";

/** Rules come and go, and their counters stay: a thousand rules and all countries fit several times. */
export const COUNTERS_MAX = 10_000;
