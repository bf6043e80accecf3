import { unknownMemberDiagnostic } from "../nginx/unknown-members.ts";
import { handlerDiagnostic } from "../phases/check-handlers.ts";
import { phaseDiagnostic, tagDiagnostic } from "../phases/check-phases.ts";
import { workerStateDiagnostic } from "../phases/worker-state.ts";
import { libraryCallDiagnostic } from "./library-calls.ts";
import type { Rule } from "./rule.ts";
import { asynchronous } from "./rules/async.ts";
import { collections } from "./rules/collections.ts";
import { exceptions } from "./rules/exceptions.ts";
import { hotAllocation } from "./rules/hot-allocation.ts";
import { multi } from "./rules/multi.ts";
import { names } from "./rules/names.ts";
import { optionalModuleCall } from "./rules/optional-call.ts";
import { regex } from "./rules/regex.ts";
import { remainder } from "./rules/remainder.ts";
import { truthiness } from "./rules/truthiness.ts";
import { unsignedShift } from "./rules/unsigned-shift.ts";

export const rules: readonly Rule[] = [
  regex,
  asynchronous,
  exceptions,
  collections,
  unsignedShift,
  truthiness,
  optionalModuleCall,
  remainder,
  hotAllocation,
  multi,
  names,
];

/** What can't be seen in one node: these look at the whole program. */
export const ofPrograms: readonly Pick<Rule, "code" | "title">[] = [
  phaseDiagnostic,
  tagDiagnostic,
  libraryCallDiagnostic,
  workerStateDiagnostic,
];

/** And these at the configuration too. */
export const ofConfigurations: readonly Pick<Rule, "code" | "title">[] = [
  handlerDiagnostic,
  unknownMemberDiagnostic,
];
