/** The cooler of a camera on an INDI server: to a temperature and back to the air's in a ramp of our own, slow enough for the sensor. */
import type { Clock } from '../../clock/clock.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../../process/errors.ts';
import type { IndiClient } from '../client.ts';
import { requireOk } from '../command.ts';
import { alertIn, confirmationOf, done, type Judge, switched, updatesOf } from '../completion.ts';
import { elementValue, type IndiProperty, isOn, numberOf } from '../property.ts';

export interface CoolerReading {
  /** Of the sensor; null when the camera does not say. */
  temperatureCelsius: number | null;
  /** null where the driver has no reading. */
  powerPercent: number | null;
  /** null where the driver can't tell. */
  on: boolean | null;
}

export interface RampProgress extends CoolerReading {
  phase: 'cooling' | 'warming' | 'settling';
  /** Where it goes in the end, and where the ramp has brought the set point. */
  targetCelsius: number;
  setpointCelsius: number;
}

export interface RampOptions {
  /** °C a minute; null: as fast as the camera does. */
  rampCelsiusPerMinute: number | null;
  toleranceCelsius: number;
  /** It counts as reached when it stayed within the tolerance for so long. */
  holdSeconds: number;
  /** How long it may take beyond the time of the ramp, s. */
  patienceSeconds: number;
  onProgress?: (progress: RampProgress) => void;
  signal?: AbortSignal;
}

export interface RampResult extends CoolerReading {
  /** 'degraded': the night can go on, but not at the temperature that was asked for. */
  outcome: 'reached' | 'degraded';
  /** A sentence; empty when reached. */
  reason: string;
  seconds: number;
}

const temperature = { property: 'CCD_TEMPERATURE', element: 'CCD_TEMPERATURE_VALUE' } as const;
const lane = 'cooler';
const definitionSeconds = 15;
const lookMilliseconds = 1000;
/** The set point does not run further ahead of the sensor than this: a cooler that lags would be told to hurry at the end. */
const longestLeadCelsius = 2;
/** A cooler that needs less than this holds the temperature of the air. */
const idlePercent = 1;

export class IndiCooler {
  private readonly client: IndiClient;
  readonly device: string;

  /** Of a device that is connected already. */
  constructor(client: IndiClient, device: string) {
    this.client = client;
    this.device = device;
  }

  /** Resolves when its temperature is defined. @throws unsupported when there is nothing to be set; aborted */
  async ready(signal?: AbortSignal): Promise<this> {
    const options = { timeoutSeconds: definitionSeconds, signal };
    const property = await this.client.waitForProperty(this.device, temperature.property, options).catch((cause) => {
      throwIfAborted(signal);
      throw new NightflowError('unsupported', `${this.device} has no cooler.`, { cause });
    });
    if (property.permission === 'ro')
      throw new NightflowError('unsupported', `${this.device} has a thermometer, but no cooler.`);
    return this;
  }

  /** @throws lost */
  reading(): CoolerReading {
    const sensor = this.require();
    const power = this.find('CCD_COOLER_POWER');
    const cooler = this.find('CCD_COOLER');
    return {
      temperatureCelsius: numberOf(sensor, temperature.element),
      powerPercent: numberOf(power, power?.elements.keys().next().value ?? ''),
      on: elementValue(cooler, 'COOLER_ON') === null ? null : isOn(cooler, 'COOLER_ON'),
    };
  }

  /**
   * Brings the sensor to a temperature and leaves the cooler on. What can't be reached in time is a result, not an error.
   * @throws bad-input, unsupported, rejected, lost, aborted (the set point stays where the ramp was)
   */
  async coolTo(targetCelsius: number, options: RampOptions): Promise<RampResult> {
    this.check(targetCelsius);
    return this.ramp(targetCelsius, options, () => false);
  }

  /**
   * Warms the sensor up to a temperature, or to that of the air, which shows by a cooler that needs no power; then switches the
   * cooler off, also when it was not reached in time. @throws as coolTo
   */
  async warmUp(endCelsius: number, options: RampOptions): Promise<RampResult> {
    const { temperatureCelsius, on } = this.reading();
    // A cooler that is off must not be switched on by a set point.
    if (on === false) return { ...this.reading(), outcome: 'reached', reason: '', seconds: 0 };
    if (temperatureCelsius !== null && temperatureCelsius >= endCelsius) {
      await this.off(options.signal);
      return { ...this.reading(), outcome: 'reached', reason: '', seconds: 0 };
    }
    this.check(endCelsius);
    const aired = ({ powerPercent }: CoolerReading) => powerPercent !== null && powerPercent <= idlePercent;
    const result = await this.ramp(endCelsius, options, aired);
    await this.off(options.signal);
    return { ...result, ...this.reading() };
  }

  /** At once. @throws rejected, timeout, lost, aborted; nothing where there is no switch */
  async off(signal?: AbortSignal): Promise<void> {
    const property = 'CCD_COOLER';
    if (!this.find(property)) return;
    const { device } = this;
    const request = { device, property, values: { COOLER_OFF: true }, judge: switched(property, 'COOLER_OFF') };
    requireOk(await this.client.command({ ...request, lane, timeoutSeconds: 30, signal }));
  }

  private async ramp(
    target: number,
    options: RampOptions,
    isThere: (reading: CoolerReading) => boolean,
  ): Promise<RampResult> {
    const { clock } = this.client;
    const { rampCelsiusPerMinute, toleranceCelsius, holdSeconds, patienceSeconds, signal } = options;
    const from = this.reading().temperatureCelsius;
    const slope =
      rampCelsiusPerMinute !== null && rampCelsiusPerMinute > 0 && from !== null ? rampCelsiusPerMinute : null;
    const travel = from === null ? 0 : Math.abs(target - from);
    const started = clock.now();
    const limitSeconds = patienceSeconds + holdSeconds + (slope === null ? 0 : (travel / slope) * 60);
    if (slope !== null) await this.tellRamp(slope, signal);
    const phase = from !== null && target > from ? 'warming' : 'cooling';
    const steps = new SetPoints(clock, from ?? target, target, slope);
    let within: number | null = null;
    for (;;) {
      const step = steps.next(this.reading().temperatureCelsius);
      if (step !== null) await this.aim(step, signal);
      const reading = this.reading();
      const { temperatureCelsius: now } = reading;
      const near = steps.atEnd && now !== null && Math.abs(now - target) <= toleranceCelsius;
      within = near ? (within ?? clock.now()) : null;
      const seconds = (clock.now() - started) / 1000;
      options.onProgress?.({
        ...reading,
        phase: near ? 'settling' : phase,
        targetCelsius: target,
        setpointCelsius: steps.setpoint,
      });
      const held = within !== null && clock.now() - within >= holdSeconds * 1000;
      // The power of a ramp that has only just begun says nothing.
      if (held || (seconds > 5 && isThere(reading))) return { ...reading, outcome: 'reached', reason: '', seconds };
      if (seconds > limitSeconds) {
        const shown = now === null ? 'an unknown temperature' : `${now.toFixed(1)} °C`;
        const power = reading.powerPercent === null ? '' : ` with ${Math.round(reading.powerPercent)} % of its power`;
        const reason = `${this.device} is at ${shown} instead of ${target} °C after ${Math.round(seconds / 60)} min${power}.`;
        return { ...reading, outcome: 'degraded', reason, seconds };
      }
      await clock.sleep(lookMilliseconds, signal).catch((thrown) => {
        throw asNightflowError(thrown);
      });
    }
  }

  /** Drivers that ramp by themselves are told to be as fast; many ignore it, so the set point goes in steps of ours anyway. */
  private async tellRamp(slope: number, signal: AbortSignal | undefined): Promise<void> {
    const [property, element] = ['CCD_TEMP_RAMP', 'RAMP_SLOPE'];
    const known = this.find(property);
    const { maximum = 0, minimum = 0 } = known?.elements.get(element) ?? {};
    const wanted = maximum > minimum ? Math.min(maximum, Math.max(minimum, slope)) : slope;
    if (!known?.elements.has(element) || known.permission === 'ro' || numberOf(known, element) === wanted) return;
    const request = { device: this.device, property, values: { [element]: wanted }, lane, timeoutSeconds: 10, signal };
    await this.client.command(request);
    throwIfAborted(signal);
  }

  private async aim(celsius: number, signal: AbortSignal | undefined): Promise<void> {
    const { property, element } = temperature;
    const request = { device: this.device, property, values: { [element]: celsius }, judge: taken };
    requireOk(await this.client.command({ ...request, lane, timeoutSeconds: 30, signal }));
  }

  /** @throws bad-input, lost */
  private check(celsius: number): void {
    const { minimum = 0, maximum = 0 } = this.require().elements.get(temperature.element) ?? {};
    const possible = Number.isFinite(celsius) && !(maximum > minimum && (celsius < minimum || celsius > maximum));
    if (!possible)
      throw new NightflowError('bad-input', `${this.device} can't be brought to ${celsius} °C.`, {
        remedy: maximum > minimum ? `It takes ${minimum} to ${maximum} °C.` : 'Give a number.',
      });
  }

  private find(name: string): IndiProperty | undefined {
    return this.client.store.property(this.device, name);
  }

  private require(): IndiProperty {
    const property = this.find(temperature.property);
    if (property) return property;
    throw new NightflowError('lost', `The cooler of ${this.device} is not there.`, {
      remedy: 'Check the INDI server and whether the camera is connected.',
    });
  }
}

/** The set point of a ramp: whole degrees, since many cameras know no others, ahead of the sensor but never far. */
class SetPoints {
  setpoint: number;
  private readonly clock: Clock;
  private readonly target: number;
  private readonly slope: number | null;
  private dueAt = Number.NEGATIVE_INFINITY;
  private began = false;

  constructor(clock: Clock, from: number, target: number, slope: number | null) {
    this.clock = clock;
    this.setpoint = from;
    this.target = target;
    this.slope = slope;
  }

  get atEnd(): boolean {
    return this.began && this.setpoint === this.target;
  }

  /** The next set point when it is time for it, else null. */
  next(sensor: number | null): number | null {
    const { target, slope, clock, setpoint } = this;
    if (this.atEnd || clock.now() < this.dueAt) return null;
    if (this.began && sensor !== null && Math.abs(sensor - setpoint) > longestLeadCelsius) return null;
    const down = target < setpoint;
    const whole = down ? Math.ceil(setpoint) - 1 : Math.floor(setpoint) + 1;
    const next = slope === null ? target : down ? Math.max(target, whole) : Math.min(target, whole);
    if (slope !== null) this.dueAt = clock.now() + (Math.abs(next - setpoint) / slope) * 60_000;
    this.began = true;
    this.setpoint = next;
    return next;
  }
}

/** The set point is taken at once and reached in minutes: Busy will do. */
const taken: Judge = (history) => {
  const { property } = temperature;
  const alert = alertIn(history, property);
  const heard = updatesOf(history, property).length > 0 || confirmationOf(history, property) !== undefined;
  return alert ?? (heard ? done : 'waiting');
};
