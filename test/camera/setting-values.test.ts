/** Settings in a row, on the simulated camera and on one that snaps, refuses and forgets as real ones do. */
import { describe, expect, it } from 'vitest';
import type { Camera, SettingDescription, SettingValue } from '../../lib/camera/camera.ts';
import { findProfile, readProfiles, readWanted } from '../../lib/camera/setting-profiles.ts';
import { applySettings, listSettings, readSettingValues } from '../../lib/camera/setting-values.ts';
import { simulatorBackend } from '../../lib/camera/simulator.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { NightflowError } from '../../lib/process/errors.ts';

const simulated = async (): Promise<Camera> => {
  const camera = simulatorBackend.create({ sensor: 'demo' }, { clock: realClock, site: null });
  await camera.open();
  return camera;
};

const descriptions: SettingDescription[] = [
  { name: 'mode', label: 'Mode', type: 'choice', choices: ['auto', 'manual'] },
  { name: 'iso', label: 'ISO', type: 'choice', choices: ['100', '200', '1600'] },
  { name: 'gain', label: 'Gain', type: 'number', minimum: 0, maximum: 60, step: 10, unit: 'dB' },
  { name: 'frame', label: 'Frame', type: 'text' },
  { name: 'fan', label: 'Fan', type: 'boolean' },
  { name: 'celsius', label: 'Temperature', type: 'number', readOnly: true },
  { name: 'target', label: 'Target', type: 'number' },
];

/** Gains in steps of ten, a busy ISO in the mode auto, a mode that sets the fan, a temperature that takes its time. */
function moody(): Camera & { values: Record<string, SettingValue> } {
  const values: Record<string, SettingValue> = {
    mode: 'manual',
    iso: '100',
    gain: 10,
    frame: '0, 0, 8, 8',
    fan: false,
  };
  Object.assign(values, { celsius: 21.5, target: 21.5 });
  return {
    values,
    info: { id: 'm', name: 'Moody', backend: 'test', sensor: null },
    settings: async () => descriptions,
    get: async (name: string) => {
      if (name === 'celsius') throw new NightflowError('unsupported', 'It has told no temperature yet.');
      return values[name]!;
    },
    set: async (name: string, value: SettingValue) => {
      if (name === 'iso' && values.mode === 'auto')
        throw new NightflowError('busy', 'The dial is at auto.', { remedy: 'Turn it.' });
      if (name === 'target') return value;
      if (name === 'mode') values.fan = false;
      values[name] = name === 'gain' ? Math.round((value as number) / 10) * 10 : value;
      if (name === 'frame') values.frame = String(value).split(/[ ,]+/).join(', ');
      return values[name];
    },
  } as unknown as Camera & { values: Record<string, SettingValue> };
}

const asWanted = (settings: Record<string, unknown>) => readWanted(settings, 'The test');

describe('setting', () => {
  it('answers what is then in force, from numbers, choices and ticks that are texts', async () => {
    const camera = await simulated();
    const wanted = asWanted({ gain: ' 12.5 ', lens: 'rectilinear', milkyWay: 'false', cloudCover: 0.25 });
    expect(await applySettings(camera, wanted)).toEqual({
      gain: 12.5,
      lens: 'rectilinear',
      milkyWay: false,
      cloudCover: 0.25,
    });
    expect(await readSettingValues(camera, ['milkyWay', 'gain'])).toEqual({ milkyWay: false, gain: 12.5 });
    await camera.close();
  });

  it('takes a choice that is a number, and a text that comes back with other separators', async () => {
    expect(await applySettings(moody(), asWanted({ iso: 1600, frame: '0 0 4,4' }))).toEqual({
      iso: '1600',
      frame: '0, 0, 4, 4',
    });
  });

  it('does not wait for a temperature that is to be reached', async () => {
    expect(await applySettings(moody(), asWanted({ target: -10, gain: 20 }))).toEqual({ target: -10, gain: 20 });
  });

  it('says that the value snapped: asked, got, range, and what was set before', async () => {
    await expect(applySettings(moody(), asWanted({ mode: 'manual', gain: 33 }))).rejects.toMatchObject({
      code: 'rejected',
      message: 'The setting gain of Moody was asked to be 33, and the camera took another value. It is 30 now.',
      remedy: 'It takes 0 to 60 dB, in steps of 10. Set before it: mode = manual.',
    });
  });

  it('passes on why the camera refuses, with the code of that', async () => {
    await expect(applySettings(moody(), asWanted({ mode: 'auto', iso: '200', fan: true }))).rejects.toMatchObject({
      code: 'busy',
      message: 'The setting iso of Moody was not set to 200: The dial is at auto. It is 100 now.',
      remedy: 'Turn it. It takes one of: 100, 200, 1600. Set before it: mode = auto.',
    });
  });

  it('finds a setting that a later one changed back', async () => {
    await expect(applySettings(moody(), asWanted({ fan: true, mode: 'manual' }))).rejects.toMatchObject({
      code: 'rejected',
      message: 'The setting fan of Moody was set to true, and a later setting changed it. It is false now.',
      remedy: 'Also set: mode = manual.',
    });
  });

  it('says the range of the simulated camera', async () => {
    const camera = await simulated();
    await expect(applySettings(camera, asWanted({ cloudCover: 2 }))).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/cloudCover of .* was not set to 2: .* It is 0 now\.$/),
      remedy: expect.stringContaining('It takes 0 to 1.'),
    });
    await camera.close();
  });

  it.each([
    [{ gain: 20, isso: 100 }, 'Moody has no setting "isso".', 'It has: mode, iso, gain'],
    [{ gain: 'much' }, 'The setting gain of Moody must be a number, not much.', 'It takes 0 to 60 dB'],
    [{ gain: '' }, 'must be a number, not ""', 'It takes 0 to 60 dB'],
    [{ gain: null }, 'must be a number, not null', 'It takes 0 to 60 dB'],
    [{ iso: ['100'] }, 'must be one of its choices, not ["100"]', 'It takes one of'],
    [{ fan: 'on' }, 'must be true or false, not on', undefined],
    [{ frame: {} }, 'must be a text, not {}', undefined],
    [{ celsius: 3 }, 'can be read, not set', undefined],
  ])('refuses %j before anything is set', async (settings, message, remedy) => {
    const camera = moody();
    await expect(applySettings(camera, asWanted({ gain: 50, ...settings }))).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(message),
      ...(remedy ? { remedy: expect.stringContaining(remedy) } : {}),
    });
    expect(camera.values.gain).toBe(10);
  });

  it('refuses what is no choice', async () => {
    await expect(applySettings(moody(), asWanted({ iso: '400' }))).rejects.toMatchObject({
      code: 'bad-input',
      message: 'The setting iso of Moody must be one of its choices, not 400.',
      remedy: 'It takes one of: 100, 200, 1600.',
    });
  });

  it('looks at a choice when its turn comes: it may follow from the settings before it', async () => {
    const camera = moody();
    const wide = async () =>
      descriptions.map((each) =>
        each.name === 'iso' && camera.values.mode === 'auto' ? { ...each, choices: ['auto'] } : each,
      );
    Object.assign(camera, { settings: wide });
    camera.values.mode = 'auto';
    expect(await applySettings(camera, asWanted({ mode: 'manual', iso: 200 }))).toEqual({ mode: 'manual', iso: '200' });
    await expect(applySettings(camera, asWanted({ gain: 20, iso: 400 }))).rejects.toMatchObject({
      message: expect.stringContaining('must be one of its choices, not 400. It is 200 now.'),
      remedy: 'It takes one of: 100, 200, 1600. Set before it: gain = 20.',
    });
  });

  it('stops between two settings', async () => {
    await expect(applySettings(moody(), asWanted({ gain: 20 }), AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    });
  });
});

describe('reading', () => {
  it('lists all with their values, and null for what is not told', async () => {
    const listed = await listSettings(moody());
    expect(listed.map(({ name, value }) => [name, value])).toContainEqual(['celsius', null]);
    expect(listed.find(({ name }) => name === 'gain')).toEqual({ ...descriptions[2], value: 10 });
  });

  it('says which name is unknown, and why a value is not told', async () => {
    await expect(readSettingValues(moody(), ['gain', 'Gain'])).rejects.toThrow('Moody has no setting "Gain".');
    await expect(readSettingValues(moody(), ['celsius'])).rejects.toThrow('It has told no temperature yet.');
  });
});

describe('profiles', () => {
  const night = { name: ' night ', settings: [{ name: 'gain', value: '20' }] };

  it('are lists of settings under a name; none where nothing is stored', () => {
    expect(readProfiles([night])).toEqual([{ name: 'night', settings: [{ name: 'gain', value: '20' }] }]);
    expect([readProfiles(undefined), readProfiles(''), readProfiles([])]).toEqual([[], [], []]);
  });

  it.each([
    [{}, 'list of up to 100'],
    [[{ name: '', settings: [] }], 'Profile 1 has no name'],
    [[null], 'Profile 1 has no name'],
    [[night, { name: 'night', settings: [] }], 'Two profiles have the name "night"'],
    [[{ name: 'night' }], 'The profile "night" is no list of settings'],
    [[{ name: 'night', settings: [{ value: 1 }] }], 'has a setting without a name'],
    [[{ name: 'night', settings: [night, night] }], 'sets "night" twice'],
  ])('refuse %j', (stored, message) => {
    expect(() => readProfiles(stored)).toThrow(message);
  });

  it('are found by their name, or the error lists them', () => {
    const profiles = readProfiles([night, { name: 'burst', settings: {} }]);
    expect(findProfile(profiles, 'burst ', 'Roof').name).toBe('burst');
    expect(() => findProfile(profiles, 'Day', 'Roof')).toThrow(
      expect.objectContaining({ message: 'The camera Roof has no profile "Day".', remedy: 'It has: night, burst.' }),
    );
    expect(() => findProfile([], 'Day', 'Roof')).toThrow(
      expect.objectContaining({ remedy: 'Add profiles to it in its dialog, and deploy.' }),
    );
  });
});
