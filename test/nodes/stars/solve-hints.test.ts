/** Where a hint comes from, when several know something: the message, the mount, the target, the header, the picture before. */
import { describe, expect, it } from 'vitest';
import type { Keyword } from '../../../lib/frame/frame.ts';
import { solutionOf } from '../../../lib/solve/solution.ts';
import type { Settings } from '../../../nodes/inputs.ts';
import { type hintInputs, hintsFor } from '../../../nodes/stars/solve-hints.ts';
import type { AstroMessage } from '../../../nodes/types.ts';
import { smallFrame } from '../../night/small-frames.ts';

const settings: Settings<typeof hintInputs> = {
  ...{ positionFrom: 'auto', radiusDegrees: 10, focalLength: null, pixelSize: null },
  ...{ scaleArcseconds: null, scaleMargin: 10, remember: true },
};
const place = (raDegrees: number) => ({ raDegrees, decDegrees: 0 });
const frame = (list: Record<string, string | number>, raOfTarget: number | null = null) =>
  smallFrame(0, {
    keywords: Object.entries(list).map(([name, value]): Keyword => ({ name, value })),
    target: raOfTarget === null ? null : { name: '', ...place(raOfTarget) },
  });
const step = 0.01;
/** Mirrored, 36 arcsec a pixel. */
const last = solutionOf({
  ...{ width: 32, height: 24, x: 15.5, y: 11.5, ...place(60) },
  ...{ cd: [[step, 0], [0, -step]] as const, sip: null }, // biome-ignore format: a matrix
});

describe('the place', () => {
  it('is the first that is known of: message, mount in it, mount of the dialog, target, the frame’s target, its header, the picture before', () => {
    const msg: Record<string, unknown> = { ...place(10), mount: place(20), target: place(30) };
    const header = { RA: 50, DEC: 0 };
    const of = (mount: ReturnType<typeof place> | null, raOfTarget: number | null, list = header) =>
      hintsFor(msg as AstroMessage, frame(list, raOfTarget), settings, { mount, last }).raDegrees;
    expect(of(place(25), 40)).toBe(10);
    delete msg.raDegrees;
    expect(of(place(25), 40)).toBe(20);
    delete msg.mount;
    expect(of(place(25), 40)).toBe(25);
    expect(of(null, 40)).toBe(30);
    delete msg.target;
    expect(of(null, 40)).toBe(40);
    expect(of(null, null)).toBe(50);
    expect(of(null, null, { RA: 'nowhere', DEC: 0 } as never)).toBeCloseTo(60, 3);
    expect(hintsFor({} as AstroMessage, frame({}), settings, { mount: null, last: null })).toEqual({});
  });

  it('is none where the dialog wants the whole sky, and carries the radius otherwise', () => {
    const msg = place(10) as unknown as AstroMessage;
    const asked = { mount: place(25), last: null };
    expect(hintsFor(msg, frame({}), settings, asked)).toEqual({ ...place(10), radiusDegrees: 10 });
    expect(hintsFor(msg, frame({}), { ...settings, positionFrom: 'none' }, asked)).toEqual({});
  });

  it.each([
    ['beyond the pole', { mount: { raDegrees: 10, decDegrees: 95 } }],
    ['no numbers', { mount: { raDegrees: '10', decDegrees: Number.NaN } }],
    ['half of it', { mount: { raDegrees: 10 } }],
  ])('that is %s is passed over', (_, msg) => {
    const hints = hintsFor(msg as unknown as AstroMessage, frame({ RA: 50, DEC: 0 }), settings, { mount: null, last: null }); // biome-ignore format: one call
    expect(hints.raDegrees).toBe(50);
  });
});

describe('the scale', () => {
  const scale = (list: Record<string, string | number>, changes = {}, before: typeof last | null = null) => {
    const hints = hintsFor({} as AstroMessage, frame(list), { ...settings, ...changes }, { mount: null, last: before });
    return hints.scaleLow === undefined ? null : Math.sqrt(hints.scaleLow * hints.scaleHigh!);
  };

  it('is the picture’s before it, then the box, then the optics of the boxes, then the header', () => {
    // 206265 / 1000 x 3.76 µm over 775.6 mm is 1″.
    const header = { FOCALLEN: 387.8, XPIXSZ: 3.76, SCALE: 7 };
    const optics = { focalLength: 775.55, pixelSize: 3.76 };
    const close = (value: number) => expect.closeTo(value, value < 10 ? 1 : 0);
    expect(scale(header, { ...optics, scaleArcseconds: 4 }, last)).toEqual(close(36));
    expect(scale(header, { ...optics, scaleArcseconds: 4, remember: false }, last)).toEqual(close(4));
    expect(scale(header, optics)).toEqual(close(1));
    expect(scale(header)).toEqual(close(7));
    expect(scale({ FOCALLEN: 387.8, XPIXSZ: 3.76 })).toEqual(close(2));
    expect(scale({})).toBeNull();
  });

  it.each([0, -1, Number.NaN, 1e30])('of a header that says %d is not taken', (said) => {
    expect(scale({ SCALE: said })).toBeNull();
    expect(scale({ FOCALLEN: said, XPIXSZ: 3.76 })).toBeNull();
  });
});

it('the parity is that of the picture before, when it is remembered', () => {
  const of = (remember: boolean) =>
    hintsFor({} as AstroMessage, frame({}), { ...settings, remember }, { mount: null, last }).parity;
  expect(of(true)).toBe('mirrored');
  expect(of(false)).toBeUndefined();
});
