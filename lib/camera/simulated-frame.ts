/** A rendering becomes a frame: times to the microsecond, and the truth about what was drawn as keywords. */
import { Frame, type FrameSite, type FrameTarget, type Keyword } from '../frame/frame.ts';
import { simulatedWhiteBalance } from '../sky/render/photometry.ts';
import type { Rendering, Scene } from '../sky/render/scene.ts';

export function frameOf(
  scene: Scene,
  rendering: Rendering,
  camera: string,
  site: FrameSite,
  target: FrameTarget | null,
): Frame {
  const { startMilliseconds, exposureSeconds, sensor } = scene;
  return new Frame({
    data: rendering.data,
    width: sensor.width,
    height: sensor.height,
    pixelType: 'u16',
    bayer: sensor.bayer,
    blackLevel: rendering.blackLevel,
    whiteLevel: rendering.whiteLevel,
    whiteBalance: sensor.bayer ? simulatedWhiteBalance : null,
    kind: scene.kind,
    start: isoMicroseconds(startMilliseconds),
    middle: isoMicroseconds(startMilliseconds + exposureSeconds * 500),
    end: isoMicroseconds(startMilliseconds + exposureSeconds * 1000),
    timeSource: 'simulator',
    timeUncertaintySeconds: 0,
    exposureSeconds,
    gain: scene.gain,
    offset: scene.offset,
    temperatureCelsius: scene.temperatureCelsius,
    camera,
    site,
    target,
    keywords: truthOf(scene, rendering),
  });
}

const mostEvents = 99;

/** What was drawn, for whoever tests a detector on it. */
function truthOf(scene: Scene, { events, sunAltitudeDegrees, moonAltitudeDegrees }: Rendering): Keyword[] {
  const round = (value: number, digits: number) => Number(value.toFixed(digits));
  return [
    { name: 'SIMSEED', value: scene.seed, comment: 'seed of the simulated sky' },
    { name: 'SUNALT', value: round(sunAltitudeDegrees, 3), comment: '[deg] altitude of the Sun' },
    { name: 'MOONALT', value: round(moonAltitudeDegrees, 3), comment: '[deg] altitude of the Moon' },
    { name: 'SIMEVNTS', value: events.length, comment: 'simulated meteors, satellites, aeroplanes' },
    ...events.slice(0, mostEvents).map((event, index) => {
      const { kind, id, fromX, fromY, toX, toY, magnitude } = event;
      const path = [fromX, fromY, toX, toY].map((value) => value.toFixed(1)).join(' ');
      return { name: `SIMEV${index + 1}`, value: `${kind} ${id} ${path} ${magnitude.toFixed(1)}` };
    }),
  ];
}

/** ISO 8601 UTC with microseconds: the gap between two frames is a few milliseconds. */
function isoMicroseconds(milliseconds: number): string {
  const microseconds = Math.round(milliseconds * 1000);
  const whole = Math.floor(microseconds / 1000);
  const rest = microseconds - whole * 1000;
  return new Date(whole).toISOString().replace('Z', `${String(rest).padStart(3, '0')}Z`);
}
