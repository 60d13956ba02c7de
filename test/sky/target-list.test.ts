import { describe, expect, it } from 'vitest';
import { readTargets } from '../../lib/sky/target-list.ts';
import { parseDuration, parseMoment } from '../../lib/sky/target-times.ts';

const after = Date.parse('2026-11-21T12:00:00Z');
const orion = { raDegrees: expect.closeTo(83.822083, 5), decDegrees: expect.closeTo(-5.391111, 5) };

describe('a list of targets', () => {
  it.each([
    ['commas and a line of names', 'name,RA,Dec\nM 42,05:35:17.3,-05:23:28'],
    ['another order and other names', 'Declination;Object;"Right ascension"\n-5 23 28;M 42;5 35 17.3'],
    ['tabs without names', 'M 42\t5 35 17.3\t−5 23 28'],
    ['decimal commas', 'name;ra;dec\nM 42;83,822083;-5,391111'],
    ['hours in the name of the column', 'name,RA (hours),Dec (deg)\nM 42,5.58813887,-5.391111'],
    ['bars and comments', '# tonight\n\nM 42 | 5h35m17.3s | -5d23m28s'],
    ['both in one cell', 'M 42, 5:35:17.3 -5:23:28'],
    ['blanks in a row', 'M 42   05h35m17.3s   -05d23m28s'],
    ['a blank between name and coordinates', 'Name RA Dec\nM 42 5:35:17.3 -5:23:28'],
    ['quotes', 'name,coordinates\n"M 42","5:35:17.3, -5:23:28"'],
    ['rows of an array', [['M 42', '5:35:17.3', '-5:23:28']]],
    ['objects', [{ object: 'M 42', ra: '5h35m17.3s', DEC: '-5:23:28' }]],
    ['our own objects', [{ name: 'M 42', raDegrees: 83.822083, decDegrees: -5.391111 }]],
    ['one object', { Name: 'M 42', RA: 83.822083, dec: -5.391111 }],
    ['texts', ['M 42, 5:35:17.3, -5:23:28']],
  ])('with %s', (_what, list) => {
    const { targets, broken } = readTargets(list);
    expect(broken).toEqual([]);
    expect(targets).toEqual([expect.objectContaining({ name: 'M 42', ...orion })]);
  });

  it('takes a line that was pasted with another separator than the others', () => {
    const text = 'name;RA;Dec\nA;1h;2d\nM 42\t5:35:17.3\t-5:23:28\nB;3h;4d\nnot this one, no';
    const { targets, broken } = readTargets(text);
    expect(targets.map(({ name }) => name)).toEqual(['A', 'M 42', 'B']);
    expect(targets[1]).toMatchObject(orion);
    expect(broken.map(({ line }) => line)).toEqual([5]);
  });

  it('takes names of columns that are separated otherwise than the lines', () => {
    const { targets, broken } = readTargets('name;RA;Dec;magnitude\nM 42, 5:35:17.3, -5:23:28, 4\nB, 3h, 4d, 9');
    expect(broken).toEqual([]);
    expect(targets[0]).toMatchObject({ ...orion, name: 'M 42', magnitude: 4 });
    expect(targets[1]).toMatchObject({ name: 'B', magnitude: 9 });
  });

  it('has start, duration, magnitude and exposure where the list has them', () => {
    const text = 'name,RA,Dec,start,duration,magnitude,exposure\n(216) Kleopatra,5:35,-5,22:15:30.5,45,11.2,500 ms';
    expect(readTargets(text, { after }).targets[0]).toEqual({
      name: '(216) Kleopatra',
      raDegrees: expect.any(Number),
      decDegrees: -5,
      line: 2,
      start: '2026-11-21T22:15:30.500Z',
      durationSeconds: 45,
      magnitude: 11.2,
      exposureSeconds: 0.5,
    });
  });

  it('heeds the units that columns name, and puts date and time of day together', () => {
    const text = 'name,RA,Dec,Date,Time (UT),Duration (min),Exposure (ms),Mag V\na,5h,5,21.11.2026,22:15:00,2,100,11';
    expect(readTargets(text).targets[0]).toMatchObject({
      start: '2026-11-21T22:15:00.000Z',
      durationSeconds: 120,
      exposureSeconds: 0.1,
      magnitude: 11,
    });
  });

  it('takes a number for a name where coordinates follow it, and coordinates for no name', () => {
    const { targets } = readTargets('216,12 34 56,-5 10,2026-11-21T22:15:00Z\n12:34:56,+5:10:00,2026-11-21T23:10:00Z');
    expect(targets.map(({ name }) => name)).toEqual(['216', '188.7333 +5.1667']);
  });

  it('tells each broken line with its number, text and reason, and reads on', () => {
    const text =
      'name,RA,Dec,start,duration\na,25h,5\nb,5h,95\nc,5h\nd,5h,5,yesterday\ne,5h,5,2026-02-30 10:00,5\nf,5h,5,22:00,-3\ng,5h,5';
    const { targets, broken } = readTargets(text, { after });
    expect(targets.map(({ name }) => name)).toEqual(['g']);
    expect(broken.map(({ line, reason }) => [line, reason.split('. ')[0]])).toEqual([
      [2, 'The right ascension "25h" is not below 24 h'],
      [3, 'The declination "95" is outside -90° to 90°; right ascension and declination may be swapped'],
      [4, 'The target has no declination'],
      [5, 'The start "yesterday" is no date and time'],
      [6, 'The start "2026-02-30 10:00" is no day of the calendar'],
      [7, 'The duration "-3" is no time above 0 s and up to a day'],
    ]);
    expect(broken[0]!.text).toBe('a,25h,5');
  });

  it('does not guess whether the day or the month comes first', () => {
    const { broken } = readTargets('a, 5h, 5, 03/04/2026 22:00:00, 60', { after });
    expect(broken[0]!.reason).toContain('may mean the day or the month first');
  });

  it('knows the columns by many names, and what is not known by a dash', () => {
    const { targets, broken } = readTargets(
      'object,J2000_RA,J2000_DEC,utc start,recording time (min),mag V,exposure time [ms]\na,4h35m,+16d30m,22:00,2,-,100\nb,4h35m,+16d30m,22:10,2,9.8,n/a',
      { after },
    );
    expect(broken).toEqual([]);
    expect(targets).toMatchObject([
      { name: 'a', raDegrees: 68.75, decDegrees: 16.5, durationSeconds: 120, exposureSeconds: 0.1 },
      { name: 'b', durationSeconds: 120, magnitude: 9.8 },
    ]);
    expect(targets[0]).not.toHaveProperty('magnitude');
    expect(targets[1]).not.toHaveProperty('exposureSeconds');
  });

  it('reads columns that only blanks part, by the looks of the coordinates', () => {
    const { targets } = readTargets(
      'My star 04:35:00 +16:30:00 22:00:00 60 9.8 0.1\nb 04:35:00 -16:30:00 2026-11-21 23:00:00 30',
      { after },
    );
    expect(targets).toMatchObject([
      { name: 'My star', raDegrees: 68.75, start: '2026-11-21T22:00:00.000Z', magnitude: 9.8, exposureSeconds: 0.1 },
      { name: 'b', decDegrees: -16.5, start: '2026-11-21T23:00:00.000Z', durationSeconds: 30 },
    ]);
  });

  it('holds up against what is no list', () => {
    expect(readTargets('')).toEqual({ targets: [], broken: [] });
    expect(readTargets([null, 7, [], {}]).broken).toHaveLength(4);
    expect(() => readTargets('x\n'.repeat(30_000))).toThrow('longer than 20000 lines');
    let state = 3;
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 8;
    };
    const letters = '0123456789,;\t|:+-"hdm .NaDec\n';
    for (let i = 0; i < 3000; i++) {
      const text = Array.from({ length: 60 }, () => letters[next() % letters.length]).join('');
      for (const { raDegrees, decDegrees } of readTargets(text, { after }).targets)
        expect(raDegrees >= 0 && raDegrees < 360 && Math.abs(decDegrees) <= 90, text).toBe(true);
    }
  });
});

it.each([
  ['2026-11-21T22:15:00Z', '2026-11-21T22:15:00.000Z'],
  ['2026-11-21 22:15:00.25', '2026-11-21T22:15:00.250Z'],
  ['2026/11/21 22:15 UTC', '2026-11-21T22:15:00.000Z'],
  ['2026-11-21T22:15:00+01:00', '2026-11-21T21:15:00.000Z'],
  ['22:15', '2026-11-21T22:15:00.000Z'],
  ['21.11.2026 22:15:00', '2026-11-21T22:15:00.000Z'],
  ['21 Nov 2026 22:15:00', '2026-11-21T22:15:00.000Z'],
  ['2026 November 21, 22:15:00', '2026-11-21T22:15:00.000Z'],
  ['21/11/2026 22:15:00', '2026-11-21T22:15:00.000Z'],
  ['11/21/2026 22:15:00', '2026-11-21T22:15:00.000Z'],
  ['20261121T221500Z', '2026-11-21T22:15:00.000Z'],
  ['3h15m07.5s', '2026-11-22T03:15:07.500Z'],
  // 2000 January 1, 12:00 is JD 2451545.0.
  ['2451545.0', '2000-01-01T12:00:00.000Z'],
  ['03:15:00', '2026-11-22T03:15:00.000Z'],
])('the moment %s', (text, iso) => expect(new Date(parseMoment(text, after)).toISOString()).toBe(iso));

it.each([
  ['30', 30],
  [0.5, 0.5],
  ['500 ms', 0.5],
  ['2 min', 120],
  ['1,5h', 5400],
  ['1m30s', 90],
  ['1h 2m 3.5s', 3723.5],
])('the duration %s', (text, seconds) => expect(parseDuration(text, 'duration')).toBe(seconds));
