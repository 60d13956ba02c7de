/** Chance that can be repeated: a small generator, a table of Gaussian noise, hashes, and smooth noise fields. */

/** A well mixed 32-bit hash of some numbers (their integer parts). */
export function hash(...numbers: number[]): number {
  let state = 0x9e3779b9;
  for (const number of numbers) {
    state = Math.imul(state ^ (number | 0), 0x85ebca6b);
    state ^= state >>> 13;
    state = Math.imul(state ^ (Math.floor(number / 4294967296) | 0), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return state >>> 0;
}

/** A generator of uniform numbers in [0, 1): Marsaglia's xorshift32. */
export function uniforms(seed: number): () => number {
  let state = seed | 0 || 0x1234567;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/** How often something happens that happens `mean` times on average (Knuth); mean up to some dozens. */
export function poisson(mean: number, random: () => number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count++;
  return count;
}

export const gaussianTableBits = 14;

/** 16384 normal deviates at equal steps of probability: a random index gives Gaussian noise up to 4 sigma. */
export const gaussianTable: Float32Array = (() => {
  const size = 1 << gaussianTableBits;
  const table = new Float32Array(size);
  for (let index = 0; index < size; index++) table[index] = inverseNormal((index + 0.5) / size);
  let squares = 0;
  for (const deviate of table) squares += deviate * deviate;
  const scale = Math.sqrt(size / squares);
  return table.map((deviate) => deviate * scale);
})();

/** The quantile of the normal distribution by Newton's method on Abramowitz & Stegun 26.2.23 as the start. */
function inverseNormal(p: number): number {
  const lower = Math.min(p, 1 - p);
  const t = Math.sqrt(-2 * Math.log(lower));
  let z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let step = 0; step < 2; step++) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    z += (upperTail(z) - lower) / density;
  }
  return p < 0.5 ? -z : z;
}

/** Share of a normal distribution above z ≥ 0 (Abramowitz & Stegun 26.2.17, 7.5e-8). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

const lattice = new Float32Array(4096);
{
  const random = uniforms(hash(20250101));
  for (let index = 0; index < lattice.length; index++) lattice[index] = random();
}

const corner = (x: number, y: number, z: number): number =>
  lattice[(Math.imul(x, 73856093) ^ Math.imul(y, 19349663) ^ Math.imul(z, 83492791)) & 4095]!;

/** Smooth noise in three dimensions, 0..1, features one unit wide (value noise with cubic fading). */
export function smoothNoise(x: number, y: number, z: number): number {
  const [ix, iy, iz] = [Math.floor(x), Math.floor(y), Math.floor(z)];
  let [fx, fy, fz] = [x - ix, y - iy, z - iz];
  fx = fx * fx * (3 - 2 * fx);
  fy = fy * fy * (3 - 2 * fy);
  fz = fz * fz * (3 - 2 * fz);
  const near =
    (corner(ix, iy, iz) * (1 - fx) + corner(ix + 1, iy, iz) * fx) * (1 - fy) +
    (corner(ix, iy + 1, iz) * (1 - fx) + corner(ix + 1, iy + 1, iz) * fx) * fy;
  const far =
    (corner(ix, iy, iz + 1) * (1 - fx) + corner(ix + 1, iy, iz + 1) * fx) * (1 - fy) +
    (corner(ix, iy + 1, iz + 1) * (1 - fx) + corner(ix + 1, iy + 1, iz + 1) * fx) * fy;
  return near * (1 - fz) + far * fz;
}

/** Octaves of smooth noise, each half as wide and as strong: 0..1 around one half. */
export function fractalNoise(x: number, y: number, z: number, octaves: number): number {
  let sum = 0;
  let weight = 0.5;
  let total = 0;
  for (let octave = 0; octave < octaves; octave++) {
    sum += weight * smoothNoise(x, y, z);
    total += weight;
    weight /= 2;
    // A turn between octaves hides the lattice.
    [x, y] = [1.6 * x + 1.2 * y + 17.3, -1.2 * x + 1.6 * y + 9.1];
    z = z * 1.7 + 3.1;
  }
  return sum / total;
}
