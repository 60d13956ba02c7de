/** A mount on an INDI server: J2000 degrees at our side, hours and degrees of date (EOD) at the driver's. */
import { isoTime } from '../../clock/clock.ts';
import { NightflowError, throwIfAborted } from '../../process/errors.ts';
import { type EquatorialPlace, placeOfDate, placeOfJ2000 } from '../../sky/coordinates-date.ts';
import type { IndiClient } from '../client.ts';
import { type CommandRequest, requireOk } from '../command.ts';
import { arrived, type EquatorialTarget, motionStopped, parked, tracking } from '../completion-devices.ts';
import { connectDevice, type DeviceCareOptions } from '../device-care.ts';
import { type IndiProperty, isOn, numberOf } from '../property.ts';

export interface MountStatus {
  /** J2000 (ICRS) as the driver reports, from EOD by our own reduction; null when the mount does not say. */
  raDegrees: number | null;
  decDegrees: number | null;
  /** Of date. */
  raNowHours: number | null;
  decNowDegrees: number | null;
  /** Under way to a target, or parking. */
  moving: boolean;
  /** null: it can't tell. */
  tracking: boolean | null;
  parked: boolean | null;
  pierSide: 'east' | 'west' | null;
}

const ofDate = 'EQUATORIAL_EOD_COORD';
/** Few drivers have this one instead. */
const ofJ2000 = 'EQUATORIAL_COORD';
const definitionSeconds = 15;
const lateSeconds = 3;
/** From one end of the sky to the other, by a slow mount. */
const slewSeconds = 300;

export class IndiMount {
  private readonly client: IndiClient;
  readonly device: string;

  /** Of a device that is connected already. */
  constructor(client: IndiClient, device: string) {
    this.client = client;
    this.device = device;
  }

  /** @throws bad-input, unsupported when it is no mount, rejected, timeout, lost, aborted */
  static async connect(client: IndiClient, options: DeviceCareOptions, signal?: AbortSignal): Promise<IndiMount> {
    const { device } = options;
    await connectDevice(client, options, signal);
    return new IndiMount(client, device).ready(signal);
  }

  /** Resolves when it says where it points. @throws unsupported when it is no mount; aborted */
  async ready(signal?: AbortSignal): Promise<this> {
    const { client, device } = this;
    if (this.find(ofJ2000)) return this;
    await client.waitForProperty(device, ofDate, { timeoutSeconds: definitionSeconds, signal }).catch((cause) => {
      throwIfAborted(signal);
      throw new NightflowError('unsupported', `${device} is no mount: it has no equatorial coordinates.`, { cause });
    });
    return this;
  }

  /** @throws lost */
  status(): MountStatus {
    const name = this.coordinates();
    const property = this.require(name);
    const [ra, dec] = [numberOf(property, 'RA'), numberOf(property, 'DEC')];
    const now = this.client.clock.now();
    const j2000 =
      ra === null || dec === null
        ? null
        : name === ofDate
          ? placeOfJ2000({ raNowDegrees: ra * 15, decNowDegrees: dec }, now)
          : { raDegrees: ra * 15, decDegrees: dec };
    const date = j2000 && placeOfDate(j2000, now);
    const [track, park, pier] = ['TELESCOPE_TRACK_STATE', 'TELESCOPE_PARK', 'TELESCOPE_PIER_SIDE'].map((each) =>
      this.find(each),
    );
    return {
      raDegrees: j2000?.raDegrees ?? null,
      decDegrees: j2000?.decDegrees ?? null,
      raNowHours: date && date.raNowDegrees / 15,
      decNowDegrees: date?.decNowDegrees ?? null,
      moving: property.state === 'Busy' || park?.state === 'Busy',
      tracking: track ? isOn(track, 'TRACK_ON') : null,
      parked: park ? isOn(park, 'PARK') && park.state !== 'Busy' : null,
      pierSide: isOn(pier, 'PIER_EAST') ? 'east' : isOn(pier, 'PIER_WEST') ? 'west' : null,
    };
  }

  /**
   * Goes there and tracks; done when it is there. Stopped by `signal`, the motors stand before this throws.
   * @throws bad-input, rejected (parked, below its limits), busy when it is moving already, timeout, lost, aborted
   */
  async slew(place: EquatorialPlace, signal?: AbortSignal): Promise<void> {
    const status = this.status();
    if (status.parked)
      throw new NightflowError('rejected', `${this.device} is parked.`, { remedy: 'Unpark it before it is to move.' });
    if (status.moving) throw new NightflowError('busy', `${this.device} is moving already.`);
    await this.client.exclusively(this.device, { signal }, async (stop) => {
      await this.onCoordinates('TRACK', stop);
      await this.move(this.toCoordinates(place), stop);
    });
  }

  /** Whether it can be told to change its side of the pier (INDI 2). */
  get canFlip(): boolean {
    return this.find('ON_COORD_SET')?.elements.has('FLIP') ?? false;
  }

  /** Goes to the same place on the other side of the pier. @throws as slew; unsupported */
  async flip(place: EquatorialPlace, signal?: AbortSignal): Promise<void> {
    if (!this.canFlip)
      throw new NightflowError('unsupported', `${this.device} can't be told to change its side of the pier.`, {
        remedy: 'Slew to the target again once it is past the meridian: most mounts change sides by themselves then.',
      });
    await this.client.exclusively(this.device, { signal }, async (stop) => {
      try {
        await this.onCoordinates('FLIP', stop);
        await this.move(this.toCoordinates(place), stop);
      } finally {
        if (this.client.connected) await this.onCoordinates('TRACK');
      }
    });
  }

  /** Tells the mount that it points there now. Its mode is put back to slewing, whatever happens. @throws as slew */
  async sync(place: EquatorialPlace, signal?: AbortSignal): Promise<void> {
    if (!this.find('ON_COORD_SET')?.elements.has('SYNC'))
      throw new NightflowError('unsupported', `${this.device} can't be told where it points.`);
    await this.client.exclusively(this.device, { signal }, async (stop) => {
      try {
        await this.onCoordinates('SYNC', stop);
        const { timeoutSeconds: _, ...request } = this.toCoordinates(place);
        requireOk(await this.client.commandNow({ ...request, timeoutSeconds: 30, signal: stop }));
      } finally {
        // Left at SYNC, the next slew would only rename where it stands.
        if (this.client.connected) await this.onCoordinates('TRACK');
      }
    });
  }

  /** Done when it stands in its parking position; what is parked stays so. @throws as slew; unsupported */
  async park(signal?: AbortSignal): Promise<void> {
    await this.setParked(true, signal);
  }

  /** @throws as park */
  async unpark(signal?: AbortSignal): Promise<void> {
    await this.setParked(false, signal);
  }

  /** @throws unsupported, rejected (parked), timeout, lost, aborted */
  async setTracking(on: boolean, signal?: AbortSignal): Promise<void> {
    const property = 'TELESCOPE_TRACK_STATE';
    const known = await this.offered(property, signal);
    if (!known) throw new NightflowError('unsupported', `The tracking of ${this.device} can't be switched.`);
    const element = on ? 'TRACK_ON' : 'TRACK_OFF';
    if (isOn(known, element)) return throwIfAborted(signal);
    const { device } = this;
    const request = { device, property, values: { [element]: true }, judge: tracking(on), timeoutSeconds: 30, signal };
    requireOk(await this.client.command(request));
  }

  /** Ends every motion at once, past whatever waits. @throws rejected, timeout, lost */
  async abort(): Promise<void> {
    this.client.interrupt(this.device);
    await this.stop();
  }

  /** Where the mount stands, degrees (east positive) and metres. @throws bad-input, unsupported, rejected, timeout, lost */
  async setSite(
    { latitude, longitude, elevation }: { latitude: number; longitude: number; elevation: number },
    signal?: AbortSignal,
  ): Promise<void> {
    // Drivers take what is out of range with Ok, and spin on NaN for ever.
    const possible = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 360 && elevation >= -500 && elevation <= 10_000;
    if (!possible)
      throw new NightflowError('bad-input', `${latitude}°, ${longitude}°, ${elevation} m is no place on the Earth.`);
    const property = 'GEOGRAPHIC_COORD';
    if (!this.find(property)) throw new NightflowError('unsupported', `${this.device} takes no site.`);
    const values = { LAT: latitude, LONG: (longitude + 360) % 360, ELEV: elevation };
    const { device } = this;
    requireOk(await this.client.command({ device, property, values, timeoutSeconds: 30, signal }));
  }

  /**
   * The observatory's time, with the zone's offset from UTC in hours (east positive). Both at once, always: sent UTC alone, a
   * driver crashes. @throws bad-input, unsupported, rejected, timeout, lost
   */
  async setTime(offsetHours: number, signal?: AbortSignal): Promise<void> {
    if (!(Math.abs(offsetHours) <= 14)) throw new NightflowError('bad-input', `No zone is ${offsetHours} h from UTC.`);
    const property = 'TIME_UTC';
    if (!this.find(property)) throw new NightflowError('unsupported', `${this.device} takes no time.`);
    const { device, client } = this;
    await client.exclusively(device, { signal }, async (stop) => {
      // Read when its turn has come: the queue may have been long.
      const values = { UTC: isoTime(client.clock.now()).slice(0, 19), OFFSET: offsetHours.toFixed(2) };
      requireOk(await client.commandNow({ device, property, values, timeoutSeconds: 30, signal: stop }));
    });
  }

  private async setParked(park: boolean, signal: AbortSignal | undefined): Promise<void> {
    const property = 'TELESCOPE_PARK';
    const known = await this.offered(property, signal);
    if (!known) throw new NightflowError('unsupported', `${this.device} can't be parked.`);
    const element = park ? 'PARK' : 'UNPARK';
    // Asked again, some drivers answer with an Alert.
    if (isOn(known, element) && known.state !== 'Busy') return throwIfAborted(signal);
    const values = { [element]: true };
    await this.client.exclusively(this.device, { signal }, (stop) =>
      this.move(
        { device: this.device, property, values, judge: parked(element), timeoutSeconds: 2 * slewSeconds },
        stop,
      ),
    );
  }

  private toCoordinates(place: EquatorialPlace): CommandRequest & { timeoutSeconds: number } {
    const property = this.coordinates();
    const target = property === ofDate ? this.targetOfDate(place) : targetOfJ2000(place);
    const values = { RA: target.raHours, DEC: target.decDegrees };
    const judge = arrived(target, undefined, property);
    return { device: this.device, property, values, judge, timeoutSeconds: slewSeconds };
  }

  private targetOfDate(place: EquatorialPlace): EquatorialTarget {
    const { raNowDegrees, decNowDegrees } = placeOfDate(place, this.client.clock.now());
    return { raHours: hoursOf(raNowDegrees), decDegrees: decNowDegrees };
  }

  private async move(request: CommandRequest, signal: AbortSignal): Promise<void> {
    const result = await this.client.commandNow({ ...request, signal });
    if (result.status === 'aborted' || result.status === 'timeout') await this.stop();
    requireOk(result);
  }

  private async stop(): Promise<void> {
    const { client, device } = this;
    const property = 'TELESCOPE_ABORT_MOTION';
    const known = this.find(property);
    if (!known) return;
    const values = { [known.elements.keys().next().value ?? 'ABORT']: true };
    const judge = motionStopped(property, this.coordinates());
    requireOk(await client.commandNow({ device, property, values, judge, timeoutSeconds: 30 }));
  }

  private async onCoordinates(element: 'TRACK' | 'SYNC' | 'FLIP', signal?: AbortSignal): Promise<void> {
    const property = 'ON_COORD_SET';
    const known = this.find(property);
    if (!known?.elements.has(element) || isOn(known, element)) return;
    const { device } = this;
    const request = { device, property, values: { [element]: true }, timeoutSeconds: 10, signal };
    requireOk(await this.client.commandNow(request));
  }

  private coordinates(): string {
    return this.find(ofDate) || !this.find(ofJ2000) ? ofDate : ofJ2000;
  }

  /** Slow hardware defines its properties late: a mount is not said to be without one before a moment has passed. */
  private async offered(name: string, signal?: AbortSignal): Promise<IndiProperty | undefined> {
    const options = { timeoutSeconds: lateSeconds, signal };
    const wait = () => this.client.waitForProperty(this.device, name, options).catch(() => undefined);
    const found = this.find(name) ?? (this.client.connected ? await wait() : undefined);
    throwIfAborted(signal);
    return found;
  }

  private find(name: string): IndiProperty | undefined {
    return this.client.store.property(this.device, name);
  }

  private require(name: string): IndiProperty {
    const property = this.find(name);
    if (property) return property;
    throw new NightflowError('lost', `${this.device} is not there.`, {
      remedy: 'Check the INDI server and the mount.',
    });
  }
}

/** INDI wants 0 to 24. */
const hoursOf = (degrees: number): number => (((degrees % 360) + 360) % 360) / 15;

const targetOfJ2000 = ({ raDegrees, decDegrees }: EquatorialPlace): EquatorialTarget => ({
  raHours: hoursOf(raDegrees),
  decDegrees,
});
