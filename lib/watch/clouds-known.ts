/** The clear skies that are known: one for each camera, exposure, gain, filter and target. */
import type { Frame } from '../frame/frame.ts';
import { gridOf } from './clouds-grid.ts';
import { FixedLights } from './clouds-lights.ts';
import { ClearSky } from './clouds-reference.ts';

export interface KnownSky {
  sky: ClearSky;
  lights: FixedLights;
}

export interface SavedClouds {
  version: 1;
  references: Record<string, object>;
}

/** Some 30 kB each in the file; the one that was not used for longest makes room. */
const mostSkies = 12;

export class KnownSkies {
  private readonly skies = new Map<string, KnownSky>();

  /** @param milliseconds UTC of the frame. */
  of(frame: Frame, milliseconds: number): KnownSky {
    const key = skyKey(frame);
    const known = this.skies.get(key);
    if (known) return known;
    if (this.skies.size >= mostSkies) {
      const [oldest] = [...this.skies].reduce((a, b) => (b[1].sky.used < a[1].sky.used ? b : a));
      this.skies.delete(oldest);
    }
    const begun = { sky: new ClearSky(gridOf(frame.width, frame.height)), lights: new FixedLights() };
    begun.sky.used = milliseconds;
    this.skies.set(key, begun);
    return begun;
  }

  clear(): void {
    this.skies.clear();
  }

  save(): SavedClouds {
    return { version: 1, references: Object.fromEntries([...this.skies].map(([key, { sky }]) => [key, sky.save()])) };
  }

  /** Takes up what `save` gave; what is not of its shape is left out. */
  restore(saved: unknown): void {
    const { version, references } = (saved ?? {}) as Partial<SavedClouds>;
    if (version !== 1 || typeof references !== 'object' || references === null) return;
    for (const [key, each] of Object.entries(references).slice(0, mostSkies)) {
      const [, width, height] = /^([1-9]\d{0,5})x([1-9]\d{0,5})\|/.exec(key) ?? [];
      const sky = width && height ? ClearSky.restore(gridOf(Number(width), Number(height)), each) : null;
      if (sky) this.skies.set(key, { sky, lights: new FixedLights() });
    }
  }
}

/** What makes two frames comparable. Exposure and gain to a quarter; the Moon needs no class: its light is in the noise. */
export function skyKey(frame: Frame): string {
  const { width, height, bayer, camera, exposureSeconds, gain, combined, target } = frame;
  const step = (value: number | null) => (value && value > 0 ? Math.round(10 * Math.log10(value)) / 10 : value);
  const filter = frame.keyword('FILTER');
  const size = `${width}x${height}`;
  return [size, bayer, camera, step(exposureSeconds), step(gain), combined, target?.name, filter]
    .map((part) => String(part ?? '').slice(0, 80))
    .join('|');
}
