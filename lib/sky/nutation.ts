/**
 * Nutation: the 24 largest lunisolar terms of IAU 2000B (McCarthy & Luzum 2003; IERS Conventions 2010, chapter 5).
 * The terms left out add up to 0.012" or less from 1995 to 2045 against the whole IAU 2000A (ERFA); test/sky/coordinates.test.ts holds that.
 */

const arcsecond = Math.PI / 648000;

/** Multipliers of l, l', F, D, Ω; then longitude sin, t·sin, cos and obliquity cos, t·cos, sin, in 0.1 microarcseconds. */
const terms: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 1, -172064161, -174666, 33386, 92052331, 9086, 15377],
  [0, 0, 2, -2, 2, -13170906, -1675, -13696, 5730336, -3015, -4587],
  [0, 0, 2, 0, 2, -2276413, -234, 2796, 978459, -485, 1374],
  [0, 0, 0, 0, 2, 2074554, 207, -698, -897492, 470, -291],
  [0, 1, 0, 0, 0, 1475877, -3633, 11817, 73871, -184, -1924],
  [0, 1, 2, -2, 2, -516821, 1226, -524, 224386, -677, -174],
  [1, 0, 0, 0, 0, 711159, 73, -872, -6750, 0, 358],
  [0, 0, 2, 0, 1, -387298, -367, 380, 200728, 18, 318],
  [1, 0, 2, 0, 2, -301461, -36, 816, 129025, -63, 367],
  [0, -1, 2, -2, 2, 215829, -494, 111, -95929, 299, 132],
  [0, 0, 2, -2, 1, 128227, 137, 181, -68982, -9, 39],
  [-1, 0, 2, 0, 2, 123457, 11, 19, -53311, 32, -4],
  [-1, 0, 0, 2, 0, 156994, 10, -168, -1235, 0, 82],
  [1, 0, 0, 0, 1, 63110, 63, 27, -33228, 0, -9],
  [-1, 0, 0, 0, 1, -57976, -63, -189, 31429, 0, -75],
  [-1, 0, 2, 2, 2, -59641, -11, 149, 25543, -11, 66],
  [1, 0, 2, 0, 1, -51613, -42, 129, 26366, 0, 78],
  [-2, 0, 2, 0, 1, 45893, 50, 31, -24236, -10, 20],
  [0, 0, 0, 2, 0, 63384, 11, -150, -1220, 0, 29],
  [0, 0, 2, 2, 2, -38571, -1, 158, 16452, -11, 68],
  [-2, 0, 0, 2, 0, -47722, 0, -18, 477, 0, -25],
  [2, 0, 2, 0, 2, -31046, -1, 131, 13238, -11, 59],
  [1, 0, 2, -2, 2, 28593, 0, -1, -12338, 10, -3],
  [-1, 0, 2, 0, 1, 20441, 21, 10, -10758, 0, -3],
];

/** Nutation in longitude and obliquity, radians. @param t Julian centuries of TT since J2000.0 */
export function nutation(t: number): { longitude: number; obliquity: number } {
  const turn = (constant: number, rate: number) => ((constant + rate * t) % 1296000) * arcsecond;
  const l = turn(485868.249036, 1717915923.2178);
  const lPrime = turn(1287104.79305, 129596581.0481);
  const f = turn(335779.526232, 1739527262.8478);
  const d = turn(1072260.70369, 1602961601.209);
  const node = turn(450160.398036, -6962890.5431);
  let longitude = 0;
  let obliquity = 0;
  for (const [al, alp, af, ad, an, ls, lst, lc, oc, oct, os] of terms as number[][]) {
    const argument = al! * l + alp! * lPrime + af! * f + ad! * d + an! * node;
    const sin = Math.sin(argument);
    const cos = Math.cos(argument);
    longitude += (ls! + lst! * t) * sin + lc! * cos;
    obliquity += (oc! + oct! * t) * cos + os! * sin;
  }
  const unit = 1e-7 * arcsecond;
  // The two constants stand for the planets' part (2000B's fixed offsets, milliarcseconds).
  return {
    longitude: longitude * unit - 0.135e-3 * arcsecond,
    obliquity: obliquity * unit + 0.388e-3 * arcsecond,
  };
}
