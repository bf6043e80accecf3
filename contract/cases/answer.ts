/**
 * The contract as questions and answers in lines of text, so that the same case can be put to Node, to
 * LuaJIT and to nginx, and the answers compared letter by letter. This file is JavaScript and is compiled to Lua.
 *
 * A question is a verb and its arguments, separated by tabs. Lists and rules that were given stay until
 * `reset`; every question has exactly one answer.
 */
import {
  type Address,
  addressBits,
  addressFromBytes,
  formatAddress,
  formatCidr,
  maskAddress,
  parseAddress,
  parseCidr,
} from "../src/policy/address.ts";
import {
  createAddressTable,
  findBlock,
  getBlock,
  idAt,
  NONE,
  removeBlock,
  setBlock,
  sizeOf,
} from "../src/policy/address-table.ts";
import { continentOf } from "../src/policy/continents.ts";
import {
  type AccessState,
  type CompiledRule,
  compilePolicy,
  type DecisionTrace,
  decide,
} from "../src/policy/decide.ts";
import type { Conditions, PolicyDocument, PolicyRule, RateLimit } from "../src/policy/document.ts";
import { parseInstant } from "../src/policy/instant.ts";
import {
  arrive,
  compileLimit,
  REFUSED,
  remaining,
  resetSeconds,
  retrySeconds,
  standing,
  ticksAt,
} from "../src/policy/rate-limit.ts";
import { composeProductPage } from "../src/product-page.ts";
import { decimal } from "./decimal.ts";
import { answerLikesOrMembers } from "./likes-and-members.ts";
import { answerName } from "./names.ts";
import { answerToken } from "./tokens.ts";

interface Conversation {
  document: PolicyDocument;
  state: AccessState;
  /** What the limit that is tried keeps. */
  due: number;
}

function createConversation(): Conversation {
  const document: PolicyDocument = { rules: [], default: "allow" };
  const policy = compilePolicy(document);
  return { document, state: { allow: createAddressTable(4), deny: createAddressTable(4), policy }, due: 0 };
}

/** What the runtimes begin with. */
export function converse(): (question: string) => string {
  const conversation = createConversation();
  return (question) => answer(conversation, question);
}

function answer(conversation: Conversation, question: string): string {
  const words = question.split("\t");
  const verb = word(words, 0);
  if (verb === "reset") return reset(conversation);
  if (verb === "address") return answerAddress(parseAddress(word(words, 1)));
  if (verb === "bytes") return answerAddress(addressFromBytes(bytesOf(word(words, 1))));
  if (verb === "cidr") return answerCidr(word(words, 1));
  if (verb === "mask") return answerMask(word(words, 1), whole(words, 2));
  if (verb === "list") return answerList(conversation, words);
  if (verb === "unlist") return answerUnlist(conversation, words);
  if (verb === "listed") return answerListed(conversation, words);
  if (verb === "find") return answerFind(conversation, words);
  if (verb === "default") return answerDefault(conversation, word(words, 1));
  if (verb === "rule") return answerRule(conversation, words);
  if (verb === "where") return answerWhere(conversation, words);
  if (verb === "limit") return answerLimit(conversation, words);
  if (verb === "arrive") return answerArrive(conversation, words);
  if (verb === "ends") return answerEnds(conversation, word(words, 1));
  if (verb === "continent") return continentOf(word(words, 1));
  if (verb === "instant") return answerInstant(word(words, 1));
  if (verb === "decide") return answerDecide(conversation, words);
  if (verb === "observed") return answerObserved(conversation);
  if (verb === "page") return composeProductPage(word(words, 1), word(words, 2));
  if (verb === "cookies" || verb === "claims") {
    return answerToken(verb, word(words, 1), word(words, 2), word(words, 3));
  }
  const likesOrMembers = answerLikesOrMembers(verb, words);
  if (likesOrMembers !== undefined) return likesOrMembers;
  return answerName(verb, word(words, 1), word(words, 2), word(words, 3));
}

function reset(conversation: Conversation): string {
  const fresh = createConversation();
  conversation.document = fresh.document;
  conversation.due = fresh.due;
  conversation.state = fresh.state;
  return "reset";
}

/** Shows the limbs too: two addresses may print alike and still be found in different places of a table. */
function answerAddress(address: Address | undefined): string {
  if (address === undefined) return "refused";
  const limbs = `${decimal(address.a)} ${decimal(address.b)} ${decimal(address.c)}`;
  return `${formatAddress(address)} (${addressBits(address) === 32 ? "4" : "6"}: ${limbs})`;
}

function answerCidr(text: string): string {
  const cidr = parseCidr(text);
  return cidr === undefined ? "refused" : formatCidr(cidr);
}

function answerMask(text: string, length: number): string {
  const address = parseAddress(text);
  return address === undefined ? "refused" : formatAddress(maskAddress(address, length));
}

/** `list <allow|deny> <cidr> <id> <expiresAtMs>` */
function answerList({ state }: Conversation, words: string[]): string {
  const addresses = word(words, 1) === "allow" ? state.allow : state.deny;
  const cidr = parseCidr(word(words, 2));
  if (cidr === undefined) return "refused";
  setBlock(addresses, cidr, whole(words, 3), 1, whole(words, 4));
  return `${decimal(sizeOf(addresses))} listed`;
}

/** `unlist <allow|deny> <cidr>` */
function answerUnlist({ state }: Conversation, words: string[]): string {
  const addresses = word(words, 1) === "allow" ? state.allow : state.deny;
  const cidr = parseCidr(word(words, 2));
  if (cidr === undefined) return "refused";
  removeBlock(addresses, cidr);
  return `${decimal(sizeOf(addresses))} listed`;
}

/** `listed <allow|deny> <cidr>`: that very block, whether it is still in force or not. */
function answerListed({ state }: Conversation, words: string[]): string {
  const cidr = parseCidr(word(words, 2));
  if (cidr === undefined) return "refused";
  const addresses = word(words, 1) === "allow" ? state.allow : state.deny;
  const handle = getBlock(addresses, cidr);
  return handle === NONE ? "none" : decimal(idAt(addresses, handle));
}

/** `find <allow|deny> <address> <nowMs>` */
function answerFind({ state }: Conversation, words: string[]): string {
  const address = parseAddress(word(words, 2));
  if (address === undefined) return "refused";
  const addresses = word(words, 1) === "allow" ? state.allow : state.deny;
  const handle = findBlock(addresses, address, whole(words, 3));
  return handle === NONE ? "none" : decimal(idAt(addresses, handle));
}

function answerDefault(conversation: Conversation, action: string): string {
  conversation.document.default = action === "deny" ? "deny" : "allow";
  conversation.state.policy = compilePolicy(conversation.document);
  return conversation.document.default;
}

/** `rule <id> <action> <mode> <status or -> <countries or -> <methods or -> <path prefix or ->` */
function answerRule(conversation: Conversation, words: string[]): string {
  const rule: PolicyRule = {
    id: word(words, 1),
    action: word(words, 2) === "deny" ? "deny" : "allow",
    mode: word(words, 3) === "observe" ? "observe" : "enforce",
    match: {},
  };
  const status = word(words, 4);
  if (status === "451") rule.status = 451;
  else if (status === "404") rule.status = 404;
  const countries = word(words, 5);
  if (countries !== "-") rule.match.country = countries.split(",");
  const methods = word(words, 6);
  if (methods !== "-") rule.match.method = methods.split(",");
  const prefix = word(words, 7);
  if (prefix !== "-") rule.match.pathPrefix = prefix;
  const { rules } = conversation.document;
  rules.push(rule);
  conversation.state.policy = compilePolicy(conversation.document);
  return `${decimal(rules.length)} rules`;
}

/** `where <is|not> <condition> <values>`: one condition more for the rule that was given last. */
function answerWhere(conversation: Conversation, words: string[]): string {
  const { rules } = conversation.document;
  const { match } = rules[rules.length - 1] as PolicyRule;
  if (word(words, 1) === "not" && match.not === undefined) match.not = {};
  const conditions: Conditions = word(words, 1) === "not" ? (match.not as Conditions) : match;
  const name = word(words, 2);
  if (name === "pathPrefix") conditions.pathPrefix = word(words, 3);
  else if (name === "asn")
    conditions.asn = word(words, 3)
      .split(",")
      .map((one) => wholeOf(one));
  else conditions[name as "country"] = word(words, 3).split(",");
  conversation.state.policy = compilePolicy(conversation.document);
  return name;
}

/** `limit <key> <requests> <seconds> <burst or ->`: makes the rule that was given last a limit. */
function answerLimit(conversation: Conversation, words: string[]): string {
  const { rules } = conversation.document;
  const rule = rules[rules.length - 1] as PolicyRule;
  rule.action = "limit";
  rule.limit = limitOf(words, 1);
  conversation.state.policy = compilePolicy(conversation.document);
  return "limit";
}

/** `arrive <key> <requests> <seconds> <burst or -> <nowMs>`: one more request of somebody. */
function answerArrive(conversation: Conversation, words: string[]): string {
  const limit = compileLimit(limitOf(words, 1), "login");
  const now = ticksAt(whole(words, 5));
  const next = arrive(limit, conversation.due, now);
  const retry = next === REFUSED ? retrySeconds(limit, conversation.due, now) : 0;
  conversation.due = next === REFUSED ? standing(limit, conversation.due, now) : next;
  const left = remaining(limit, conversation.due, now);
  const reset = resetSeconds(limit, conversation.due, now);
  return `${next === REFUSED ? "refused" : "passed"} ${decimal(left)} left, all in ${decimal(reset)} s, again in ${decimal(retry)} s, ${limit.policyField}`;
}

function limitOf(words: string[], from: number): RateLimit {
  const limit: RateLimit = {
    key: word(words, from) as RateLimit["key"],
    requests: whole(words, from + 1),
    seconds: whole(words, from + 2),
  };
  if (word(words, from + 3) !== "-") limit.burst = whole(words, from + 3);
  return limit;
}

/** `ends <instant>`: the end of the rule that was given last. */
function answerEnds(conversation: Conversation, instant: string): string {
  const { rules } = conversation.document;
  (rules[rules.length - 1] as PolicyRule).endsAt = instant;
  conversation.state.policy = compilePolicy(conversation.document);
  return "ends";
}

function answerInstant(text: string): string {
  const instant = parseInstant(text);
  return instant === undefined ? "refused" : decimal(instant);
}

/** `decide <address> <country> <method> <path> <nowMs> [host] [asn]` → the verdict, then the steps that led there. */
function answerDecide({ state }: Conversation, words: string[]): string {
  const address = parseAddress(word(words, 1));
  if (address === undefined) return "refused";
  const request = {
    address,
    country: word(words, 2),
    method: word(words, 3),
    path: word(words, 4),
    nowMs: whole(words, 5),
    host: word(words, 6),
    asn: whole(words, 7),
  };
  const trace: DecisionTrace = { steps: [] };
  const verdict = decide(state, request, trace);
  const charged = passedRules(state);
  const silent = decide(state, request, undefined);
  if (silent !== verdict || charged !== passedRules(state)) return "the trace changed the verdict";
  let text = `${verdict.action} ${decimal(verdict.status)} ${verdict.reason} ${verdict.rule}${charged}`;
  for (const step of trace.steps) text += `|${step.step} ${step.id} ${step.matched ? "yes" : "no"}`;
  return text;
}

function passedRules({ policy }: AccessState): string {
  let text = "";
  for (let i = 0; i < policy.passedCount; i++) text += ` +${(policy.passed[i] as CompiledRule).verdict.rule}`;
  return text;
}

/** How often each rule matched without deciding. Each `decide` above asks twice. */
function answerObserved({ state }: Conversation): string {
  let text = "";
  for (const rule of state.policy.rules) text += `${rule.verdict.rule}=${decimal(rule.observed)} `;
  return text;
}

function word(words: string[], index: number): string {
  const found = words[index];
  return found === undefined ? "" : found;
}

function whole(words: string[], index: number): number {
  return wholeOf(word(words, index));
}

function wholeOf(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = value * 10 + (text.charCodeAt(i) - 48);
  return value;
}

/** Two hexadecimal digits for each byte. */
function bytesOf(hex: string): string {
  let bytes = "";
  for (let i = 0; i < hex.length; i += 2) bytes += String.fromCharCode(parseInt(hex.substring(i, i + 2), 16));
  return bytes;
}
