/** The image of a point: a round profile of core, halo or the disc of a lens out of focus, drawn into the light of the mosaic. */

export interface PointSpread {
  /** Share of the light per pixel at squared distance i / profileSteps. */
  profile: Float32Array;
  /** Pixels that the profile reaches. */
  radius: number;
}

/** Where a point's light goes: a plane of electrons as wide as the sensor, its mosaic and the point's light in R, G, B. */
export interface LightPlane {
  light: Float32Array;
  width: number;
  height: number;
  /** Colour index of the 2x2 pixels, row-major. */
  mosaic: readonly [number, number, number, number];
}

const profileSteps = 8;
/** Halo of a bright star: lens scatter falls as r^-2.6 and holds this share of the light. */
const haloShare = 0.05;
const haloRadius = 64;
const moffatBeta = 3;
/** A pixel that gets fewer electrons than this is not worth drawing. */
const faintest = 0.5;

/**
 * @param fwhmPixels width of the focused image at half height.
 * @param defocusPixels diameter of the unfocused disc; its middle is dark as behind a secondary mirror or a lens' rim rays.
 */
export function makePointSpread(fwhmPixels: number, defocusPixels: number): PointSpread {
  const key = `${fwhmPixels} ${defocusPixels}`;
  if (last?.key !== key) last = { key, spread: build(fwhmPixels, defocusPixels) };
  return last.spread;
}

let last: { key: string; spread: PointSpread } | null = null;

function build(fwhmPixels: number, defocusPixels: number): PointSpread {
  const fwhm = Math.max(1.3, fwhmPixels);
  const radius = Math.ceil(Math.max(haloRadius, defocusPixels * 0.75 + 4));
  const profile = new Float32Array(radius * radius * profileSteps + 1);
  const disc = defocusPixels / 2;
  const unfocused = disc > fwhm / 2;
  const alpha = fwhm / (2 * Math.sqrt(2 ** (1 / moffatBeta) - 1));
  const edge = fwhm / 3;
  const core = (r: number) =>
    unfocused
      ? 1 / (1 + Math.exp((r - disc) / edge)) / (1 + Math.exp((disc * 0.4 - r) / edge))
      : (1 + (r / alpha) ** 2) ** -moffatBeta;
  const halo = (r: number) => (1 + (r / (fwhm + disc)) ** 2) ** -1.3;
  const coreScale = (1 - haloShare) / volume(core, radius);
  const haloScale = haloShare / volume(halo, radius);
  for (let step = 0; step < profile.length; step++) {
    const r = Math.sqrt(step / profileSteps);
    profile[step] = coreScale * core(r) + haloScale * halo(r) * Math.max(0, 1 - (r / radius) ** 2);
  }
  return { profile, radius };
}

/** Of a round profile, summed over the plane. */
function volume(profile: (r: number) => number, radius: number): number {
  const step = 0.05;
  let sum = 0;
  for (let r = step / 2; r < radius; r += step) sum += 2 * Math.PI * r * step * profile(r);
  return sum;
}

/** Pixels around a point that are worth drawing when the whole of it has so many electrons. */
export function reachOf(spread: PointSpread, electrons: number): number {
  const { profile, radius } = spread;
  let [near, far] = [0, radius];
  // The profile falls outward of the disc's rim, so the last distance above the threshold is found from outside.
  while (far - near > 1) {
    const middle = (near + far) >> 1;
    if (brightestFrom(profile, middle, radius) * electrons > faintest) near = middle;
    else far = middle;
  }
  return Math.max(1, far);
}

/** Adds a point's light. @param red, green, blue electrons of the whole image, if every pixel had that colour */
export function addPoint(
  plane: LightPlane,
  spread: PointSpread,
  reach: number,
  x: number,
  y: number,
  red: number,
  green: number,
  blue: number,
): void {
  const { light, width, height, mosaic } = plane;
  const [left, right] = [Math.max(0, Math.ceil(x - reach)), Math.min(width - 1, Math.floor(x + reach))];
  const [top, bottom] = [Math.max(0, Math.ceil(y - reach)), Math.min(height - 1, Math.floor(y + reach))];
  const { profile } = spread;
  const limit = Math.min(reach * reach * profileSteps, profile.length - 2);
  for (let row = top; row <= bottom; row++) {
    const even = pick(mosaic[(row & 1) * 2]!, red, green, blue);
    const odd = pick(mosaic[(row & 1) * 2 + 1]!, red, green, blue);
    const dy2 = (row - y) * (row - y);
    const start = row * width;
    for (let column = left; column <= right; column++) {
      const dx = column - x;
      const step = (dx * dx + dy2) * profileSteps;
      if (step > limit) continue;
      const whole = step | 0;
      const near = profile[whole]!;
      light[start + column]! += (near + (step - whole) * (profile[whole + 1]! - near)) * (column & 1 ? odd : even);
    }
  }
}

const pick = (colour: number, red: number, green: number, blue: number): number =>
  colour === 0 ? red : colour === 1 ? green : blue;

function brightestFrom(profile: Float32Array, from: number, radius: number): number {
  let most = 0;
  for (let r = from; r < radius; r++) most = Math.max(most, profile[r * r * profileSteps]!);
  return most;
}
