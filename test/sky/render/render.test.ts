import { describe, expect, it } from 'vitest';
import { type CameraSensor, sensors } from '../../../lib/camera/sensors.ts';
import { type SimulatorSettings, sceneOf, settingsFrom } from '../../../lib/camera/simulator-settings.ts';
import { renderScene } from '../../../lib/sky/render/render.job.ts';
import type { Rendering, Scene } from '../../../lib/sky/render/scene.ts';

const tromso = { latitude: 69.65, longitude: 18.955, elevation: 10 };
const night = Date.parse('2024-03-14T21:00:00Z');
/** A small sensor, its stars sharp and alone on a clean sky. */
const mono: CameraSensor = { ...sensors.demo, width: 720, height: 720, bayer: null, hotPixelsPerMillion: 0 };
const quiet: Partial<SimulatorSettings> = {
  gain: 1,
  meteorsPerHour: 0,
  satellitesPerHour: 0,
  aeroplanesPerHour: 0,
  landscape: false,
  milkyWay: false,
};

function scene(settings: Partial<SimulatorSettings> = {}, changes: Partial<Scene> = {}, sensor = mono): Scene {
  const shot = { seed: 1, site: tromso, startMilliseconds: night, exposureSeconds: 2, kind: 'light' as const };
  return { ...sceneOf(settingsFrom({ ...quiet, ...settings }, sensor), sensor, shot), ...changes };
}

const pixelsOf = ({ data }: Rendering) => new Uint16Array(data);
const meanOf = (pixels: Uint16Array, black: number) =>
  pixels.reduce((sum, each) => sum + each, 0) / pixels.length - black;

/** Light above the neighbourhood's median within `reach` pixels of a place; centre and spread of what is above a quarter of its peak. */
function measure(rendering: Rendering, width: number, x: number, y: number, reach = 5) {
  const pixels = pixelsOf(rendering);
  const near: { value: number; column: number; row: number }[] = [];
  for (let row = Math.round(y) - reach; row <= Math.round(y) + reach; row++)
    for (let column = Math.round(x) - reach; column <= Math.round(x) + reach; column++)
      near.push({ value: pixels[row * width + column]!, column, row });
  const values = near.map(({ value }) => value).sort((a, b) => a - b);
  const median = values[values.length >> 1]!;
  const threshold = median + (values.at(-1)! - median) / 4;
  let [flux, sum, sumX, sumY, sumXX, sumYY] = [0, 0, 0, 0, 0, 0];
  for (const { value, column, row } of near) {
    flux += value - median;
    if (value < threshold) continue;
    const light = value - median;
    sum += light;
    sumX += light * column;
    sumY += light * row;
    sumXX += light * column * column;
    sumYY += light * row * row;
  }
  const [cx, cy] = [sumX / sum, sumY / sum];
  return { flux, x: cx, y: cy, spread: Math.sqrt(sumXX / sum - cx * cx + sumYY / sum - cy * cy) };
}

// astropy 5.2.1, offline: AltAz without pressure at 2024-03-14T21:00:00 UTC; magnitudes of the Hipparcos catalogue.
const stars: [string, number, number, number][] = [
  ['Capella', 50.16699, 269.91918, 0.08],
  ['Polaris', 69.51417, 358.23713, 1.97],
  ['Regulus', 32.09181, 173.64371, 1.36],
  ['Arcturus', 25.67156, 104.69462, -0.05],
  ['Vega', 23.84848, 38.9105, 0.03],
];

/** Where an equidistant all-sky picture of 720 x 720 pixels has it: north up, east left. Refraction after Bennett 1982. */
function expected(altitude: number, azimuth: number): [number, number] {
  const refraction = 1 / Math.tan(((altitude + 7.31 / (altitude + 4.4)) * Math.PI) / 180) / 60;
  const radius = (360 * (90 - altitude - refraction)) / 90;
  const a = (azimuth * Math.PI) / 180;
  return [359.5 - radius * Math.sin(a), 359.5 - radius * Math.cos(a)];
}

describe('the rendered sky', () => {
  const rendering = renderScene(scene({}, { startMilliseconds: night - 1000 }));

  it.each(stars)('%s stands where astropy says, to a sixth of a pixel (2.5 minutes of arc)', (_, altitude, azimuth) => {
    const [x, y] = expected(altitude, azimuth);
    const seen = measure(rendering, 720, x, y, 3);
    expect(Math.hypot(seen.x - x, seen.y - y)).toBeLessThan(0.17);
  });

  it('brighter stars give more light, as much as their magnitudes, the air and the lens let through', () => {
    const light = (name: string) => {
      const [, altitude, azimuth] = stars.find((star) => star[0] === name)!;
      return measure(rendering, 720, ...expected(altitude, azimuth), 4).flux;
    };
    // Green extinction 0.17 mag an air mass; the lens loses 0.3 (θ/90°)².
    const model = (altitude: number, magnitude: number) =>
      10 ** (-0.4 * (magnitude + 0.17 / Math.sin((altitude * Math.PI) / 180))) *
      (1 - 0.3 * ((90 - altitude) / 90) ** 2);
    expect(light('Capella') / light('Regulus') / (model(50.2, 0.08) / model(32.1, 1.36))).toBeCloseTo(1, 1);
    expect(light('Vega')).toBeGreaterThan(light('Regulus'));
    expect(light('Regulus')).toBeGreaterThan(light('Polaris'));
  });

  it('the same seed, time and settings give the same pixels; another seed or time gives others', () => {
    const wild = { cloudCover: 0.4, auroraLevel: 2, meteorsPerHour: 3000, satellitesPerHour: 60, landscape: true };
    const once = renderScene(scene(wild, {}, sensors.demo));
    const again = renderScene(scene(wild, {}, sensors.demo));
    expect(Buffer.from(again.data).equals(Buffer.from(once.data))).toBe(true);
    expect(again.events).toEqual(once.events);
    const otherSeed = renderScene(scene(wild, { seed: 2 }, sensors.demo));
    expect(Buffer.from(otherSeed.data).equals(Buffer.from(once.data))).toBe(false);
    const later = renderScene(scene(wild, { startMilliseconds: night + 5000 }, sensors.demo));
    expect(Buffer.from(later.data).equals(Buffer.from(once.data))).toBe(false);
  });

  it('stars trail by 15.04" a second times the cosine of their declination; Polaris stays', () => {
    const pointing = { lens: 'rectilinear', fieldOfViewDegrees: 6, fNumber: 16 } as const;
    const trail = (altitude: number, azimuth: number) => {
      const pointed = { ...pointing, altitudeDegrees: altitude, azimuthDegrees: azimuth };
      const trailed = renderScene(scene(pointed, { exposureSeconds: 40, startMilliseconds: night - 20_000 }));
      return measure(trailed, 720, 359.5, 359.5, 16).spread;
    };
    // A line of length L has a standard deviation of L / √12.
    const pixelsPerRadian = 360 / Math.tan((3 * Math.PI) / 180);
    const length = (declination: number) =>
      ((40 * 15.0411) / 206265) * Math.cos((declination * Math.PI) / 180) * pixelsPerRadian;
    const [still, regulus, capella] = [trail(69.53, 358.237), trail(32.12, 173.644), trail(50.18, 269.919)];
    const measured = (spread: number) => Math.sqrt((spread * spread - still * still) * 12);
    expect(measured(regulus) / length(11.97)).toBeCloseTo(1, 1);
    expect(measured(capella) / length(46)).toBeCloseTo(1, 1);
    expect(length(89.26)).toBeLessThan(0.4);
  });

  it('out of focus a star becomes a ring of the same light', () => {
    const close = {
      altitudeDegrees: 32.12,
      azimuthDegrees: 173.644,
      lens: 'rectilinear',
      fieldOfViewDegrees: 20,
    } as const;
    const [sharp, soft] = [0, 24].map((defocusPixels) => renderScene(scene({ ...close, defocusPixels })));
    const [focused, ring] = [measure(sharp!, 720, 359.5, 359.5, 20), measure(soft!, 720, 359.5, 359.5, 20)];
    expect(ring.spread).toBeGreaterThan(6);
    expect(focused.spread).toBeLessThan(3);
    const pixels = pixelsOf(soft!);
    const [middle, rim] = [pixels[359 * 720 + 359]!, pixels[359 * 720 + 359 - 9]!];
    expect(rim).toBeGreaterThan(middle * 1.2);
  });

  it('the twilight fades as the Sun sinks, and is brighter towards it', () => {
    // Sun's altitudes on this evening: about -6, -9, -12 and -20 degrees.
    const times = ['17:40', '18:18', '18:55', '21:00'].map((time) => Date.parse(`2024-03-14T${time}:00Z`));
    const views = times.map((startMilliseconds) => renderScene(scene({}, { startMilliseconds, exposureSeconds: 0.5 })));
    const suns = views.map((view) => view.sunAltitudeDegrees);
    expect(suns).toEqual([...suns].sort((a, b) => b - a));
    const means = views.map((view) => meanOf(pixelsOf(view), view.blackLevel));
    for (let index = 1; index < means.length; index++) expect(means[index]!).toBeLessThan(means[index - 1]!);
    const evening = pixelsOf(views[1]!);
    const at = (x: number, y: number) => evening[y * 720 + x]! - 512;
    // The Sun has set in the west-north-west: right in the picture.
    expect(at(650, 340)).toBeGreaterThan(3 * at(60, 340));
  });

  it('moonlight brightens the night', () => {
    const [dark, moonlit] = ['2024-03-10T23:00:00Z', '2024-03-24T23:00:00Z'].map((time) =>
      renderScene(scene({}, { startMilliseconds: Date.parse(time), site: { ...tromso, latitude: 45 } })),
    );
    expect(dark!.moonAltitudeDegrees).toBeLessThan(0);
    expect(moonlit!.moonAltitudeDegrees).toBeGreaterThan(20);
    expect(meanOf(pixelsOf(moonlit!), 512)).toBeGreaterThan(3 * meanOf(pixelsOf(dark!), 512));
  });

  it('clouds take the stars away', () => {
    const [, altitude, azimuth] = stars[0]!;
    const overcast = renderScene(scene({ cloudCover: 1 }));
    const clear = measure(rendering, 720, ...expected(altitude, azimuth), 4).flux;
    expect(measure(overcast, 720, ...expected(altitude, azimuth), 4).flux).toBeLessThan(clear / 5);
  });

  it('an aurora is green', () => {
    const views = [0, 2].map((auroraLevel) => renderScene(scene({ auroraLevel }, {}, sensors.demo)));
    const greenExcess = views.map(({ data }) => {
      const pixels = new Uint16Array(data);
      let [green, others] = [0, 0];
      for (let y = 0; y < 360; y += 2)
        for (let x = 0; x < 960; x += 2) {
          green += pixels[y * 960 + x + 1]! - 512;
          others += (pixels[y * 960 + x]! - 512) / 0.58 / 2 + (pixels[(y + 1) * 960 + x + 1]! - 512) / 0.66 / 2;
        }
      return green / others;
    });
    expect(greenExcess[0]!).toBeLessThan(1.1);
    expect(greenExcess[1]!).toBeGreaterThan(1.5);
  });
});

describe('what moves through the sky', () => {
  it('tells where each meteor was drawn, and it is bright there', () => {
    let found = 0;
    for (let minute = 0; minute < 6 && found < 3; minute++) {
      const startMilliseconds = night + minute * 60_000;
      const busy = renderScene(scene({ meteorsPerHour: 3600 }, { startMilliseconds, exposureSeconds: 10 }));
      const calm = renderScene(scene({}, { startMilliseconds, exposureSeconds: 10 }));
      for (const event of busy.events.filter((each) => each.kind === 'meteor' && each.magnitude < 0.7)) {
        const along = 0.6;
        const x = Math.round(event.fromX + along * (event.toX - event.fromX));
        const y = Math.round(event.fromY + along * (event.toY - event.fromY));
        const brightest = (view: Rendering) =>
          Math.max(...[-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => pixelsOf(view)[(y + dy) * 720 + x + dx]!)));
        expect(brightest(busy)).toBeGreaterThan(brightest(calm));
        expect(event.toMilliseconds).toBeGreaterThan(event.fromMilliseconds);
        found++;
      }
    }
    expect(found).toBeGreaterThanOrEqual(3);
  });

  it('a satellite goes on in the next frame under the same number', () => {
    const evening = Date.parse('2024-03-14T19:30:00Z');
    const frames = [0, 10_000].map((later) =>
      renderScene(scene({ satellitesPerHour: 200 }, { startMilliseconds: evening + later, exposureSeconds: 10 })),
    );
    const [first, second] = frames.map(({ events }) => events.filter((each) => each.kind === 'satellite'));
    const both = first!.flatMap((event) =>
      second!.filter((other) => other.id === event.id).map((other) => [event, other]),
    );
    expect(both.length).toBeGreaterThan(2);
    for (const [before, after] of both) {
      expect(Math.hypot(after!.fromX - before!.toX, after!.fromY - before!.toY)).toBeLessThan(6);
      expect(after!.fromMilliseconds).toBeGreaterThanOrEqual(before!.toMilliseconds);
    }
  });

  it('at midnight satellites are in the shadow of the Earth, aeroplanes are not', () => {
    const midnight = Date.parse('2024-03-14T23:00:00Z');
    const tropics = { ...tromso, latitude: 10 };
    const { events } = renderScene(
      scene(
        { satellitesPerHour: 200, aeroplanesPerHour: 100 },
        { startMilliseconds: midnight, site: tropics, exposureSeconds: 30 },
      ),
    );
    expect(events.filter((each) => each.kind === 'satellite')).toHaveLength(0);
    expect(events.some((each) => each.kind === 'aeroplane')).toBe(true);
  });
});
