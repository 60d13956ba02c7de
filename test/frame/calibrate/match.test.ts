import { afterAll, describe, expect, it } from 'vitest';
import { Calibrator, calibrateFrame } from '../../../lib/frame/calibrate.ts';
import { matchMaster } from '../../../lib/frame/calibrate-match.ts';
import type { Frame, FrameFields } from '../../../lib/frame/frame.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { bias, cameraFrame, dark, flat, light } from './frames.ts';

afterAll(closeSharedPool);

const keyword = (name: string, value: string | number) => ({ keywords: [{ name, value }] });

describe('a master that does not match is refused, naming the keyword, both values and the remedy', () => {
  const cases: [string, Frame, { dark?: Frame; bias?: Frame; flat?: Frame }, string, string][] = [
    [
      'gain',
      light(),
      { dark: dark({ gain: 200 }) },
      'GAIN differs, 200 in the dark, 100 in the frame',
      'Take a dark with gain 100.',
    ],
    [
      'gain 0 against 100',
      light({ gain: 0 }),
      { dark: dark() },
      'GAIN differs, 100 in the dark, 0 in the frame',
      'with gain 0',
    ],
    [
      'offset',
      light(),
      { bias: bias({ offset: 50 }) },
      'OFFSET differs, 50 in the bias, 10 in the frame',
      'with offset 10',
    ],
    [
      'exposure',
      light(),
      { dark: dark({ exposureSeconds: 300 }) },
      'EXPTIME differs, 300 in the dark, 60 in the frame',
      'or give a bias too',
    ],
    [
      'temperature',
      light({ temperatureCelsius: 12 }),
      { dark: dark() },
      'CCD-TEMP differs, -10 in the dark, 12 in the frame',
      'Take darks at 12 °C',
    ],
    [
      'camera',
      light(),
      { dark: dark({ camera: 'Other' }) },
      'INSTRUME differs, Other in the dark, Test Camera in the frame',
      'this camera',
    ],
    [
      'pattern',
      light(),
      { flat: flat({ bayer: 'GRBG' }) },
      'BAYERPAT differs, GRBG in the flat, RGGB in the frame',
      'the same program',
    ],
    [
      'filter',
      light(keyword('FILTER', 'Ha')),
      { flat: flat() },
      'FILTER differs, l in the flat, ha in the frame',
      'through the filter ha',
    ],
    [
      'binning',
      light(keyword('XBINNING', '1')),
      { dark: dark(keyword('XBINNING', 2)) },
      'XBINNING differs, 2 in the dark, 1 in the frame',
      'binning',
    ],
    [
      'kind',
      light(),
      { dark: flat() },
      'IMAGETYP differs, flat in the dark, dark in the frame',
      'Choose a file that is a dark.',
    ],
    [
      'bits',
      cameraFrame(() => 50, {}, 'u8'),
      { dark: cameraFrame(() => 300, { kind: 'dark' }) },
      'BITPIX differs, 16 in the dark, 8 in the frame',
      'bits',
    ],
  ];
  it.each(cases)('%s', async (_what, frame, masters, message, remedy) => {
    await expect(calibrateFrame(frame, masters)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(message),
      remedy: expect.stringContaining(remedy),
    });
  });

  it('size, and says what else differs', async () => {
    const small = cameraFrame(() => 300, { kind: 'dark', width: 20, height: 10, gain: 7, source: 'small.fits' });
    await expect(calibrateFrame(light({ source: 'm31.fits' }), { dark: small })).rejects.toThrow(
      'The dark small.fits does not match m31.fits: NAXIS1 differs, 20 in the dark, 62 in the frame. So do NAXIS2, GAIN.',
    );
  });

  it('a picture with a display curve, and a frame that is calibrated already', async () => {
    await expect(calibrateFrame(light({ transfer: 'srgb' }), { dark: dark() })).rejects.toMatchObject({
      code: 'unsupported',
    });
    const once = await calibrateFrame(light(), { dark: dark() });
    await expect(calibrateFrame(once, { dark: dark() })).rejects.toThrow("is calibrated already (CALSTAT = 'BD')");
    const twice = await calibrateFrame(once, { flat: flat() }, { allow: ['CALSTAT'] });
    expect(twice.keyword('CALSTAT')).toBe('BDF');
  });
});

describe('what passes', () => {
  const pass = (fields: Partial<FrameFields>, master: Partial<FrameFields>) =>
    matchMaster('dark', dark(master), light(fields)).differences;

  it.each<[string, Partial<FrameFields>, Partial<FrameFields>]>([
    ['an exposure rounded by its program', { exposureSeconds: 60.000001 }, { exposureSeconds: 60 }],
    ['a dark a little warmer', { temperatureCelsius: -10 }, { temperatureCelsius: -6 }],
    [
      'the names that INDI and N.I.N.A. give one camera',
      { camera: 'ZWO CCD ASI294MC Pro' },
      { camera: 'ASI294MC Pro' },
    ],
    ['a gain not known', { gain: null }, {}],
    ['a pattern not known', {}, { bayer: null }],
    ['another object and filter, which INDI leaves in darks', keyword('FILTER', 'Red'), keyword('FILTER', 'Blue')],
  ])('%s', (_what, fields, master) => expect(pass(fields, master)).toEqual([]));

  it('what is unknown is said, once for each master', async () => {
    const { warnings } = await new Calibrator({ dark: dark({ gain: null, temperatureCelsius: null }) }).calibrate(
      light(),
    );
    expect(warnings).toEqual(["GAIN, CCD-TEMP of the dark can't be compared: one of the two files doesn't say."]);
  });

  it('a dark of another temperature with a warning', async () => {
    const { warnings } = await new Calibrator({ dark: dark({ temperatureCelsius: -7 }) }).calibrate(light());
    expect(warnings).toEqual(['The dark was 3 °C warmer than the frame: some hot pixels will stay or turn dark.']);
  });

  it('what the user allows, with a warning', async () => {
    const given = { dark: dark({ gain: 200 }) };
    const { warnings } = await new Calibrator(given, { allow: ['gain'] }).calibrate(light());
    expect(warnings).toEqual(['GAIN differs: 200 in the dark, 100 in the frame.']);
  });
});

describe('masters that hold nothing', () => {
  it('a saturated flat is refused', async () => {
    const white = cameraFrame(() => 65_535, { kind: 'flat', blackLevel: 0, whiteLevel: 65_535, source: 'white.fits' });
    await expect(calibrateFrame(light(), { flat: white })).rejects.toMatchObject({
      code: 'bad-input',
      message: 'The flat white.fits is saturated.',
    });
  });

  it('an all-black flat is refused, not divided by', async () => {
    const black = cameraFrame(() => 0, { kind: 'flat', blackLevel: 0, source: 'black.fits' }, 'f32');
    await expect(calibrateFrame(light(), { flat: black })).rejects.toMatchObject({
      code: 'bad-input',
      message: 'The flat black.fits holds no light: its mean above black is 0 ADU.',
    });
  });

  it('a flat without light of one colour is refused', async () => {
    const red = cameraFrame(
      (i) => (i % 2 === 0 && Math.floor(i / 62) % 2 === 0 ? 5000 : 0),
      { kind: 'flat', blackLevel: 0 },
      'f32',
    );
    await expect(calibrateFrame(light(), { flat: red })).rejects.toThrow('holds no light of one colour.');
  });

  it('single pixels without a value, or dead in the flat, are mended', async () => {
    const holes = dark();
    holes.pixels[500] = Number.NaN;
    const dead = flat();
    dead.pixels[900] = 0;
    dead.pixels[901] = Number.NaN;
    const calibrator = new Calibrator({ dark: holes, flat: dead }, { format: 'f32' });
    const { frame, applied } = await calibrator.calibrate(cameraFrame(() => 1256));
    expect(applied.mended).toBe(3);
    for (const at of [500, 900, 901]) expect(Math.abs(frame.pixels[at]! - 1000)).toBeLessThan(400);
  });

  it('a master of NaN is refused', async () => {
    const none = cameraFrame(() => Number.NaN, { kind: 'dark', source: 'nan.fits' }, 'f32');
    await expect(calibrateFrame(light(), { dark: none })).rejects.toThrow(
      '100 % of the pixels of the dark nan.fits hold no value',
    );
  });

  it('the dark corners of an all-sky flat keep their level, with a warning', async () => {
    const round = flat();
    for (let i = 0; i < round.pixels.length; i += 5) round.pixels[i] = 0;
    const { frame, warnings } = await new Calibrator({ flat: round }, { format: 'f32' }).calibrate(
      cameraFrame(() => 1256),
    );
    expect(warnings.join()).toContain('20 % of the flat is too dark to divide by');
    expect(frame.pixels[0]).toBe(1000);
  });

  it('a NaN of a float frame stays one', async () => {
    const frame = cameraFrame((i) => (i === 3 ? Number.NaN : 900), {}, 'f32');
    const { pixels } = await calibrateFrame(frame, { dark: dark() });
    expect([pixels[3], Number.isFinite(pixels[4])]).toEqual([Number.NaN, true]);
  });

  it('masters from 0 to 1, as stacking programs save them, are brought to the camera’s 16 bits', async () => {
    const unit = cameraFrame(() => 256 / 65535, { kind: 'dark', whiteLevel: 1 }, 'f32');
    const { pixels } = await calibrateFrame(
      cameraFrame(() => 1256),
      { dark: unit },
      { format: 'f32' },
    );
    expect(pixels[100]).toBeCloseTo(1000, 2);
  });

  it('a flat that still has its bias loses the given one, or says that it has it', async () => {
    const raw = cameraFrame((i) => 1500 + (i % 3) * 1000, { kind: 'flat', blackLevel: 0 });
    const level = cameraFrame(() => 500, { kind: 'bias', blackLevel: 0 });
    const frame = cameraFrame(() => 1500, { blackLevel: 0 });
    const bare = await new Calibrator({ flat: raw }, { format: 'f32' }).calibrate(frame);
    expect(bare.warnings.join()).toContain('Neither bias nor dark was taken out of the flat');
    const whole = await new Calibrator({ flat: raw, bias: level }, { format: 'f32' }).calibrate(frame);
    expect(whole.warnings).toEqual([]);
    expect(whole.frame.pixels[1]).not.toBe(bare.frame.pixels[1]);
  });
});
