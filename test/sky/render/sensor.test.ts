import { describe, expect, it } from 'vitest';
import { type CameraSensor, sensors } from '../../../lib/camera/sensors.ts';
import { sceneOf, settingsFrom } from '../../../lib/camera/simulator-settings.ts';
import type { BayerPattern } from '../../../lib/frame/frame.ts';
import { gaussianTable } from '../../../lib/sky/render/random.ts';
import { renderScene } from '../../../lib/sky/render/render.job.ts';
import { mosaicOf, type Scene } from '../../../lib/sky/render/scene.ts';
import { darkRate, exposeSensor, hotPixelsOf, readNoise } from '../../../lib/sky/render/sensor.ts';

const site = { latitude: 45, longitude: 0, elevation: 0 };

function dark(changes: Partial<Scene> = {}, sensor: CameraSensor = sensors.demo): Scene {
  const shot = { seed: 1, site, startMilliseconds: 1e12, exposureSeconds: 10, kind: 'dark' as const };
  return { ...sceneOf(settingsFrom({ gain: 4, temperatureCelsius: 20 }, sensor), sensor, shot), ...changes };
}

function statistics(scene: Scene) {
  const { data, blackLevel } = exposeSensor(scene, null);
  const hot = new Set(hotPixelsOf(scene.sensor, scene.seed).map(({ index }) => index));
  const values = [...new Uint16Array(data)].filter((_, index) => !hot.has(index));
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  const variance = values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / values.length;
  const aduPerElectron =
    (scene.gain * (2 ** scene.sensor.bitsPerSample - 1 - scene.sensor.blackLevel)) / scene.sensor.fullWellElectrons;
  return { electrons: (mean - blackLevel) / aduPerElectron, noise: Math.sqrt(variance - 1 / 12) / aduPerElectron };
}

describe('the simulated sensor', () => {
  it('collects dark current that doubles every 6.3 degrees, with its own photon noise', () => {
    const [cold, warm] = [20, 26.3].map((temperatureCelsius) =>
      statistics(dark({ temperatureCelsius, exposureSeconds: 100 })),
    );
    const rate = darkRate(sensors.demo, 20) * 100;
    expect(cold!.electrons).toBeCloseTo(rate, 1);
    expect(warm!.electrons / cold!.electrons).toBeCloseTo(2, 1);
    expect(cold!.noise).toBeCloseTo(Math.hypot(Math.sqrt(rate), readNoise(sensors.demo, 4)), 1);
  });

  it('has less read noise, in electrons, at a higher gain', () => {
    const [low, high] = [1, 16].map((gain) => statistics(dark({ gain, temperatureCelsius: -40 })));
    expect(low!.noise).toBeCloseTo(readNoise(sensors.demo, 1), 1);
    expect(high!.noise).toBeCloseTo(readNoise(sensors.demo, 16), 1);
    expect(high!.noise).toBeLessThan(low!.noise);
  });

  it('adds its offset to the black level', () => {
    const { data, blackLevel } = exposeSensor(dark({ offset: 100, temperatureCelsius: -40 }), null);
    const pixels = new Uint16Array(data);
    expect(blackLevel).toBe(612);
    expect(pixels.reduce((sum, each) => sum + each, 0) / pixels.length).toBeCloseTo(612, 0);
  });

  it('has its hot pixels always in the same places, and others as another specimen', () => {
    const hottest = (startMilliseconds: number, seed = 1) => {
      const pixels = new Uint16Array(exposeSensor(dark({ startMilliseconds, seed }), null).data);
      return [...pixels.keys()]
        .sort((a, b) => pixels[b]! - pixels[a]!)
        .slice(0, 8)
        .sort((a, b) => a - b);
    };
    expect(hottest(1e12)).toEqual(hottest(1e12 + 5e6));
    expect(hottest(1e12, 2)).not.toEqual(hottest(1e12));
    const millions = (sensors.demo.width * sensors.demo.height) / 1e6;
    expect(hotPixelsOf(sensors.demo, 1)).toHaveLength(Math.round(sensors.demo.hotPixelsPerMillion * millions));
  });

  it('its noise table is normal: deviation 1, and as much beyond 2 and 3 sigma as there should be', () => {
    const share = (sigmas: number) =>
      gaussianTable.filter((each) => Math.abs(each) > sigmas).length / gaussianTable.length;
    expect(share(1)).toBeCloseTo(0.3173, 3);
    expect(share(2)).toBeCloseTo(0.0455, 3);
    expect(share(3)).toBeCloseTo(0.0027, 3);
  });

  it('saturates at the white level, in daylight', () => {
    const noon = Date.parse('2024-06-21T12:00:00Z');
    const scene = { ...dark(), kind: 'light' as const, startMilliseconds: noon };
    const { data, whiteLevel } = renderScene(scene);
    const pixels = new Uint16Array(data);
    expect(whiteLevel).toBe(16383);
    expect(pixels[360 * 960 + 480]).toBe(whiteLevel);
    expect(Math.max(...pixels.subarray(360 * 960, 361 * 960))).toBe(whiteLevel);
  });

  it.each(['RGGB', 'BGGR', 'GRBG', 'GBRG'] as BayerPattern[])(
    'a flat shows the mosaic %s: green most, then blue, then red',
    (bayer) => {
      const sensor: CameraSensor = { ...sensors.demo, width: 400, height: 300, bayer };
      const flat = renderScene({ ...dark({}, sensor), kind: 'flat' });
      const pixels = new Uint16Array(flat.data);
      const byColour = [0, 0, 0];
      for (let y = 100; y < 200; y++)
        for (let x = 150; x < 250; x++)
          byColour[mosaicOf(bayer)[(y & 1) * 2 + (x & 1)]!]! += pixels[y * 400 + x]! - 512;
      const [red, green, blue] = [byColour[0]!, byColour[1]! / 2, byColour[2]!];
      expect(red / green).toBeCloseTo(0.7, 1);
      expect(blue / green).toBeCloseTo(0.76, 1);
      // The corner is the first letter's colour.
      expect(mosaicOf(bayer)[0]).toBe('RGB'.indexOf(bayer[0]!));
    },
  );

  it('a blue star is blue in the mosaic, a red one red', () => {
    // Rigel (B−V −0.03) and Betelgeuse (1.85) over the south on a January evening.
    const startMilliseconds = Date.parse('2024-01-15T21:30:00Z');
    const sensor: CameraSensor = { ...sensors.demo, width: 600, height: 600, hotPixelsPerMillion: 0 };
    const settings = settingsFrom(
      { lens: 'rectilinear', fieldOfViewDegrees: 30, altitudeDegrees: 45, azimuthDegrees: 170, gain: 1 },
      sensor,
    );
    const shot = { seed: 1, site, startMilliseconds, exposureSeconds: 0.5, kind: 'light' as const };
    const { data } = renderScene(sceneOf(settings, sensor, shot));
    const pixels = new Uint16Array(data);
    const blueToRed: number[] = [];
    // The two brightest places of Orion's field, each with its light by colour.
    const taken: [number, number][] = [];
    const order = [...pixels.keys()].sort((a, b) => pixels[b]! - pixels[a]!);
    for (const index of order) {
      const [x, y] = [index % 600, Math.floor(index / 600)];
      if (x < 8 || y < 8 || x > 591 || y > 591 || taken.some(([tx, ty]) => Math.hypot(tx - x, ty - y) < 12)) continue;
      taken.push([x, y]);
      let [red, blue] = [0, 0];
      for (let row = y - 4; row <= y + 4; row++)
        for (let column = x - 4; column <= x + 4; column++) {
          const light = pixels[row * 600 + column]! - 512;
          const colour = mosaicOf('RGGB')[(row & 1) * 2 + (column & 1)];
          if (colour === 0) red += light;
          if (colour === 2) blue += light;
        }
      blueToRed.push(blue / red);
      if (taken.length === 2) break;
    }
    expect(Math.max(...blueToRed) / Math.min(...blueToRed)).toBeGreaterThan(3);
  });
});
