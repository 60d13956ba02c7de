/** The maps of a calibration in shared memory, kept as long as frames are alike. */
import { trackShared } from '../kernels/memory.ts';
import { job, type WorkerPool } from '../kernels/pool.ts';
import { fixedMemory } from '../kernels/wasm-memory.ts';
import { NightflowError } from '../process/errors.ts';
import type { CalibrateOptions } from './calibrate.ts';
import type { DefectMap } from './calibrate-defects.ts';
import type { Applied } from './calibrate-header.ts';
import { layOutMaps, type Maps, type PackedMaps, resultType } from './calibrate-maps.ts';
import type { CheckedMasters, Masters } from './calibrate-masters.ts';
import type { PackInput } from './calibrate-pack.job.ts';
import {
  type DarkInput,
  type GainInput,
  mostDefects,
  type Plate,
  type PreparedDark,
  type PreparedGain,
} from './calibrate-prepare.job.ts';
import type { FactorInput } from './calibrate-scale.job.ts';
import type { Frame } from './frame.ts';

const module = new URL('./calibrate-prepare.job.ts', import.meta.url);
const darkJob = job<DarkInput, PreparedDark>(module, 'prepareDark');
const gainJob = job<GainInput, PreparedGain>(module, 'prepareGain');
const packJob = job<PackInput, PackedMaps | null>(new URL('./calibrate-pack.job.ts', import.meta.url), 'pack');
const factorJob = job<FactorInput, number | null>(new URL('./calibrate-scale.job.ts', import.meta.url), 'darkFactor');

export class PreparedMaps {
  /** ADU that is subtracted on average, and the gain that only a thousandth of the pixels exceeds. */
  darkMean = 0;
  highGain = 1;
  /** Indices (u32) of pixels to mend, or null for none. */
  defects: SharedArrayBuffer | null = null;
  applied: Applied = { bias: null, dark: null, flat: null, factor: 1, mended: 0, hot: 0, cold: 0 };
  /** Warnings about the masters themselves. */
  warnings: string[] = [];
  private readonly masters: Masters;
  private readonly shape: Pick<Frame, 'width' | 'height' | 'channels' | 'bayer' | 'pixelType'>;
  private readonly pool: WorkerPool;
  private readonly options: CalibrateOptions;
  private maps: Maps | null = null;
  private darkKey = '';
  private ofGain: PreparedGain | null = null;

  constructor(masters: Masters, frame: Frame, pool: WorkerPool, options: CalibrateOptions) {
    const { width, height, channels, bayer, pixelType } = frame;
    this.masters = masters;
    this.shape = { width, height, channels, bayer, pixelType };
    this.pool = pool;
    this.options = options;
  }

  /** For `calibrate`; after `prepare`. */
  get current(): Maps {
    return this.maps!;
  }

  fits(frame: Frame): boolean {
    return (Object.keys(this.shape) as (keyof typeof this.shape)[]).every((name) => this.shape[name] === frame[name]);
  }

  /** Brings the maps up to date for a frame. @throws bad-input for a master without values or light; unsupported above 4 GiB. */
  async prepare(frame: Frame, checked: CheckedMasters): Promise<void> {
    const { bias, dark, flat } = checked;
    const factor = checked.factor === 'optimise' ? await this.optimised(frame, bias!, dark!) : checked.factor;
    // What the map of the dark hangs on beside the masters.
    const key = `${bias ? 'b' : ''}${dark ? 'd' : ''}${factor} ${bias || dark ? '' : frame.blackLevel} ${frame.whiteLevel}`;
    this.applied = { ...this.applied, bias, dark, flat, factor };
    if (key === this.darkKey && this.maps) return;
    // Packed maps have lost what a new dark needs of the flat.
    const fresh = !this.maps || this.maps.packed !== null;
    const maps = fresh ? this.room(4) : this.maps!;
    this.maps = maps;
    const common = { memory: maps.memory, layout: maps.layout, ...this.shape };
    const ofDark = await this.pool.run(darkJob, {
      ...common,
      bias: plate(bias, frame),
      dark: plate(dark, frame),
      factor,
      black: frame.blackLevel,
      useless: (frame.whiteLevel - frame.blackLevel) / 2,
    });
    requireValues(dark ?? bias, ofDark, maps.layout.samples);
    if (flat && fresh) {
      this.ofGain = await this.pool.run(gainJob, {
        ...common,
        flat: plate(flat, flat)!,
        flatDark: plate(checked.flatDark, flat),
        black: flat.blackLevel,
        perColour: this.options.flatScaling !== 'all',
      });
      requireLight(flat, this.ofGain);
    }
    this.defects = joined([ofDark.defects, this.ofGain?.defects, planesOf(this.masters.defects, this.shape)]);
    this.darkMean = ofDark.mean;
    this.highGain = this.ofGain?.high ?? 1;
    this.warnings = warningsOf(this.ofGain);
    // A factor that changes from frame to frame makes new maps each time: packing them would not pay.
    if (checked.factor !== 'optimise' && resultType(frame, this.options) === 'u16') await this.pack(maps);
    this.darkKey = key;
  }

  private async pack(maps: Maps): Promise<void> {
    const to = this.room(2);
    const packed = await this.pool.run(packJob, { from: maps, to, mean: this.darkMean, high: this.highGain });
    if (packed) this.maps = { ...to, packed };
  }

  private room(bytesPerValue: 2 | 4): Maps {
    const { width, height, channels } = this.shape;
    const layout = layOutMaps(width * height * channels, Boolean(this.masters.flat), bytesPerValue);
    const memory = fixedMemory(layout.total);
    trackShared(memory.buffer as unknown as SharedArrayBuffer, true);
    return { memory, layout, packed: null };
  }

  private async optimised(frame: Frame, bias: Frame, dark: Frame): Promise<number> {
    const factor = await this.pool.run(factorJob, {
      ...this.shape,
      light: plate(frame, frame)!,
      bias: plate(bias, frame)!,
      dark: plate(dark, frame)!,
      saturation: frame.whiteLevel,
    });
    if (factor !== null) return factor;
    const [ofFrame, ofDark] = [frame.exposureSeconds, dark.exposureSeconds];
    return ofFrame !== null && ofDark ? ofFrame / ofDark : 1;
  }
}

/** Too many pixels to be defects keep their level. */
function warningsOf(flat: PreparedGain | null): string[] {
  if (!flat || flat.tooDark === 0 || flat.defects.byteLength > 0) return [];
  const part = Number((flat.tooDark * 100).toPrecision(2));
  return [`${part} % of the flat is too dark to divide by: those pixels keep their level.`];
}

/** Stacking programs save floats from 0 to 1 where the camera's 16 bits ran to 65535. */
const fullScale = 65535;

function plate(master: Frame | null, frame: Frame): Plate | null {
  if (!master) return null;
  const unit = (each: Frame) => each.pixelType === 'f32' && each.whiteLevel <= 1;
  const scale = unit(master) === unit(frame) ? 1 : unit(master) ? fullScale : 1 / fullScale;
  return { data: master.data, pixelType: master.pixelType, scale };
}

function requireValues(master: Frame | null, { holes, mean }: PreparedDark, samples: number): void {
  if (holes <= mostDefects * samples && Number.isFinite(mean)) return;
  throw new NightflowError(
    'bad-input',
    `${Number(((100 * holes) / samples).toPrecision(3))} % of the pixels of the ${master?.kind ?? 'dark'} ${master?.source ?? ''} hold no value (NaN).`,
    { remedy: 'Build the master anew.' },
  );
}

/** Part of the range above black from which a flat is taken to be saturated. */
const saturatedLevel = 0.98;

function requireLight(flat: Frame, { levels }: PreparedGain): void {
  const remedy = 'Take a flat of an evenly lit field, at a third to a half of saturation.';
  // The white level of floats is often their own maximum.
  const full = flat.pixelType === 'f32' ? Number.POSITIVE_INFINITY : flat.whiteLevel - flat.blackLevel;
  if (levels.some((level) => level >= saturatedLevel * full))
    throw new NightflowError('bad-input', `The flat ${flat.source ?? flat} is saturated.`, { remedy });
  if (levels.every((level) => level > 0)) return;
  throw new NightflowError(
    'bad-input',
    `The flat ${flat.source ?? flat} holds no light${levels.length > 1 ? ' of one colour' : `: its mean above black is ${Number(levels[0]!.toPrecision(4))} ADU`}.`,
    { remedy },
  );
}

/** A map is of one plane: it holds for each. */
function planesOf(
  map: DefectMap | null | undefined,
  { channels }: Pick<Frame, 'channels'>,
): SharedArrayBuffer | undefined {
  if (!map || channels === 1) return map?.indices;
  const own = new Uint32Array(map.indices);
  const list = new SharedArrayBuffer(map.indices.byteLength * channels);
  const all = new Uint32Array(list);
  const plane = map.width * map.height;
  for (let channel = 0; channel < channels; channel++)
    all.set(
      own.map((index) => index + channel * plane),
      channel * own.length,
    );
  return list;
}

/** One list out of several, each pixel once. */
function joined(lists: readonly (SharedArrayBuffer | undefined)[]): SharedArrayBuffer | null {
  const all = new Set(lists.flatMap((list) => (list ? [...new Uint32Array(list)] : [])));
  if (all.size === 0) return null;
  const list = new SharedArrayBuffer(all.size * 4);
  new Uint32Array(list).set([...all].sort((a, b) => a - b));
  return list;
}
