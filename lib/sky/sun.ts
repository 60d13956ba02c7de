/** Where the Sun and the Moon stand for a site: heights without refraction, and when the Sun crosses a height. */
import { AstroTime, Body, Equator, Horizon, Illumination, Observer, SearchAltitude } from 'astronomy-engine';
import type { FrameSite } from '../frame/frame.ts';
import { NightflowError } from '../process/errors.ts';

/** Sun's heights that people name, degrees. */
export const twilightDegrees = { sunset: -0.833, civil: -6, nautical: -12, astronomical: -18 } as const;

/** Height of the Sun's centre above the horizon, degrees, without refraction. @param milliseconds UTC since 1970. */
export function sunAltitudeDegrees(site: FrameSite, milliseconds: number): number {
  return altitudeDegrees(Body.Sun, site, milliseconds);
}

/** Height of the Moon's centre, degrees, topocentric, without refraction. */
export function moonAltitudeDegrees(site: FrameSite, milliseconds: number): number {
  return altitudeDegrees(Body.Moon, site, milliseconds);
}

/** Lit part of the Moon's disc, 0 (new) to 1 (full). */
export function moonIllumination(milliseconds: number): number {
  return wrapped('The Moon', () => Illumination(Body.Moon, astroTime(milliseconds)).phase_fraction);
}

/**
 * The next moment (UTC ms) when the Sun's centre passes `altitudeDegrees` going up or down; null when it does not within
 * `limitDays` (polar day or night). The default is a little over a day: the crossing just passed comes back minutes later each spring day.
 */
export function nextSunCrossing(
  site: FrameSite,
  fromMilliseconds: number,
  altitudeDegrees: number,
  direction: 'rising' | 'setting',
  limitDays = 1.1,
): number | null {
  if (!(Math.abs(altitudeDegrees) <= 90))
    throw new NightflowError('bad-input', `The Sun's altitude ${altitudeDegrees} is outside -90° to 90°.`);
  const found = wrapped("The Sun's crossing", () =>
    SearchAltitude(
      Body.Sun,
      observerAt(site),
      direction === 'rising' ? +1 : -1,
      astroTime(fromMilliseconds),
      limitDays,
      altitudeDegrees,
    ),
  );
  return found?.date.getTime() ?? null;
}

function altitudeDegrees(body: Body, site: FrameSite, milliseconds: number): number {
  return wrapped(`The height of the ${body}`, () => {
    const time = astroTime(milliseconds);
    const observer = observerAt(site);
    const { ra, dec } = Equator(body, time, observer, true, true);
    return Horizon(time, observer, ra, dec).altitude;
  });
}

/** Checked first: astronomy-engine prints a stack trace to the console before it throws. */
function observerAt(site: FrameSite): Observer {
  for (const name of ['latitude', 'longitude', 'elevation'] as const)
    if (!Number.isFinite(site[name]))
      throw new NightflowError('bad-input', `The site's ${name} is ${site[name]}, not a number.`);
  return new Observer(site.latitude, site.longitude, site.elevation);
}

function astroTime(milliseconds: number): AstroTime {
  if (!Number.isFinite(milliseconds)) throw new NightflowError('bad-input', `${milliseconds} is not a time.`);
  return new AstroTime(new Date(milliseconds));
}

/** astronomy-engine throws bare strings: they become errors of ours. */
function wrapped<T>(what: string, compute: () => T): T {
  try {
    return compute();
  } catch (thrown) {
    if (thrown instanceof NightflowError) throw thrown;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    throw new NightflowError('bad-input', `${what} can't be computed: ${text}`, { cause: thrown });
  }
}
