import { formerLikersKey, likersKey, likesKey } from "../src/keys.ts";
import { composeLikesPage, type Liker, memberOf, userIdOf } from "../src/likes.ts";
import { addMember, mayBeMember, memberPositions } from "../src/membership.ts";
import { allocateFlat } from "../src/policy/flat-memory.ts";
import { formatInstant } from "../src/policy/instant.ts";

/** Who likes a product, and which ids were ever one's. Undefined for all other questions. */
export function answerLikesOrMembers(verb: string, words: string[]): string | undefined {
  if (verb === "likes-page") return answerPage(words);
  if (verb === "likes-keys") return answerKeys(text(words, 1), text(words, 2));
  if (verb === "member-of") return `${memberOf(text(words, 1))} ${userIdOf(memberOf(text(words, 1)))}`;
  if (verb === "instant-of") return formatInstant(number(words, 1));
  if (verb === "positions") return answerPositions(number(words, 1), number(words, 2), number(words, 3));
  if (verb === "members")
    return answerMembers(number(words, 1), number(words, 2), number(words, 3), number(words, 4));
  return undefined;
}

/** `likes-page <count> <limit> <user> <ms> …` */
function answerPage(words: string[]): string {
  const found: Liker[] = [];
  for (let i = 3; i + 1 < words.length; i += 2) {
    found.push({ userId: text(words, i), likedAtMs: number(words, i + 1) });
  }
  return composeLikesPage(number(words, 1), found, number(words, 2));
}

function answerKeys(prefix: string, id: string): string {
  return `${likesKey(prefix, id)} ${likersKey(prefix, id)} ${formerLikersKey(prefix, id)}`;
}

function answerPositions(bits: number, hashes: number, id: number): string {
  let line = "";
  for (const position of memberPositions({ bits, hashes }, id)) line += ` ${position}`;
  return line;
}

/** `members <bits> <hashes> <step> <count>`: of ids 1·step …, how many are missing, and how many others pass. */
function answerMembers(bits: number, hashes: number, step: number, count: number): string {
  const shape = { bits, hashes };
  const bytes = allocateFlat("uint8", bits / 8);
  for (let i = 1; i <= count; i++) addMember(bytes, shape, i * step);
  let missing = 0;
  let passing = 0;
  for (let i = 1; i <= count; i++) {
    if (!mayBeMember(bytes, shape, i * step)) missing += 1;
    if (mayBeMember(bytes, shape, i * step + 1)) passing += 1;
  }
  return `${missing} missing, ${passing} pass`;
}

function text(words: string[], index: number): string {
  const word = words[index];
  return word === undefined ? "" : word;
}

function number(words: string[], index: number): number {
  return Number(text(words, index));
}
