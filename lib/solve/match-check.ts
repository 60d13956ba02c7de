/** Second thoughts on what a program calls a match: our own catalogue is asked, and whether the picture is one field of the sky. */
import { builtInSolver } from './built-in.ts';
import { isOfTwoFields, twoFieldsSentence, type Weighed, weigh } from './evidence.ts';
import type { Solution, SolveRequest } from './solver.ts';
import { type ListedStar, tableOf } from './star-list.ts';
import { scaleOf, type Wcs } from './wcs.ts';

export interface Checked {
  /** Why it is no match; null when nothing speaks against it. */
  refusal: string | null;
  /** What our catalogue says of it; nulls where it has too few stars in the picture to say anything. */
  evidence: Pick<Solution, 'matchedStars' | 'residualPixels' | 'residualArcsec' | 'logOdds'>;
}

/** Stars of the catalogue in a picture from which on it has a say, and from which on its no is final. */
const [aSay, aNo] = [8, 20];
/** A true match has more. */
const [fewestMatched, leastLogOdds] = [6, 3];
const secondSearchSeconds = 2;
const nothing = { matchedStars: null, residualPixels: null, residualArcsec: null, logOdds: null };

/**
 * @param list The stars of the picture, brightest first.
 * @param hasOdds The program has weighed its match against chance itself.
 * @throws aborted
 */
export async function checkMatch(
  wcs: Wcs,
  list: readonly ListedStar[],
  { hasOdds, ...request }: SolveRequest & { hasOdds: boolean },
): Promise<Checked> {
  const weighed = await weigh(wcs, list, request.signal);
  if (weighed.catalogueStars < aSay) return { refusal: null, evidence: nothing };
  const evidence = evidenceOf(wcs, weighed);
  const known = weighed.matchedStars >= fewestMatched || weighed.logOdds >= leastLogOdds;
  if (!known && !hasOdds && weighed.catalogueStars >= aNo && list.length >= aNo)
    return { refusal: 'What it found is not borne out by the stars that should be there.', evidence };
  const twoFields = await isOfTwoFields(wcs, weighed, async (stars, hints) => {
    const timeoutSeconds = secondSearchSeconds;
    const other = await builtInSolver().solve({ ...request, stars: tableOf(stars), hints, timeoutSeconds });
    return other.solution?.wcs ?? null;
  });
  return { refusal: twoFields ? twoFieldsSentence : null, evidence };
}

function evidenceOf(wcs: Wcs, { matchedStars, residualPixels, logOdds }: Weighed): Checked['evidence'] {
  const residualArcsec = residualPixels === null ? null : residualPixels * scaleOf(wcs);
  return { matchedStars, residualPixels, residualArcsec, logOdds };
}
