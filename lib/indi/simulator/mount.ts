/** The simulated mount: goes where it is told, tracks, syncs, parks, and says so in the order in which the real simulator says it. */

import { type DeviceContext, SimulatedDevice } from './device.ts';
import { altitudeOf, slewAxes, wrap } from './mount-axes.ts';
import { type Axes, type MountMechanics, siderealDegreesPerSecond } from './mount-mechanics.ts';
import { mountProperties, slewRates, trackRates } from './mount-properties.ts';
import type { Observatory } from './observatory.ts';
import { onIn, only, type Vector } from './vector.ts';
import { type Values, zeros } from './wish.ts';

/** Changes below are not told: 0.04". */
const toldHours = 7e-7;
const toldDegrees = 1e-5;
const unparkFirst = '[WARNING] Please unpark the mount before issuing any motion/sync commands.';
const resumeMilliseconds = 70;

export class SimulatedMount extends SimulatedDevice {
  private readonly observatory: Observatory;
  private readonly mechanics: MountMechanics;
  /** What a sync has taught: reported minus encoders, degrees. */
  private readonly offset: Axes = { hourAngleDegrees: 0, decDegrees: 0 };
  private parked = false;
  /** Degrees a second of the guider's pulses; both axes may have one at a time. */
  private pulse = { WE: 0, NS: 0 };

  constructor(name: string, context: DeviceContext, observatory: Observatory) {
    super(name, { executable: 'indi_simulator_telescope', interface: 5 }, context);
    this.observatory = observatory;
    this.mechanics = observatory.mount;
    this.update('POLLING_PERIOD', null, { PERIOD_MS: 250 });
    const handlers: Readonly<Record<string, (wanted: Values, vector: Vector) => void>> = {
      EQUATORIAL_EOD_COORD: (wanted) => this.goto(wanted),
      TELESCOPE_ABORT_MOTION: () => this.abort(),
      TELESCOPE_TRACK_STATE: ({ TRACK_ON }) => this.setTracking(TRACK_ON === true),
      TELESCOPE_TRACK_MODE: (wanted) => this.changeRate('TELESCOPE_TRACK_MODE', wanted),
      TELESCOPE_TRACK_RATE: (wanted) => this.changeRate('TELESCOPE_TRACK_RATE', wanted),
      TELESCOPE_MOTION_NS: (wanted) => this.nudge('TELESCOPE_MOTION_NS', wanted),
      TELESCOPE_MOTION_WE: (wanted) => this.nudge('TELESCOPE_MOTION_WE', wanted),
      TELESCOPE_TIMED_GUIDE_NS: (wanted) => this.guide('TELESCOPE_TIMED_GUIDE_NS', wanted),
      TELESCOPE_TIMED_GUIDE_WE: (wanted) => this.guide('TELESCOPE_TIMED_GUIDE_WE', wanted),
      TELESCOPE_PARK: ({ PARK }) => (PARK ? this.park() : this.unpark()),
      TELESCOPE_PARK_OPTION: (wanted) => this.parkOption(wanted),
      GEOGRAPHIC_COORD: (wanted, vector) => {
        if (this.adopt(vector, wanted))
          observatory.moveTo(Number(wanted.LAT), Number(wanted.LONG), Number(wanted.ELEV));
      },
      SIM_POINTING: (wanted) => this.setErrors(wanted),
    };
    const startedAt = new Date(this.clock.now()).toISOString().slice(0, 19);
    for (const vector of mountProperties(observatory, startedAt)) this.add(vector, handlers[vector.name]);
    this.tell('Idle');
  }

  protected override onConnected(): undefined {
    this.begin('poll', async (signal) => {
      for (;;) {
        await this.clock.sleep(this.number('POLLING_PERIOD', 'PERIOD_MS'), signal);
        this.poll();
      }
    });
  }

  private get tracking(): boolean {
    return this.value('TELESCOPE_TRACK_STATE', 'TRACK_ON') === true;
  }

  /** Degrees a second of both axes while tracking. */
  private get trackRate(): [number, number] {
    const mode = onIn(this.vector('TELESCOPE_TRACK_MODE'))!;
    if (mode in trackRates) return [trackRates[mode as keyof typeof trackRates] / 3600, 0];
    const rate = (element: string) => this.number('TELESCOPE_TRACK_RATE', element) / 3600;
    return [rate('TRACK_RATE_RA'), rate('TRACK_RATE_DE')];
  }

  /** As the encoders and the last sync have it. */
  private reported(): { RA: number; DEC: number } {
    const now = this.clock.now();
    const { hourAngleDegrees, decDegrees } = this.mechanics.axesAt(now);
    const ra = this.mechanics.siderealDegrees(now) - hourAngleDegrees - this.offset.hourAngleDegrees;
    return { RA: wrap(ra, 0, 360) / 15, DEC: Math.max(-90, Math.min(90, decDegrees + this.offset.decDegrees)) };
  }

  private tell(state: 'Idle' | 'Ok' | 'Busy' | null, message: string | null = null): undefined {
    this.observatory.reported = this.reported();
    this.update('EQUATORIAL_EOD_COORD', state, this.observatory.reported, message);
  }

  private poll(): undefined {
    this.checkLimits();
    const { RA, DEC } = this.reported();
    const moved =
      Math.abs(RA - this.number('EQUATORIAL_EOD_COORD', 'RA')) > toldHours ||
      Math.abs(DEC - this.number('EQUATORIAL_EOD_COORD', 'DEC')) > toldDegrees;
    if (moved) this.tell(null);
  }

  private checkLimits(): undefined {
    if (!this.tracking || this.runs('slew')) return;
    const { minimumAltitudeDegrees, meridianLimitDegrees } = this.observatory.mountOptions;
    const axes = this.mechanics.axesAt(this.clock.now());
    const past = this.mechanics.pierSide === 'west' ? axes.hourAngleDegrees : -axes.hourAngleDegrees;
    const low = minimumAltitudeDegrees !== null && altitudeOf(axes, this.mechanics.site) < minimumAltitudeDegrees;
    const late = meridianLimitDegrees !== null && past > meridianLimitDegrees && past < 90;
    if (low || late) {
      this.say(`[WARNING] Tracking stopped: ${low ? 'the horizon' : 'the meridian'} limit is reached.`);
      this.halt();
      this.tell('Idle');
    }
  }

  private goto({ RA, DEC }: Values): undefined {
    const [ra, dec] = [Number(RA), Number(DEC)];
    // Dropped without a word, as the real simulator does.
    if (!(ra >= 0 && ra <= 24 && Math.abs(dec) <= 90))
      return this.drop(this.vector('EQUATORIAL_EOD_COORD'), '[ERROR] There is no such place in the sky.');
    if (this.parked || this.runs('park')) {
      this.say(unparkFirst);
      return this.tell('Idle');
    }
    const mode = onIn(this.vector('ON_COORD_SET'));
    if (mode === 'SYNC') return this.sync(ra, dec);
    const { minimumAltitudeDegrees } = this.observatory.mountOptions;
    const axes = this.axesFor(ra, dec, this.clock.now());
    if (minimumAltitudeDegrees !== null && altitudeOf(axes, this.mechanics.site) < minimumAltitudeDegrees)
      return this.refuse('EQUATORIAL_EOD_COORD', '[ERROR] The target is below the altitude limit.');
    const wasTracking = this.tracking;
    this.say(`[INFO] Slewing to RA: ${ra.toFixed(5)} - DEC: ${dec.toFixed(5)}`);
    this.update('TARGET_EOD_COORD', 'Ok', { RA: ra, DEC: dec });
    this.tell('Busy');
    this.begin('slew', async (signal) => {
      await this.slew((at) => this.axesFor(ra, dec, at), signal);
      if (mode === 'TRACK' || wasTracking) this.track();
      this.tell('Ok', '[INFO] Slew is complete.');
    });
  }

  /** The encoders for a reported place at a moment. */
  private axesFor(raHours: number, decDegrees: number, milliseconds: number): Axes {
    const hourAngle = this.mechanics.siderealDegrees(milliseconds) - raHours * 15 - this.offset.hourAngleDegrees;
    return { hourAngleDegrees: wrap(hourAngle, -180, 180), decDegrees: decDegrees - this.offset.decDegrees };
  }

  private async slew(target: (milliseconds: number) => Axes, signal: AbortSignal): Promise<void> {
    const { slewDegreesPerSecond } = this.observatory.mountOptions;
    const { hourAngleDegrees } = await slewAxes(this.mechanics, this.clock, slewDegreesPerSecond, target, signal);
    this.setPierSide(hourAngleDegrees >= 0 ? 'east' : 'west');
  }

  private setPierSide(side: 'east' | 'west'): undefined {
    this.mechanics.pierSide = side;
    this.update('TELESCOPE_PIER_SIDE', 'Ok', only(this.vector('TELESCOPE_PIER_SIDE'), `PIER_${side.toUpperCase()}`));
  }

  private sync(ra: number, dec: number): undefined {
    const now = this.clock.now();
    const axes = this.mechanics.axesAt(now);
    const wanted = this.mechanics.siderealDegrees(now) - ra * 15;
    this.offset.hourAngleDegrees = wrap(wanted - axes.hourAngleDegrees, -180, 180);
    this.offset.decDegrees = dec - axes.decDegrees;
    this.say('[INFO] Sync is successful.');
    this.tell('Ok');
    this.tell('Ok');
  }

  private abort(): undefined {
    const parking = this.runs('park');
    const [wasTracking, wasSlewing] = [this.tracking, this.runs('slew')];
    for (const task of ['slew', 'park', 'guide NS', 'guide WE']) this.end(task);
    this.release('EQUATORIAL_EOD_COORD', 'TELESCOPE_PARK', 'TELESCOPE_ABORT_MOTION');
    this.pulse = { WE: 0, NS: 0 };
    this.mechanics.run(0, 0);
    this.update('TELESCOPE_ABORT_MOTION', 'Ok', { ABORT: false });
    if (parking) this.update('TELESCOPE_PARK', 'Alert', { PARK: false, UNPARK: false });
    for (const name of ['TELESCOPE_MOTION_NS', 'TELESCOPE_MOTION_WE'])
      this.update(name, 'Idle', only(this.vector(name), null));
    this.tell('Idle', '[INFO] Slew/Track aborted.');
    if (!wasTracking) return;
    if (!wasSlewing) return this.showTracking(false);
    // A mount that tracked before the slew goes on with it, which looks like the success of the slew.
    this.begin('resume', async (signal) => {
      await this.clock.sleep(resumeMilliseconds, signal);
      this.track();
      this.tell('Ok');
    });
  }

  private track(): undefined {
    this.mechanics.run(...this.trackRate);
    this.showTracking(true);
  }

  private halt(): undefined {
    this.mechanics.run(0, 0);
    this.showTracking(false);
  }

  private showTracking(on: boolean): undefined {
    this.update('TELESCOPE_TRACK_STATE', on ? 'Busy' : 'Idle', { TRACK_ON: on, TRACK_OFF: !on });
  }

  private setTracking(on: boolean): undefined {
    this.end('resume');
    if (on && this.parked) {
      this.say(unparkFirst);
      return this.showTracking(false);
    }
    // During a slew the axes are the slew's.
    if (this.runs('slew')) return this.showTracking(on);
    if (on) this.track();
    else this.halt();
    this.tell(on ? 'Ok' : 'Idle');
  }

  private changeRate(name: string, wanted: Values): undefined {
    this.update(name, 'Ok', wanted);
    if (this.tracking && !this.runs('slew')) this.track();
  }

  /** Motion by hand: until the switch is off. */
  private nudge(name: string, wanted: Values): undefined {
    const direction = Object.keys(wanted).find((each) => wanted[each] === true);
    if (this.parked) {
      this.say(unparkFirst);
      return this.update(name, 'Idle', only(this.vector(name), null));
    }
    this.update(name, direction ? 'Busy' : 'Idle', wanted);
    const times = slewRates[onIn(this.vector('TELESCOPE_SLEW_RATE')) as keyof typeof slewRates];
    const speed = times * siderealDegreesPerSecond;
    const towards = (axis: string, plus: string, minus: string) =>
      this.value(axis, plus) ? speed : this.value(axis, minus) ? -speed : 0;
    const [ra, dec] = this.tracking ? this.trackRate : [0, 0];
    this.mechanics.run(
      ra + towards('TELESCOPE_MOTION_WE', 'MOTION_WEST', 'MOTION_EAST'),
      dec + towards('TELESCOPE_MOTION_NS', 'MOTION_NORTH', 'MOTION_SOUTH'),
    );
    this.tell(direction ? 'Busy' : this.tracking ? 'Ok' : 'Idle');
  }

  /** A pulse of the guider, milliseconds at the guide rate. */
  private guide(name: string, wanted: Values): undefined {
    const element = Object.keys(wanted).find((each) => Number(wanted[each]) > 0);
    const axis = name.slice(-2) as 'WE' | 'NS';
    if (!element || !this.tracking) return this.update(name, 'Idle', zeros(wanted));
    this.update(name, 'Busy', wanted);
    const sign = element === 'TIMED_GUIDE_N' || element === 'TIMED_GUIDE_W' ? 1 : -1;
    const speed = sign * this.number('GUIDE_RATE', `GUIDE_RATE_${axis}`) * siderealDegreesPerSecond;
    const [ra, dec] = this.trackRate;
    this.begin(`guide ${axis}`, async (signal) => {
      const end = this.clock.now() + Number(wanted[element]);
      this.pulse[axis] = speed;
      this.mechanics.run(ra + this.pulse.WE, dec + this.pulse.NS);
      await this.clock.sleep(end - this.clock.now(), signal);
      // The pulse is as long as it was asked for, however late this is.
      this.pulse[axis] = 0;
      this.mechanics.moveFrom(end, this.mechanics.axesAt(end), ra + this.pulse.WE, dec + this.pulse.NS);
      this.update(name, 'Idle', zeros(wanted));
    });
  }

  private park(): undefined {
    if (this.parked) return this.update('TELESCOPE_PARK', 'Ok', { PARK: true, UNPARK: false });
    this.end('slew');
    this.update('TELESCOPE_PARK', 'Busy', { PARK: true, UNPARK: false });
    this.tell('Busy', '[INFO] Parking telescope in progress...');
    const hourAngleDegrees = this.number('TELESCOPE_PARK_POSITION', 'PARK_HA') * 15;
    const decDegrees = this.number('TELESCOPE_PARK_POSITION', 'PARK_DEC');
    this.begin('park', async (signal) => {
      await this.slew(() => ({ hourAngleDegrees, decDegrees }), signal);
      this.parked = true;
      this.halt();
      this.tell('Idle');
      this.update('TELESCOPE_PARK', 'Ok', { PARK: true, UNPARK: false }, '[INFO] Mount is parked.');
    });
  }

  private unpark(): undefined {
    this.parked = false;
    this.update('TELESCOPE_PARK', 'Ok', { PARK: false, UNPARK: true });
    this.update('TELESCOPE_PARK', 'Ok', {}, '[INFO] Mount is unparked.');
  }

  private parkOption(wanted: Values): undefined {
    const { hourAngleDegrees, decDegrees } = this.mechanics.axesAt(this.clock.now());
    if (wanted.PARK_CURRENT)
      this.update('TELESCOPE_PARK_POSITION', 'Ok', { PARK_HA: hourAngleDegrees / 15, PARK_DEC: decDegrees });
    this.update('TELESCOPE_PARK_OPTION', 'Ok', only(this.vector('TELESCOPE_PARK_OPTION'), null));
  }

  private setErrors(wanted: Values): undefined {
    if (!this.adopt(this.vector('SIM_POINTING'), wanted)) return;
    Object.assign(this.mechanics.errors, {
      raArcminutes: wanted.RA_ERROR,
      decArcminutes: wanted.DEC_ERROR,
      periodicArcseconds: wanted.PERIODIC_ARCSEC,
      periodicSeconds: wanted.PERIODIC_SECONDS,
      polarAltitudeArcminutes: wanted.POLAR_ALTITUDE_ERROR,
      polarAzimuthArcminutes: wanted.POLAR_AZIMUTH_ERROR,
    });
  }
}
