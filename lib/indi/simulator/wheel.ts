/** The simulated filter wheel: half a second for a change, and the old slot is shown until then. */
import { type DeviceContext, SimulatedDevice } from './device.ts';
import type { Observatory } from './observatory.ts';
import { number, numbers, texts } from './vector.ts';

export const filterNames = ['Red', 'Green', 'Blue', 'H_Alpha', 'SII', 'OIII', 'LPR', 'Luminance'] as const;
const changeMilliseconds = 500;

export class SimulatedWheel extends SimulatedDevice {
  constructor(name: string, context: DeviceContext, observatory: Observatory) {
    super(name, { executable: 'indi_simulator_wheel', interface: 16 }, context);
    const slots = filterNames.length;
    this.add(
      numbers('FILTER_SLOT', [number('FILTER_SLOT_VALUE', observatory.filterSlot, 1, slots, 1, '%.f')]),
      ({ FILTER_SLOT_VALUE }) => {
        const slot = Math.round(Number(FILTER_SLOT_VALUE));
        if (slot < 1 || slot > slots)
          return this.refuse('FILTER_SLOT', `[ERROR] Filter ${slot} is not between 1 and ${slots}.`);
        this.update('FILTER_SLOT', 'Busy');
        this.begin('change', async (signal) => {
          await this.clock.sleep(changeMilliseconds, signal);
          observatory.filterSlot = slot;
          this.update('FILTER_SLOT', 'Ok', { FILTER_SLOT_VALUE: slot });
        });
      },
    );
    this.add(
      texts('FILTER_NAME', Object.fromEntries(filterNames.map((each, at) => [`FILTER_SLOT_NAME_${at + 1}`, each])), {
        group: 'Filter',
      }),
    );
  }
}
