import { afterEach, describe, expect, it } from 'vitest';
import { type InputTable, readConfiguration, readSettings } from '../../nodes/inputs.ts';
import { startFlow, stopFlow } from './harness.ts';

afterEach(stopFlow);

const table = {
  exposure: { type: 'number', label: 'exposure', default: 5, minimum: 0.1, maximum: 60, unit: 's' },
  count: { type: 'number', label: 'number of frames', default: null, minimum: 1, integer: true },
  prefix: { type: 'text', label: 'prefix', default: 'night' },
  loud: { type: 'boolean', label: 'loudness', default: false },
  mode: { type: 'choice', label: 'mode', choices: ['max', 'min'], default: 'max' },
} as const satisfies InputTable;

async function read(config: Record<string, unknown>, msg: Record<string, unknown> = {}) {
  const running = await startFlow([], [{ id: 'n', type: 'helper', wires: [] }]);
  const node = running.node('n');
  node.context().flow.set('seconds', 7);
  node.context().global.set('mode', 'min');
  return readSettings(running.RED, node, config, table, { _msgid: 'x', ...msg });
}

describe('where a setting comes from', () => {
  it('is the default, where nothing is said', async () => {
    const defaults = { exposure: 5, count: null, prefix: 'night', loud: false, mode: 'max' };
    expect(await read({})).toEqual(defaults);
    expect(await read({ exposure: '', count: null, prefix: undefined }, { mode: null })).toEqual(defaults);
  });

  it("is the node's own, as the editor stores it", async () => {
    expect(await read({ exposure: '2.5', exposureType: 'num', count: 3, loud: 'true', mode: 'min' })).toEqual({
      exposure: 2.5,
      count: 3,
      prefix: 'night',
      loud: true,
      mode: 'min',
    });
  });

  it('is a message, flow, global or environment value, or an expression', async () => {
    process.env.NIGHTFLOW_TEST_COUNT = '12';
    const config = {
      exposure: 'seconds',
      exposureType: 'flow',
      count: 'NIGHTFLOW_TEST_COUNT',
      countType: 'env',
      prefix: 'camera.name',
      prefixType: 'msg',
      loud: '1 < 2',
      loudType: 'jsonata',
      mode: 'mode',
      modeType: 'global',
    };
    expect(await read(config, { camera: { name: 'roof' } })).toEqual({
      exposure: 7,
      count: 12,
      prefix: 'roof',
      loud: true,
      mode: 'min',
    });
  });

  it('is the message first of all', async () => {
    expect(await read({ exposure: '2', mode: 'min' }, { exposure: '9', mode: 'max' })).toMatchObject({
      exposure: 9,
      mode: 'max',
    });
  });
});

describe('a wrong value', () => {
  it.each([
    [{ exposure: 'long' }, 'The exposure must be a number, not "long".'],
    [{ exposure: 0 }, 'The exposure must be between 0.1 and 60 s, not "0".'],
    [{ exposure: Number.NaN }, 'The exposure must be a number, not "NaN".'],
    [{ exposure: {} }, 'The exposure must be a number, not "{}".'],
    [{ count: 1.5 }, 'The number of frames must be a whole number, not "1.5".'],
    [{ count: 0 }, 'The number of frames must be at least 1, not "0".'],
    [{ loud: 'perhaps' }, 'The loudness must be true or false, not "perhaps".'],
    [{ mode: 'mean' }, 'The mode must be one of max, min, not "mean".'],
    [{ prefix: { a: 1 } }, 'The prefix must be a text, not "{"a":1}".'],
    [{ prefix: 'ok', mode: 'x'.repeat(500) }, `not "${'x'.repeat(60)}".`],
  ])('is refused by name, value and range (%#)', (config, message) => {
    expect(() => readConfiguration(config, table)).toThrow(message);
    try {
      readConfiguration(config, table);
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad-input' });
    }
  });

  it('in an expression says which', async () => {
    await expect(read({ exposure: '$nonsense(', exposureType: 'jsonata' })).rejects.toThrow(
      "jsonata $nonsense( can't be read: Expected",
    );
  });
});
