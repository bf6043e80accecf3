import { relative } from "node:path";
import ts from "typescript";
import { positionOf } from "../compile/diagnostic.ts";
import type { Fault } from "../compile/fault.ts";
import { type Entry, findEntries } from "./entries.ts";
import {
  type FunctionValues,
  findFunctionValues,
  isOwn,
  type OwnFunction,
  takesFunction,
} from "./function-values.ts";
import { importClosure } from "./import-closure.ts";
import { conditionIn, leaves } from "./phase-conditions.ts";
import { describePhases, type Phase } from "./phase-sets.ts";
import { allowedPhases } from "./tags.ts";
import { findWorkerState } from "./worker-state.ts";

export const phaseDiagnostic = { code: "LG009", title: "API outside its phases" } as const;

export const tagDiagnostic = { code: "LG016", title: "Tag that names no phase" } as const;

/** Something that runs in a phase, and how it came to: a function, or the top level of a file. */
interface Running {
  readonly code: OwnFunction | ts.SourceFile;
  readonly phase: Phase;
  /** Who called it, and where; the entry point has none. */
  readonly caller?: Running;
  readonly name: string;
  readonly at: ts.Node;
}

/** An API that is used where its phase doesn't allow it. */
interface Misuse {
  readonly at: ts.Node;
  readonly api: ts.Declaration;
  /** The shortest way there, in each phase. */
  readonly by: Map<Phase, Running>;
}

/**
 * Follows the calls from each entry point (`@phase access`) through the program, and reports every API that they
 * reach and that the phase doesn't allow. What a timer calls runs in the phase `timer`. The top level of a module runs
 * where it is first loaded: in `init` when an entry of that phase leads to it, else in each that does. What is known
 * of the phases also tells configuration from state that workers don't share.
 */
export function checkPhases(program: ts.Program, files: readonly ts.SourceFile[]): Fault[] {
  const faults: Fault[] = [];
  const entries = files.flatMap((file) =>
    findEntries(file, (at, message) => {
      faults.push({ ...positionOf(file, at.getStart(file)), code: tagDiagnostic.code, message });
    }),
  );
  const checker = program.getTypeChecker();
  if (entries.length === 0) return [...faults, ...findWorkerState(files, checker, () => new Set())];
  const walk = new Walk(checker, findFunctionValues(files, checker));
  for (const start of [...starts(entries), ...loads(program, entries)]) walk.enter(start);
  walk.run();
  const folder = program.getCurrentDirectory();
  return [
    ...faults,
    ...[...walk.misuses.values()].map((misuse) => faultOf(misuse, checker, folder)),
    ...findWorkerState(files, checker, (code) => walk.phasesOf(code)),
  ];
}

function starts(entries: readonly Entry[]): Running[] {
  return entries.flatMap(({ name, run, phases }) =>
    phases.map((phase) => ({ code: run, phase, name: `${phase}: ${name}`, at: run })),
  );
}

function loads(program: ts.Program, entries: readonly Entry[]): Running[] {
  const isInit = ({ phases }: Entry) => phases.includes("init");
  const atInit = importClosure(
    program,
    entries.filter(isInit).map(({ run }) => run.getSourceFile()),
  );
  const found: Running[] = [];
  for (const { run, phases } of entries) {
    for (const file of importClosure(program, [run.getSourceFile()])) {
      for (const phase of atInit.has(file) ? (["init"] as const) : phases) {
        found.push({ code: file, phase, name: `${phase}: loading the module`, at: file });
      }
    }
  }
  return found;
}

class Walk {
  readonly misuses = new Map<ts.Node, Misuse>();
  private readonly seen = new Map<ts.Node, Set<Phase>>();
  private readonly queue: Running[] = [];
  private readonly checker: ts.TypeChecker;
  private readonly values: FunctionValues;

  constructor(checker: ts.TypeChecker, values: FunctionValues) {
    this.checker = checker;
    this.values = values;
  }

  /** Breadth first, so that the path shown is the shortest. */
  run(): void {
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      const running = next;
      ts.forEachChild(running.code, (child) => this.visit(child, running));
    }
  }

  phasesOf(code: ts.Node): ReadonlySet<Phase> {
    return this.seen.get(code) ?? new Set();
  }

  enter(running: Running): void {
    const phases = this.seen.get(running.code) ?? new Set();
    this.seen.set(running.code, phases);
    if (phases.has(running.phase)) return;
    phases.add(running.phase);
    this.queue.push(running);
  }

  private visit(node: ts.Node, running: Running): void {
    // A function inside runs when it is called.
    if (ts.isFunctionLike(node)) return;
    if (ts.isIfStatement(node)) {
      this.branch(node.expression, node.thenStatement, node.elseStatement, running);
    } else if (ts.isConditionalExpression(node)) {
      this.branch(node.condition, node.whenTrue, node.whenFalse, running);
    } else if (ts.isBlock(node)) {
      this.block(node, running);
    } else {
      if (ts.isCallExpression(node)) this.call(node, running);
      else if (ts.isPropertyAccessExpression(node)) this.read(node, running);
      ts.forEachChild(node, (child) => this.visit(child, running));
    }
  }

  /** Who asks `ngx.get_phase()` knows which branch runs. */
  private branch(condition: ts.Expression, yes: ts.Node, no: ts.Node | undefined, running: Running): void {
    const holds = conditionIn(running.phase, condition, this.checker);
    this.visit(condition, running);
    if (holds !== false) this.visit(yes, running);
    if (holds !== true && no !== undefined) this.visit(no, running);
  }

  /** Up to where this phase has returned. */
  private block(node: ts.Block, running: Running): void {
    for (const statement of node.statements) {
      this.visit(statement, running);
      if (!ts.isIfStatement(statement)) continue;
      const holds = conditionIn(running.phase, statement.expression, this.checker);
      const taken =
        holds === true ? statement.thenStatement : holds === false ? statement.elseStatement : undefined;
      if (taken !== undefined && leaves(taken)) return;
    }
  }

  private call(node: ts.CallExpression, running: Running): void {
    for (const callee of this.values.callees(node.expression)) {
      if (isOwn(callee)) {
        this.enter({ code: callee, phase: running.phase, caller: running, name: nameOf(callee), at: node });
        continue;
      }
      this.use(callee, node.expression, running);
      this.handOver(callee, node, running);
    }
  }

  /** `pcall(f)` and `ngx.thread.spawn(f)` call f in the same phase; timers do in their own. */
  private handOver(callee: ts.SignatureDeclaration, node: ts.CallExpression, running: Running): void {
    const isTimer = this.nameOfApi(callee).startsWith("ngx.timer.");
    const phase = isTimer ? "timer" : running.phase;
    node.arguments.forEach((argument, index) => {
      const parameter = callee.parameters[index] ?? callee.parameters.at(-1);
      if (parameter === undefined || !takesFunction(parameter, this.checker)) return;
      for (const value of this.values.of(argument)) {
        const name = isTimer ? `timer: ${nameOf(value)}` : nameOf(value);
        if (isOwn(value)) this.enter({ code: value, phase, caller: running, name, at: argument });
        else this.use(value, argument, { ...running, phase });
      }
    });
  }

  /** Variables and properties: `ngx.ctx`, `ngx.status`. */
  private read(node: ts.PropertyAccessExpression, running: Running): void {
    const symbol = this.checker.getSymbolAtLocation(node);
    const isAlias = symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0;
    const [declaration] = (isAlias ? this.checker.getAliasedSymbol(symbol) : symbol)?.declarations ?? [];
    if (declaration === undefined || ts.isFunctionLike(declaration)) return;
    if (declaration.getSourceFile().isDeclarationFile) this.use(declaration, node, running);
  }

  private use(api: ts.Declaration, at: ts.Node, by: Running): void {
    if (allowedPhases(api, this.checker)?.has(by.phase) ?? true) return;
    const known = this.misuses.get(at);
    if (known === undefined) this.misuses.set(at, { api, at, by: new Map([[by.phase, by]]) });
    else if (!known.by.has(by.phase)) known.by.set(by.phase, by);
  }

  private nameOfApi(declaration: ts.Declaration): string {
    return apiName(declaration, this.checker);
  }
}

function faultOf({ at, api, by }: Misuse, checker: ts.TypeChecker, folder: string): Fault {
  const declared = apiName(api, checker);
  // `new` can only be exported under another name than it is declared by.
  const name = ts.isPropertyAccessExpression(at) ? declared.replace(/[^.]+$/, at.name.text) : declared;
  const allowed = allowedPhases(api, checker) ?? new Set<Phase>();
  const phases = new Set(by.keys());
  const paths = [...by.values()].map((running) => `\n  ${[...pathTo(running, folder), name].join("\n  → ")}`);
  const remedy = remedyFor(allowed, phases);
  const message = `${name} may not run in ${[...phases].join(", ")}; it may in ${describePhases(allowed)}.${remedy}`;
  const place = positionOf(at.getSourceFile(), at.getStart());
  return { ...place, code: phaseDiagnostic.code, message: message + paths.join("") };
}

/** From the entry point on. */
function pathTo(running: Running, folder: string): string[] {
  const path: string[] = [];
  for (let step: Running | undefined = running; step !== undefined; step = step.caller) {
    const { file, line, column } = positionOf(step.at.getSourceFile(), step.at.getStart());
    path.unshift(`${step.name} (${relative(folder, file)}:${line}:${column})`);
  }
  return path;
}

/** What else to do. Nobody can hand over what has to be known before the phase ends. */
function remedyFor(allowed: ReadonlySet<Phase>, phases: ReadonlySet<Phase>): string {
  if (phases.has("timer")) return " A timer has no request: pass it what it needs as arguments.";
  if (phases.has("balancer") || phases.has("set")) return " Do it earlier, in access, and keep the outcome.";
  return allowed.has("timer") ? " Hand the work to ngx.timer.at(0, …), where it may run." : "";
}

/** `ngx.socket.tcp`, `resty.redis.Redis.connect`. */
function apiName(declaration: ts.Declaration, checker: ts.TypeChecker): string {
  const symbol = (declaration as { symbol?: ts.Symbol }).symbol;
  if (symbol === undefined) return "?";
  // A member of a module or namespace that is exported under another name stands for itself only.
  const around = ts.findAncestor(declaration, ts.isModuleDeclaration);
  const name = checker.getFullyQualifiedName(symbol).replaceAll('"', "");
  return around === undefined || name.includes(".") ? name : `${around.name.text}.${name}`;
}

function nameOf(node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) return node.name.getText();
  const { parent } = node;
  const isNamed = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent);
  return isNamed ? parent.name.getText() : "a function";
}
