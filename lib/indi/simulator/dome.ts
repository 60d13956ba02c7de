/** The simulated dome: turns, opens its shutter, and says that it is parked before the shutter is closed, as the real simulator. */
import { type DeviceContext, SimulatedDevice } from './device.ts';
import type { Observatory } from './observatory.ts';
import { number, numbers, switches } from './vector.ts';
import type { Values } from './wish.ts';

const azimuth = 'DOME_ABSOLUTE_POSITION';
const degreesPerSecond = 10;
const shutterMilliseconds = 5000;
const tellEveryMilliseconds = 1000;

export class SimulatedDome extends SimulatedDevice {
  private readonly dome: Observatory['dome'];

  constructor(name: string, context: DeviceContext, { dome }: Observatory) {
    super(name, { executable: 'indi_simulator_dome', interface: 32 }, context);
    this.dome = dome;
    this.add(numbers('ABS_DOME_POSITION', [number(azimuth, dome.azimuthDegrees, 0, 360, 1, '%6.2f')]), (wanted) =>
      this.turn(Number(wanted[azimuth])),
    );
    this.add(numbers('REL_DOME_POSITION', [number('DOME_RELATIVE_POSITION', 0, -180, 180, 10, '%6.2f')]), (wanted) => {
      this.update('REL_DOME_POSITION', 'Ok', wanted);
      this.turn((dome.azimuthDegrees + Number(wanted.DOME_RELATIVE_POSITION) + 360) % 360);
    });
    this.add(
      switches('DOME_SHUTTER', ['SHUTTER_OPEN', 'SHUTTER_CLOSE'], [dome.open ? 'SHUTTER_OPEN' : 'SHUTTER_CLOSE']),
      ({ SHUTTER_OPEN }) => this.shutter(SHUTTER_OPEN === true),
    );
    this.add(switches('DOME_PARK', ['PARK', 'UNPARK'], ['UNPARK']), (wanted) => this.park(wanted));
    this.add(numbers('DOME_PARK_POSITION', [number('PARK_AZ', 90, 0, 360, 1, '%6.2f')], { group: 'Site Management' }));
    this.add(
      switches('DOME_SHUTTER_PARK_POLICY', ['SHUTTER_CLOSE_ON_PARK', 'SHUTTER_OPEN_ON_UNPARK'], [], {
        group: 'Options',
        rule: 'AnyOfMany',
      }),
    );
    this.add(switches('DOME_ABORT_MOTION', ['ABORT'], [], { rule: 'AtMostOne' }), () => this.abort());
    this.add(switches('MOUNT_POLICY', ['MOUNT_IGNORED', 'MOUNT_LOCKS'], ['MOUNT_IGNORED'], { group: 'Options' }));
  }

  private turn(target: number, then: () => void = () => {}): undefined {
    if (!(target >= 0 && target <= 360))
      return this.refuse('ABS_DOME_POSITION', '[ERROR] The azimuth is out of range.');
    this.update('ABS_DOME_POSITION', 'Busy');
    this.begin('turn', async (signal) => {
      const way = ((((target - this.dome.azimuthDegrees) % 360) + 540) % 360) - 180;
      const from = this.dome.azimuthDegrees;
      const started = this.clock.now();
      const milliseconds = (Math.abs(way) / degreesPerSecond) * 1000;
      for (let left = milliseconds; left > 0; left = started + milliseconds - this.clock.now()) {
        await this.clock.sleep(Math.min(left, tellEveryMilliseconds), signal);
        const part = Math.min(1, (this.clock.now() - started) / milliseconds);
        this.dome.azimuthDegrees = (from + way * part + 360) % 360;
        if (part < 1) this.update('ABS_DOME_POSITION', 'Busy', { [azimuth]: this.dome.azimuthDegrees });
      }
      this.update('ABS_DOME_POSITION', 'Ok', { [azimuth]: this.dome.azimuthDegrees });
      then();
    });
  }

  private shutter(open: boolean): undefined {
    this.update('DOME_SHUTTER', 'Busy', { SHUTTER_OPEN: open, SHUTTER_CLOSE: !open });
    // Half open is open for the rain.
    this.dome.open = true;
    this.begin('shutter', async (signal) => {
      await this.clock.sleep(shutterMilliseconds, signal);
      this.dome.open = open;
      this.update('DOME_SHUTTER', 'Ok', { SHUTTER_OPEN: open, SHUTTER_CLOSE: !open });
    });
  }

  private park(wanted: Values): undefined {
    const follows = (policy: string) => this.value('DOME_SHUTTER_PARK_POLICY', policy) === true;
    if (wanted.PARK) {
      this.update('DOME_PARK', 'Busy', wanted);
      if (follows('SHUTTER_CLOSE_ON_PARK')) this.shutter(false);
      this.turn(this.number('DOME_PARK_POSITION', 'PARK_AZ'), () => this.update('DOME_PARK', 'Ok'));
    } else {
      this.update('DOME_PARK', 'Ok', wanted);
      if (follows('SHUTTER_OPEN_ON_UNPARK')) this.shutter(true);
    }
  }

  private abort(): undefined {
    const [turning, moving] = [this.runs('turn'), this.runs('shutter')];
    this.end('turn');
    this.end('shutter');
    this.release('ABS_DOME_POSITION', 'DOME_SHUTTER', 'DOME_PARK');
    this.update('DOME_ABORT_MOTION', 'Ok', { ABORT: false });
    if (turning) this.update('ABS_DOME_POSITION', 'Alert', { [azimuth]: this.dome.azimuthDegrees });
    if (moving) this.update('DOME_SHUTTER', 'Alert', { SHUTTER_OPEN: false, SHUTTER_CLOSE: false });
    if (this.vector('DOME_PARK').state === 'Busy') this.update('DOME_PARK', 'Alert', { PARK: false, UNPARK: false });
  }
}
