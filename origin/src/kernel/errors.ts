/**
 * One entry of the error catalogue. `code` is stable and part of the public surface; docs/errors.md lists
 * every one, and a test compares the two in both directions.
 */
export interface ErrorDefinition {
  readonly code: string;
  readonly status: number;
  readonly title: string;
}

/** One fault of an input, with the place where it is (RFC 6901 pointer into the body, query or params). */
export interface Fault {
  readonly pointer: string;
  readonly message: string;
  readonly code?: string;
}

export interface RefusalDetails {
  /** What is wrong this time, for a person. Never holds secrets: it is sent and logged. */
  readonly detail?: string;
  readonly faults?: readonly Fault[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the problem document. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Checks the shape of a catalogue at compile time and keeps its literal types. */
export function defineErrors<const T extends Record<string, ErrorDefinition>>(definitions: T): T {
  return definitions;
}

/**
 * A refusal: the request can't be done, and the caller is told which catalogued error it met. Outcomes that
 * the calling code must branch on are discriminated unions instead, and bugs are assertions.
 */
export class Refusal extends Error {
  readonly definition: ErrorDefinition;
  readonly details: RefusalDetails;

  constructor(definition: ErrorDefinition, details: RefusalDetails = {}) {
    super(details.detail ?? definition.title, { cause: details.cause });
    this.name = "Refusal";
    this.definition = definition;
    this.details = details;
  }
}

/**
 * What a process finds wrong around itself when it starts: its configuration, or a service that is set up
 * wrongly. All faults at once, so that nobody mends them one start at a time.
 */
export class StartFaults extends Error {
  readonly faults: readonly string[];

  constructor(where: string, faults: readonly string[]) {
    super(`${where}:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
    this.name = new.target.name;
    this.faults = faults;
  }
}
