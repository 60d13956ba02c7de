/** The rate at which a mount tracks: with the stars, the Moon, the Sun, or in a way of its owner's (comets). */
import { NightflowError } from '../../process/errors.ts';
import type { IndiClient } from '../client.ts';
import { requireOk } from '../command.ts';
import { isOn, numberOf, switchOf } from '../property.ts';

export const trackingRates = ['sidereal', 'lunar', 'solar', 'custom'] as const;
export type TrackingRate = (typeof trackingRates)[number];

/** Arcseconds a second: right ascension westwards (15.041 stands still among the stars), declination northwards. */
export interface CustomRate {
  raArcsecondsPerSecond: number;
  decArcsecondsPerSecond: number;
}

const mode = 'TELESCOPE_TRACK_MODE';
const rate = 'TELESCOPE_TRACK_RATE';
const elementOf = (name: TrackingRate) => `TRACK_${name.toUpperCase()}`;

/** null when the mount does not say. */
export function trackingRateOf(client: IndiClient, device: string): TrackingRate | null {
  const on = switchOf(client.store.property(device, mode));
  return trackingRates.find((name) => elementOf(name) === on) ?? null;
}

export function customRateOf(client: IndiClient, device: string): CustomRate | null {
  const property = client.store.property(device, rate);
  const [ra, dec] = [numberOf(property, 'TRACK_RATE_RA'), numberOf(property, 'TRACK_RATE_DE')];
  return ra === null || dec === null ? null : { raArcsecondsPerSecond: ra, decArcsecondsPerSecond: dec };
}

/**
 * Chooses the rate; whether the mount tracks is another matter. @param custom With 'custom' only; without it the one of before.
 * @throws unsupported naming the rates that there are, bad-input, rejected, timeout, lost, aborted
 */
export async function setTrackingRate(
  client: IndiClient,
  device: string,
  name: TrackingRate,
  custom: CustomRate | null = null,
  signal?: AbortSignal,
): Promise<void> {
  const known = client.store.property(device, mode);
  const element = elementOf(name);
  // A mount that tracks the stars and nothing else has no such switch.
  if (!known && name === 'sidereal') return;
  if (!known?.elements.has(element)) {
    const there = trackingRates.filter((each) => known?.elements.has(elementOf(each)));
    throw new NightflowError('unsupported', `${device} has no ${name} tracking rate.`, {
      remedy: there.length > 0 ? `It has: ${there.join(', ')}.` : 'It has one rate only.',
    });
  }
  await client.exclusively(device, { signal }, async (stop) => {
    const command = async (property: string, values: Record<string, number | boolean>) =>
      requireOk(await client.commandNow({ device, property, values, timeoutSeconds: 30, signal: stop }));
    // The figures first: a mount must not run for a moment at those of the last comet.
    if (name === 'custom' && custom)
      await command(rate, {
        TRACK_RATE_RA: custom.raArcsecondsPerSecond,
        TRACK_RATE_DE: custom.decArcsecondsPerSecond,
      });
    if (!isOn(known, element)) await command(mode, { [element]: true });
  });
}
