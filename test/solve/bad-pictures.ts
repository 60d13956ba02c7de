/** Pictures that are none of a star field, or of a field with something wrong: drawn, seeded, small. */
import sharp from 'sharp';
import { Frame } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { drawField, generator } from './drawn-fields.ts';

export const [width, height] = [640, 480];

export function frameOf(pixels: ArrayLike<number>, across = width): Frame {
  const data = allocateShared(pixels.length * 2);
  new Uint16Array(data).set(Uint16Array.from(pixels, (value) => Math.min(65_535, Math.max(0, value))));
  return new Frame({ data, width: across, height: pixels.length / across, pixelType: 'u16' });
}

type Shade = (x: number, y: number) => number;

/** Each pixel's light, with noise of the sky over it. */
function painted(shade: Shade, seed = 1): Frame {
  const random = generator(seed);
  const noise = () => 17 * (random() + random() + random() + random() - 2);
  return frameOf(
    Float64Array.from({ length: width * height }, (_, at) => shade(at % width, Math.floor(at / width)) + noise()),
  );
}

/** Value noise in four octaves: bright clouds with ragged edges. */
export function clouds(): Frame {
  const random = generator(7);
  const lattice = Array.from({ length: 64 * 64 }, random);
  const at = (x: number, y: number) => lattice[(Math.floor(y) & 63) * 64 + (Math.floor(x) & 63)]!;
  const smooth: Shade = (x, y) => {
    const [u, v] = [x % 1, y % 1];
    return (at(x, y) * (1 - u) + at(x + 1, y) * u) * (1 - v) + (at(x, y + 1) * (1 - u) + at(x + 1, y + 1) * u) * v;
  };
  return painted((x, y) => {
    let sum = 0;
    for (let octave = 0; octave < 5; octave++)
      sum += smooth((x * 2 ** octave) / 90, (y * 2 ** octave) / 90) / 2 ** octave;
    return 3000 + 9000 * sum;
  });
}

/** Every star 60 pixels long. */
export function trails(): Frame {
  const random = generator(8);
  const stars = Array.from({ length: 60 }, () => ({
    x: random() * width,
    y: random() * height,
    light: 2000 + 20_000 * random(),
  }));
  const [dx, dy] = [0.94, 0.34];
  return painted((x, y) => {
    let sum = 400;
    for (const star of stars) {
      const along = Math.min(60, Math.max(0, (x - star.x) * dx + (y - star.y) * dy));
      const square = (x - star.x - along * dx) ** 2 + (y - star.y - along * dy) ** 2;
      if (square < 20) sum += star.light * Math.exp(-square / 2.4);
    }
    return sum;
  });
}

/** A half-lit disc with craters that fills most of the picture. */
export function moon(): Frame {
  const random = generator(9);
  const craters = Array.from({ length: 150 }, () => ({
    x: random() * width,
    y: random() * height,
    r: 2 + 14 * random() ** 3,
  }));
  return painted((x, y) => {
    const [u, v] = [(x - 320) / 200, (y - 240) / 200];
    const depth = 1 - u * u - v * v;
    if (depth < 0) return 500;
    let light = 30_000 * Math.max(0.02, 0.9 * u + 0.45 * Math.sqrt(depth));
    for (const { x: cx, y: cy, r } of craters) {
      const distance = Math.hypot(x - cx, y - cy);
      if (distance < r) light *= 0.75 + (0.7 * (x - cx)) / r / 2;
      else if (distance < r + 1.5) light *= 1.25;
    }
    return light;
  });
}

/** A cat with fur, whiskers and gleams in its eyes, as a camera writes it: a JPEG in colour. */
export function cat(): Promise<Buffer> {
  const random = generator(10);
  const hair = Array.from({ length: 900 }, () => {
    const [x, y, turn] = [random() * width, random() * height, random() * 6.3];
    const [dx, dy] = [14 * Math.cos(turn), 14 * Math.sin(turn)];
    const shade = Math.round(90 + 150 * random());
    return `<path d="M${x} ${y}q${dx} ${dy} ${dx * 1.4} ${dy}" stroke="rgb(${shade},${shade - 20},${shade - 50})" fill="none"/>`;
  });
  const eye = (x: number) =>
    `<ellipse cx="${x}" cy="210" rx="34" ry="26" fill="#c8d24a"/><ellipse cx="${x}" cy="210" rx="9" ry="25"/><circle cx="${x + 8}" cy="200" r="4" fill="#fff"/>`;
  const whiskers = [-1, 1].flatMap((side) =>
    [0, 1, 2].map((i) => `<path d="M${320 + side * 30} ${290 + i * 8}l${side * 170} ${i * 22 - 20}" stroke="#fff"/>`),
  );
  return sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#35506a"/>
<path d="M150 200L170 30 270 110zM490 200L470 30 370 110z" fill="#7a6040"/><ellipse cx="320" cy="260" rx="200" ry="180" fill="#8a6e48"/>
${hair.join('')}${eye(240)}${eye(400)}<path d="M300 275h40l-20 22z" fill="#d98880"/>${whiskers.join('')}</svg>`,
    ),
  )
    .jpeg({ quality: 88 })
    .toBuffer();
}

/** Two fields of the sky side by side, each its half of the picture. */
export function mosaic(): Frame {
  const left = drawField({ raDegrees: 84, decDegrees: 5, fieldDegrees: 30, limit: 6 });
  const right = drawField({
    raDegrees: 300,
    decDegrees: 40,
    fieldDegrees: 30,
    rotationDegrees: 140,
    limit: 6,
    seed: 2,
  });
  const [a, b] = [left.pixels, right.pixels];
  return frameOf(Float64Array.from({ length: a.length }, (_, at) => (at % width < width / 2 ? a[at]! : b[at]!)));
}

/** A lamp in the field: everything is white. */
export const saturated = (): Frame => frameOf(new Uint16Array(width * height).fill(65_535));

/** What a division by a missing flat leaves. */
export function nothingButNan(): Frame {
  const data = allocateShared(width * height * 4);
  new Float32Array(data).fill(Number.NaN);
  return new Frame({ data, width, height, pixelType: 'f32' });
}

export const tiny = (across: number, down: number): Frame =>
  frameOf(
    Float64Array.from({ length: across * down }, (_, i) => (i * 7919) % 900),
    across,
  );

/** Left and right changed, as a diagonal mirror does. */
export function mirrorImage(frame: Frame): Frame {
  const from = frame.pixels;
  return frameOf(
    Float64Array.from({ length: from.length }, (_, at) => from[at - (at % width) + width - 1 - (at % width)]!),
  );
}
