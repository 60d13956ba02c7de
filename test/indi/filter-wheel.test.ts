/** Our filter wheel on the simulated one: names, slots, what is in already, a driver that answers nothing. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IndiFilterWheel } from '../../lib/indi/devices/filter-wheel.ts';
import { numberOf } from '../../lib/indi/property.ts';
import { names, type SimulatedWorld, simulatedWorld } from './simulator-world.ts';

let world: SimulatedWorld;
let wheel: IndiFilterWheel;
beforeEach(async () => {
  world = await simulatedWorld(['wheel']);
  wheel = await new IndiFilterWheel(world.client, names.wheel).ready();
});
afterEach(() => world.end());
const slot = () => numberOf(world.client.store.property(names.wheel, 'FILTER_SLOT'), 'FILTER_SLOT_VALUE');

describe('a filter wheel', () => {
  it('has the filters of its driver in the order of the slots', () => {
    expect(wheel.filters()).toHaveLength(8);
    expect(wheel.filters()[3]).toEqual({ slot: 4, name: 'H_Alpha' });
    expect(wheel.current()).toEqual({ slot: 1, name: 'Red' });
  });

  it('turns a filter in by name or slot', async () => {
    expect(await wheel.select('  sii ')).toEqual({ slot: 5, name: 'SII' });
    expect(slot()).toBe(5);
    expect(await wheel.select(2)).toEqual({ slot: 2, name: 'Green' });
    expect(await wheel.select('8')).toEqual({ slot: 8, name: 'Luminance' });
    expect(wheel.current()).toEqual({ slot: 8, name: 'Luminance' });
  });

  it('sends nothing for the filter that is in: drivers do not answer that', async () => {
    const from = world.client.store.revision;
    expect(await wheel.select('red')).toEqual({ slot: 1, name: 'Red' });
    expect(world.client.store.revision).toBe(from);
  });

  it('takes a name before a slot that is written the same, and slots without names', async () => {
    const values = { FILTER_SLOT_NAME_1: '3', FILTER_SLOT_NAME_2: ' ' };
    await world.client.command({ device: names.wheel, property: 'FILTER_NAME', values });
    await expect.poll(() => wheel.filters()[1]!.name).toBe('Filter 2');
    expect(wheel.find('3')).toEqual({ slot: 1, name: '3' });
    expect(wheel.find(3)).toEqual({ slot: 3, name: 'Blue' });
    expect(wheel.find('filter 2').slot).toBe(2);
  });

  it('refuses what is not there, naming what is', async () => {
    await expect(wheel.select('UV')).rejects.toMatchObject({
      code: 'bad-input',
      remedy: expect.stringContaining('4 H_Alpha'),
    });
    await expect(wheel.select(9)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(wheel.select(0)).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('says why when the driver refuses, drops it, or ends', async () => {
    world.simulator.faults.add({ kind: 'no-reply', device: names.wheel, property: 'FILTER_SLOT' });
    await expect(wheel.select(3)).rejects.toMatchObject({ code: 'rejected' });
    world.simulator.faults.add({ kind: 'crash', device: names.wheel, property: 'FILTER_SLOT' });
    await expect(wheel.select(3)).rejects.toMatchObject({ code: 'lost' });
  });

  it('stops waiting when it is aborted', async () => {
    world.simulator.faults.add({ kind: 'busy-forever', device: names.wheel, property: 'FILTER_SLOT' });
    const stop = new AbortController();
    const turn = expect(wheel.select(6, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
    await expect.poll(() => wheel.turning, { timeout: 10_000 }).toBe(true);
    stop.abort();
    await turn;
  });

  it('turns to the last filter asked for, whoever asked for another before', async () => {
    const { client } = world;
    const elements = [{ name: 'FILTER_SLOT_VALUE', value: 4 }];
    client.send({ tag: 'new', type: 'number', device: names.wheel, name: 'FILTER_SLOT', timestamp: null, elements });
    await Promise.all([wheel.select(6), wheel.select(7)]);
    expect(slot()).toBe(7);
  });
});

it('says what is no filter wheel', async () => {
  const other = await simulatedWorld(['focuser']);
  try {
    const stop = new AbortController();
    const wait = new IndiFilterWheel(other.client, names.focuser).ready(stop.signal);
    stop.abort();
    await expect(wait).rejects.toMatchObject({ code: 'aborted' });
    expect(() => new IndiFilterWheel(other.client, names.focuser).filters()).toThrow('is not there');
  } finally {
    await other.end();
  }
});
