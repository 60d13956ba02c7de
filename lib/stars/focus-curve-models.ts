/** The three shapes of a focus curve: value, derivatives, and how to begin from three points. */
import type { CurveModel, WeightedPoint } from './focus-curve-fit.ts';

/** y = sqrt(a² + b² (x − c)²); parameters c, a, b. */
export const hyperbola: CurveModel = {
  parameters: 3,
  value: (x, [c, a, b]) => Math.hypot(a!, b! * (x - c!)),
  gradient: (x, [c, a, b]) => {
    const y = Math.max(1e-12, Math.hypot(a!, b! * (x - c!)));
    return [(-b! * b! * (x - c!)) / y, a! / y, (b! * (x - c!) ** 2) / y];
  },
  // y² is a parabola in x.
  through: (points) => {
    const found = parabolaThrough(points.map(({ x, y, sigma }) => ({ x, y: y * y, sigma })));
    if (!found) return null;
    const { centre, height, curvature } = found;
    // Noise near a sharp minimum can push a² below 0: then a small a begins.
    const least = Math.min(...points.map(({ y }) => y));
    return [centre, Math.sqrt(Math.max(height, (0.1 * least) ** 2)), Math.sqrt(curvature)];
  },
  shape: ([c, a, b]) => [c!, Math.abs(a!), Math.abs(b!), Math.abs(b!)],
  curvature: ([, a, b]) => (b! * b!) / (2 * Math.max(1e-12, Math.abs(a!))),
};

/** Two lines that meet, each with its own slope; parameters c, m, inside, outside. */
export const vCurve: CurveModel = {
  parameters: 4,
  value: (x, [c, m, inside, outside]) => m! + (x < c! ? inside! * (c! - x) : outside! * (x - c!)),
  gradient: (x, [c, , inside, outside]) => (x < c! ? [inside!, 1, c! - x, 0] : [-outside!, 1, 0, x - c!]),
  through: (points) => {
    const start = hyperbola.through(points);
    return start && [start[0]!, start[1]!, start[2]!, start[2]!];
  },
  shape: ([c, m, inside, outside]) => [c!, m!, inside!, outside!],
  curvature: () => 0,
};

/** y = m + k (x − c)²; parameters c, m, k. For points close to the focus only. */
export const parabola: CurveModel = {
  parameters: 3,
  value: (x, [c, m, k]) => m! + k! * (x - c!) ** 2,
  gradient: (x, [c, , k]) => [-2 * k! * (x - c!), 1, (x - c!) ** 2],
  through: (points) => {
    const found = parabolaThrough(points);
    return found && [found.centre, found.height, found.curvature];
  },
  // Its wings are nowhere straight: the slope at the edge of the measured range (x = ±1).
  shape: ([c, m, k]) => [c!, m!, 2 * k! * Math.abs(-1 - c!), 2 * k! * Math.abs(1 - c!)],
  curvature: ([, , k]) => k!,
};

/** Through three points exactly; null when it does not open upwards. */
function parabolaThrough(points: readonly WeightedPoint[]) {
  const [p, q, r] = points as [WeightedPoint, WeightedPoint, WeightedPoint];
  const left = (q.y - p.y) / (q.x - p.x);
  const right = (r.y - q.y) / (r.x - q.x);
  const curvature = (right - left) / (r.x - p.x);
  if (!(curvature > 1e-12) || !Number.isFinite(curvature)) return null;
  const centre = (p.x + q.x) / 2 - left / (2 * curvature);
  return { centre, height: p.y - curvature * (p.x - centre) ** 2, curvature };
}
