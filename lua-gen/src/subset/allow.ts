import type ts from "typescript";
import { positionOf } from "../compile/diagnostic.ts";
import type { Fault } from "../compile/fault.ts";

/**
 * `// lua-gen-allow LG003: the library throws` on the line above, or at the end of the line itself, lets one fault
 * of that line pass. The reason is not optional, and an allowance that nothing needs is itself a fault: both would
 * otherwise outlive what they were written for.
 */
export function applyAllowances(file: ts.SourceFile, faults: readonly Fault[]): Fault[] {
  const allowances = readAllowances(file);
  const kept: Fault[] = [];
  for (const fault of faults) {
    const allowance = allowances.find(
      ({ code, line }) => code === fault.code && (line === fault.line || line + 1 === fault.line),
    );
    if (allowance === undefined) kept.push(fault);
    else allowance.isUsed = true;
  }
  for (const { code, reason, isUsed, place } of allowances) {
    if (reason === "") {
      kept.push({ ...place, code: allowanceCode, message: `Say why: // lua-gen-allow ${code}: the reason.` });
    } else if (!isUsed) {
      kept.push({
        ...place,
        code: allowanceCode,
        message: `Nothing here needs it; remove lua-gen-allow ${code}.`,
      });
    }
  }
  return kept;
}

export const allowanceCode = "LG900";

interface Allowance {
  readonly code: string;
  readonly reason: string;
  readonly line: number;
  readonly place: { readonly file: string; readonly line: number; readonly column: number };
  isUsed: boolean;
}

function readAllowances(file: ts.SourceFile): Allowance[] {
  const found: Allowance[] = [];
  for (const match of file.text.matchAll(/\/\/ *lua-gen-allow +(LG\d+)(?:: *(.*))?$/gm)) {
    const place = positionOf(file, match.index);
    const [, code = "", reason = ""] = match;
    found.push({ code, reason: reason.trim(), line: place.line, place, isUsed: false });
  }
  return found;
}
