import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allocatePixels, Frame, type FrameFields } from '../../lib/frame/frame.ts';
import { claimFileName, type NameContext, renderFileName } from '../../lib/night/file-name.ts';

const frame = (fields: Partial<FrameFields> = {}) =>
  new Frame({
    data: allocatePixels(4, 2, 1, 'u16'),
    width: 4,
    height: 2,
    pixelType: 'u16',
    start: '2026-01-12T22:45:03.250Z',
    exposureSeconds: 5,
    gain: 120,
    temperatureCelsius: -9.96,
    camera: 'Pi HQ',
    number: 42,
    ...fields,
  });
const oslo = { longitude: 10.75, timeZone: 'Europe/Oslo' };
const context = (fields: Partial<FrameFields> = {}, more: Partial<NameContext> = {}): NameContext => ({
  frame: frame(fields),
  site: oslo,
  nowMilliseconds: Date.parse('2026-01-13T01:00:00Z'),
  ...more,
});

describe('a template', () => {
  it('is filled from the frame', () => {
    expect(renderFileName('{date}/{camera}_{time}_{exposure}s_{n}', context())).toBe('2026-01-12/Pi HQ_224503_5s_42');
  });

  it('pads numbers, and gives milliseconds', () => {
    expect(renderFileName('{n:5}_{time:ms}_{temperature:3}_{width}x{height}', context())).toBe(
      '00042_224503.250_-010_4x2',
    );
  });

  it('knows local time and the night', () => {
    expect(renderFileName('{night} {localdate} {localtime}', context({ start: '2026-01-12T23:45:03Z' }))).toBe(
      '2026-01-12 2026-01-13 004503',
    );
  });

  it('takes the night that the frame says it belongs to', () => {
    expect(renderFileName('{night}', context({ night: '2025-12-31' }))).toBe('2025-12-31');
  });

  it('takes header keywords in capitals', () => {
    const keywords = [
      { name: 'FILTER', value: 'H-alpha ' },
      { name: 'FOCUSPOS', value: 1234 },
    ];
    expect(renderFileName('{FILTER}_{FOCUSPOS:6}', context({ keywords }))).toBe('H-alpha_001234');
  });

  it('writes unknown, or the text the template gives, for what a frame does not know', () => {
    expect(renderFileName('{target}_{FILTER|none}_{gain|}', context({ gain: null }))).toBe('unknown_none_');
  });

  it('takes texts and numbers of the message', () => {
    const message = { prefix: 'trail', session: 3, payload: { nested: true } };
    expect(renderFileName('{prefix}_{msg.session:2}_{msg.payload}', context({}, { message }))).toBe('trail_03_unknown');
  });

  it('uses the time of saving and a count for a frame without its own', () => {
    expect(renderFileName('{date}_{time}_{n:3}', context({ start: null, number: null }, { number: 7 }))).toBe(
      '2026-01-13_010000_007',
    );
  });

  it('refuses a field it does not know, and says which there are', () => {
    expect(() => renderFileName('{camra}', context())).toThrow('asks for {camra}, which is unknown');
    expect(() => renderFileName('{toString}', context())).toThrow('asks for {toString}, which is unknown');
    expect(() => renderFileName('{camera', context())).toThrow('brace without its partner');
    expect(() => renderFileName('  ', context())).toThrow('is empty');
    expect(() => renderFileName('a/{gain|}', context({ gain: null }))).toThrow('leaves no name');
  });

  it('lets no value make a folder, a hidden file or a name that Windows refuses', () => {
    expect(renderFileName('{camera}', context({ camera: '../../etc/passwd' }))).toBe('-..-etc-passwd');
    expect(renderFileName('{camera}/x', context({ camera: '..' }))).toBe('x');
    expect(renderFileName('{camera}', context({ camera: 'a\0b:c?"<>|\n' }))).toBe('a-b-c------');
    expect(renderFileName('con/.hidden/{camera}. ', context())).toBe('_con/hidden/Pi HQ');
  });

  it('shortens a name that no file system would take', () => {
    const long = renderFileName('{camera}', context({ camera: 'Å'.repeat(500) }));
    expect(Buffer.byteLength(long)).toBe(180);
  });
});

describe('a claimed name', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightflow-name-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is inside the folder', async () => {
    expect((await claimFileName(folder, 'a/b', 'fits')).path).toBe(join(folder, 'a', 'b.fits'));
  });

  it.each(['../b', 'a/../../b', '/etc/passwd', 'a/../..', 'x\0y'])(
    'is refused when it climbs out: %s',
    async (name) => {
      await expect(claimFileName(folder, name, 'fits')).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining('leads out of the folder'),
      });
    },
  );

  it('gets _2 when a file has it, and _3 when another save is about to write that', async () => {
    await writeFile(join(folder, 'taken.fits'), '');
    const second = await claimFileName(folder, 'taken', 'fits');
    const third = await claimFileName(folder, 'taken', '.fits');
    expect([second.path, third.path]).toEqual([join(folder, 'taken_2.fits'), join(folder, 'taken_3.fits')]);
    second.release();
    expect((await claimFileName(folder, 'taken', 'fits')).path).toBe(join(folder, 'taken_2.fits'));
  });

  it('does not double an extension that the template already has', async () => {
    expect((await claimFileName(folder, 'film.mp4', 'mp4')).path).toBe(join(folder, 'film.mp4'));
  });
});
