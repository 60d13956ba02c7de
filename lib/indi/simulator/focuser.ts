/** The simulated focuser: as the real one it says nothing while it moves, unless told to; with play in its gears. */
import { type DeviceContext, SimulatedDevice } from './device.ts';
import type { FocusMechanics, Observatory } from './observatory.ts';
import { number, numbers, onIn, switches } from './vector.ts';
import type { Values } from './wish.ts';

const position = 'FOCUS_ABSOLUTE_POSITION';
const tellEveryMilliseconds = 250;

export class SimulatedIndiFocuser extends SimulatedDevice {
  private readonly drive: FocusMechanics;
  private readonly observatory: Observatory;

  constructor(name: string, context: DeviceContext, observatory: Observatory) {
    super(name, { executable: 'indi_simulator_focus', interface: 8 }, context);
    this.observatory = observatory;
    this.drive = observatory.focuser;
    const { maximum, tellsBusy } = this.drive.options;
    this.add(
      numbers('ABS_FOCUS_POSITION', [number(position, this.drive.position, 0, maximum, 1000, '%.f')]),
      (wanted) => this.moveTo(Number(wanted[position]), 'ABS_FOCUS_POSITION'),
    );
    this.add(
      numbers('REL_FOCUS_POSITION', [number('FOCUS_RELATIVE_POSITION', 0, 0, maximum / 2, 1000, '%.f')]),
      (wanted) => this.moveBy(wanted),
    );
    this.add(switches('FOCUS_MOTION', ['FOCUS_INWARD', 'FOCUS_OUTWARD'], ['FOCUS_INWARD']));
    this.add(
      numbers('FOCUS_MAX', [number('FOCUS_MAX_VALUE', maximum, 1000, 1e6, 10_000, '%.f')], { permission: 'ro' }),
    );
    this.add(numbers('FOCUS_SPEED', [number('FOCUS_SPEED_VALUE', 1, 1, 5, 1, '%.f')]));
    this.add(
      numbers('FOCUS_TEMPERATURE', [number('TEMPERATURE', observatory.camera.ambientCelsius, -50, 50)], {
        permission: 'ro',
      }),
    );
    this.add(numbers('FWHM', [number('SIM_FWHM', this.fwhm(), 0, 60)], { permission: 'ro', group: 'Simulator' }));
    this.add(numbers('DELAY', [number('DELAY_VALUE', this.drive.options.microsecondsPerStep, 1, 100_000, 100, '%.f')]));
    this.add(
      numbers('FOCUS_SYNC', [number('FOCUS_SYNC_VALUE', this.drive.position, 0, maximum, 1000, '%.f')]),
      ({ FOCUS_SYNC_VALUE }) => {
        this.drive.relabel(Number(FOCUS_SYNC_VALUE));
        this.update('FOCUS_SYNC', 'Ok', { FOCUS_SYNC_VALUE: this.drive.position });
        this.update('ABS_FOCUS_POSITION', 'Ok', { [position]: this.drive.position });
      },
    );
    // The real simulator can't be stopped, since it tells nothing on its way.
    if (tellsBusy) this.add(switches('FOCUS_ABORT_MOTION', ['ABORT'], [], { rule: 'AtMostOne' }), () => this.abort());
  }

  private moveBy({ FOCUS_RELATIVE_POSITION }: Values): undefined {
    const steps = Number(FOCUS_RELATIVE_POSITION);
    const sign = onIn(this.vector('FOCUS_MOTION')) === 'FOCUS_INWARD' ? -1 : 1;
    this.update('REL_FOCUS_POSITION', null, { FOCUS_RELATIVE_POSITION });
    this.moveTo(this.drive.position + sign * steps, 'REL_FOCUS_POSITION');
  }

  private moveTo(target: number, asked: string): undefined {
    const { drive } = this;
    const { maximum, tellsBusy } = drive.options;
    if (target < 0 || target > maximum)
      return this.refuse(asked, `[ERROR] Requested position ${target} is out of range (0 to ${maximum}).`);
    const busy = tellsBusy || asked === 'REL_FOCUS_POSITION';
    if (busy) for (const name of new Set([asked, 'ABS_FOCUS_POSITION'])) this.update(name, 'Busy');
    this.begin('move', async (signal) => {
      const from = drive.position;
      const started = this.clock.now();
      const milliseconds = (Math.abs(target - from) * this.number('DELAY', 'DELAY_VALUE')) / 1000;
      for (let left = milliseconds; left > 0; left = started + milliseconds - this.clock.now()) {
        await this.clock.sleep(Math.min(left, tellEveryMilliseconds), signal);
        const part = Math.min(1, (this.clock.now() - started) / milliseconds);
        drive.moveTo(Math.round(from + (target - from) * part));
        if (tellsBusy && part < 1) this.update('ABS_FOCUS_POSITION', 'Busy', { [position]: drive.position });
      }
      drive.moveTo(target);
      this.update('FWHM', null, { SIM_FWHM: this.fwhm() });
      if (asked === 'REL_FOCUS_POSITION') this.update('REL_FOCUS_POSITION', 'Ok');
      this.update('ABS_FOCUS_POSITION', 'Ok', { [position]: target });
    });
  }

  private abort(): undefined {
    this.end('move');
    this.release('ABS_FOCUS_POSITION', 'REL_FOCUS_POSITION');
    this.update('FOCUS_ABORT_MOTION', 'Ok', { ABORT: false });
    this.update('ABS_FOCUS_POSITION', 'Idle', { [position]: this.drive.position });
    if (this.vector('REL_FOCUS_POSITION').state === 'Busy') this.update('REL_FOCUS_POSITION', 'Idle');
  }

  /** Arcseconds. */
  private fwhm(): number {
    const { camera, optics, conditions } = this.observatory;
    const pixel = (206.265 * camera.pixelSizeMicrometres) / optics.focalLengthMillimetres;
    return Math.hypot(conditions.seeingArcseconds, this.drive.defocusPixels * pixel);
  }
}
