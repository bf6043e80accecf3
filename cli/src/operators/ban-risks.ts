export interface BanPreview {
  allowListed: { cidr: string; reason: string }[];
  allowListedCount: number;
  /** Of so many recent requests the ban would hit so many. */
  recorded: number;
  hit: number;
}

/** Of fewer requests a share says nothing. */
const RECORDED_MIN = 100;
const NAMED_MAX = 3;

/** What speaks against the ban, a sentence each; `maxShare` in percent. */
export function banRisks(preview: BanPreview, maxShare: string): string[] {
  const percentMax = Number(maxShare);
  if (!(percentMax >= 0 && percentMax <= 100)) throw new Error(`not a percentage: "${maxShare}"`);
  const risks: string[] = [];
  const { allowListed, allowListedCount, recorded, hit } = preview;
  if (allowListedCount > 0) {
    const names = allowListed
      .slice(0, NAMED_MAX)
      .map(({ cidr, reason }) => (reason === "" ? cidr : `${cidr} (${reason})`));
    const more = allowListedCount > names.length ? ` and ${allowListedCount - names.length} more` : "";
    risks.push(`it meets the allow list, which wins over it: ${names.join(", ")}${more}`);
  }
  const percent = recorded === 0 ? 0 : (hit / recorded) * 100;
  if (recorded >= RECORDED_MIN && percent > percentMax) {
    risks.push(
      `it hits ${percent.toFixed(1)} % of the last ${recorded} recorded requests; more than ${percentMax} %`,
    );
  }
  return risks;
}
