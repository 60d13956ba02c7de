/** The cooler of the simulated CCD: a ramp down or up, and the sensor's way back to the air's temperature without it. */
import type { Clock } from '../../clock/clock.ts';
import type { PropertyState } from '../protocol/message.ts';
import type { Observatory } from './observatory.ts';
import type { Values } from './wish.ts';

/** What the cooler needs of its camera. */
interface CoolerHost {
  clock: Clock;
  number(property: string, element: string): number;
  update(name: string, state: PropertyState | null, values?: Values, message?: string | null): void;
  begin(task: string, work: (signal: AbortSignal) => Promise<void>): void;
  refuse(property: string, reason: string): undefined;
}

const stepMilliseconds = 1000;
/** The real driver is Busy for so long after the target is reached. */
const settleMilliseconds = 5000;
/** Below the air's, which no power can cross. */
const deepestCooling = 45;

export class Cooler {
  private readonly observatory: Observatory;
  private readonly host: CoolerHost;

  constructor(observatory: Observatory, host: CoolerHost) {
    this.observatory = observatory;
    this.host = host;
  }

  coolTo(target: number): undefined {
    const { host } = this;
    if (!(target >= -50 && target <= 50))
      return host.refuse('CCD_TEMPERATURE', `[ERROR] A temperature of ${target} °C is out of range (-50 to 50).`);
    host.update('CCD_COOLER', 'Busy', { COOLER_ON: true, COOLER_OFF: false });
    this.tell('Busy');
    host.begin('cooler', async (signal) => {
      const reachable = Math.max(target, this.observatory.camera.ambientCelsius - deepestCooling);
      await this.go(reachable, this.celsiusPerSecond(), 'Busy', signal);
      if (reachable > target) return;
      await host.clock.sleep(settleMilliseconds, signal);
      this.tell('Ok');
    });
  }

  on(): undefined {
    this.coolTo(this.observatory.sensorCelsius);
  }

  off(): undefined {
    this.host.update('CCD_COOLER', 'Idle', { COOLER_ON: false, COOLER_OFF: true });
    this.host.update('CCD_COOLER_POWER', 'Idle', { CCD_COOLER_VALUE: 0 });
    this.tell('Idle');
    const { ambientCelsius, coolingCelsiusPerSecond } = this.observatory.camera;
    this.host.begin('cooler', (signal) => this.go(ambientCelsius, coolingCelsiusPerSecond / 2, 'Idle', signal));
  }

  /** The camera's own limit, or the slower ramp that was asked for (°C a minute). */
  private celsiusPerSecond(): number {
    const ramp = this.host.number('CCD_TEMP_RAMP', 'RAMP_SLOPE') / 60;
    const own = this.observatory.camera.coolingCelsiusPerSecond;
    return ramp > 0 ? Math.min(ramp, own) : own;
  }

  private async go(target: number, rate: number, state: PropertyState, signal: AbortSignal): Promise<void> {
    const { clock } = this.host;
    const from = this.observatory.sensorCelsius;
    const started = clock.now();
    while (this.observatory.sensorCelsius !== target) {
      const left = Math.abs(target - this.observatory.sensorCelsius) / rate;
      await clock.sleep(Math.min(stepMilliseconds, left * 1000 + 1), signal);
      const gone = Math.min(Math.abs(target - from), ((clock.now() - started) / 1000) * rate);
      this.observatory.sensorCelsius =
        gone >= Math.abs(target - from) ? target : from + Math.sign(target - from) * gone;
      this.tell(state);
    }
  }

  private tell(state: PropertyState): undefined {
    const { sensorCelsius, camera } = this.observatory;
    this.host.update('CCD_TEMPERATURE', state, { CCD_TEMPERATURE_VALUE: sensorCelsius });
    if (state === 'Idle') return;
    const power = Math.max(0, Math.min(100, ((camera.ambientCelsius - sensorCelsius) / deepestCooling) * 100));
    this.host.update('CCD_COOLER_POWER', 'Ok', { CCD_COOLER_VALUE: Math.round(power) });
  }
}
