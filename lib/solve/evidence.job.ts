/** The worker's side of `evidenceFor`: the stars that a WCS says are in the picture against those that were found there. */
import { brightestAround, loadSky } from './built-in-sky.ts';
import { centreOf, cornersOf, separation, skyToPixel, type Wcs } from './wcs.ts';

export interface EvidenceInput {
  wcs: Wcs;
  /** Stars of the picture, brightest first; 0-based pixel centres from the top left. */
  x: Float32Array;
  y: Float32Array;
}

export interface Evidence {
  /** For each star of the picture 1 where the catalogue has it, else 0. */
  matched: Uint8Array;
  matchedStars: number;
  /** RMS of these, pixels; null without any. */
  residualPixels: number | null;
  /** Natural logarithm of the odds against chance (Lang et al. 2010, AJ 139, 1782, section 2.3), the four stars that say most left out. */
  logOdds: number;
  /** Stars that the catalogue has in the picture, at the most four for each that was found. */
  catalogueStars: number;
}

/** Share of image stars that no catalogue knows. */
const distractors = 0.25;
/** How many stars of the catalogue are laid on the picture for each that was found: how deep it goes is not known. */
const depths = [0.6, 1.5, 4];
const [fewestReferences, mostReferences] = [20, 2500];
/** A star may be so far off: a part of the diagonal, pixels, and never so far that one in twenty is met by chance. */
const [tolerance, leastTolerance, mostTolerance, mostChance] = [0.004, 1.5, 8, 0.05];
const leastSigma = 0.6;
/** As many made the candidate. */
const leftOut = 4;

export function weighWcs({ wcs, x, y }: EvidenceInput): Evidence {
  const sky = starsIn(wcs, Math.max(fewestReferences, depths.at(-1)! * x.length));
  const evidence: Evidence = {
    ...{ matched: new Uint8Array(x.length), matchedStars: 0, residualPixels: null },
    ...{ logOdds: 0, catalogueStars: sky.x.length },
  };
  for (const depth of depths) {
    const references = Math.min(sky.x.length, Math.max(fewestReferences, Math.round(depth * x.length)));
    const { squares, within } = nearest(wcs, x, y, sky, references);
    evidence.matched = Uint8Array.from(squares, (square) => (square <= within * within ? 1 : 0));
    evidence.matchedStars = evidence.matched.reduce((sum, one) => sum + one, 0);
    const sum = squares.reduce((total, square, i) => total + (evidence.matched[i] ? square : 0), 0);
    evidence.residualPixels = evidence.matchedStars > 0 ? Math.sqrt(sum / evidence.matchedStars) : null;
    const sigma = Math.max(leastSigma, Math.sqrt(sum / Math.max(1, 2 * evidence.matchedStars)));
    const odds = oddsOf(squares, sigma, wcs.width * wcs.height, references) - Math.log(depths.length);
    evidence.logOdds = Math.max(evidence.logOdds, odds);
  }
  // What the deepest list says stays: it says most about which stars are in the sky.
  return evidence;
}

interface Places {
  x: Float64Array;
  y: Float64Array;
}

/** The brightest stars of the catalogue in the picture, bright first. */
function starsIn(wcs: Wcs, wanted: number): Places {
  const sky = loadSky();
  const centre = centreOf(wcs);
  const radius = (Math.max(...cornersOf(wcs).map((corner) => separation(centre, corner))) * Math.PI) / 180;
  const circle = (Math.PI * Math.hypot(wcs.width, wcs.height) ** 2) / 4 / (wcs.width * wcs.height);
  const numbers = brightestAround(
    sky,
    directionOf(centre),
    radius,
    Math.min(mostReferences, Math.ceil(wanted * circle)),
  );
  const found: { x: number; y: number }[] = [];
  for (const number of numbers) {
    const pixel = skyToPixel(wcs, pointOf(sky.catalogue.directions, number * 3));
    if (pixel && pixel.x > -1 && pixel.y > -1 && pixel.x < wcs.width && pixel.y < wcs.height) found.push(pixel);
  }
  return { x: Float64Array.from(found, ({ x }) => x), y: Float64Array.from(found, ({ y }) => y) };
}

/** The square of how far each star of the picture is from the nearest of the catalogue that no brighter one has taken, and how far is near. */
function nearest({ width, height }: Wcs, x: Float32Array, y: Float32Array, sky: Places, references: number) {
  const chance = Math.sqrt((mostChance * width * height) / (Math.PI * Math.max(1, references)));
  const wanted = Math.min(mostTolerance, Math.max(leastTolerance, tolerance * Math.hypot(width, height)));
  const within = Math.min(wanted, chance);
  const taken = new Uint8Array(references);
  const squares = new Float64Array(x.length).fill(Infinity);
  for (let i = 0; i < x.length; i++) {
    let star = -1;
    let least = Infinity;
    for (let j = 0; j < references; j++) {
      const [dx, dy] = [sky.x[j]! - x[i]!, sky.y[j]! - y[i]!];
      const square = dx * dx + dy * dy;
      if (square >= least || taken[j]) continue;
      least = square;
      star = j;
    }
    squares[i] = least;
    if (star >= 0 && least <= within * within) taken[star] = 1;
  }
  return { squares, within };
}

/** The best sum over the stars from the brightest on. */
function oddsOf(squares: Float64Array, sigma: number, area: number, references: number): number {
  const peak = ((1 - distractors) * area) / (2 * Math.PI * sigma * sigma * Math.max(1, references));
  const terms = [...squares].map((square) => Math.log(distractors + peak * Math.exp(-square / (2 * sigma * sigma))));
  const most = terms.toSorted((a, b) => b - a).slice(0, leftOut);
  for (const term of most) terms[terms.indexOf(term)] = 0;
  let [sum, best] = [0, 0];
  for (const term of terms) {
    sum += term;
    best = Math.max(best, sum);
  }
  return best;
}

function directionOf({ raDegrees, decDegrees }: { raDegrees: number; decDegrees: number }): Float64Array {
  const [ra, dec] = [(raDegrees * Math.PI) / 180, (decDegrees * Math.PI) / 180];
  return Float64Array.of(Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec));
}

function pointOf(directions: Float32Array, at: number) {
  const [x, y, z] = [directions[at]!, directions[at + 1]!, directions[at + 2]!];
  return {
    raDegrees: ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360,
    decDegrees: (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI,
  };
}
