/** The memory of a live stack, and the workers that add to it: 20 bytes a sample with rejection, 8 without, however many frames come. */

import type { Frame } from '../frame/frame.ts';
import type { Matrix } from '../frame/matrix.ts';
import { type Interpolation, tileSide } from '../frame/warp-rows.ts';
import { allocateShared, trackShared } from '../kernels/memory.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { fixedMemory, wasmPageBytes } from '../kernels/wasm-memory.ts';
import type { LiveAddInput, LiveResultInput, LiveSample, LiveState } from './live-fold.job.ts';

export interface LiveFoldOptions {
  width: number;
  height: number;
  channels: 1 | 3;
  rejection: 'none' | 'sigma-clip' | 'winsorised';
  lowSigma: number;
  highSigma: number;
}

export interface LiveLayout {
  /** Rows of a frame, one area for each worker. */
  lanes: number;
  laneBytes: number;
  /** Arrays of 32-bit floats: mean, weight, then with rejection the squares, the value held back and its weight; plane by plane. */
  state: number;
  arrays: number;
  planeBytes: number;
  stateBytes: number;
}

/** What is known of a plane, ADU. */
export interface LivePlane {
  /** To add to the frame at hand. */
  offset: number;
  /** Level of the first frame's sky, and the noise of one frame. */
  sky: number;
  noise: number;
}

/** Besides the arrays, what a checkpoint must keep. */
export interface LiveFoldState {
  frames: number;
  weightSum: number;
  rejectedSamples: number;
  planes: LivePlane[];
}

const module = new URL('./live-fold.job.ts', import.meta.url);
const addJob = job<LiveAddInput, number>(module, 'addStrips');
const sampleJob = job<LiveAddInput, LiveSample[]>(module, 'sampleFrame');
const finishJob = job<LiveResultInput, void>(module, 'finishStack');
const clearJob = job<Pick<LiveState, 'memory' | 'layout'>, void>(module, 'clearStack');

/** How much of a new frame's noise counts in the stack's. */
const noiseMemory = 0.2;

export class LiveFold {
  readonly options: LiveFoldOptions;
  state: LiveFoldState;
  private readonly layout: LiveLayout;
  private readonly memory: WebAssembly.Memory;

  /** @throws unsupported when it needs more than 4 GiB. */
  constructor(options: LiveFoldOptions) {
    this.options = options;
    const { width, height, channels, rejection } = options;
    const laneBytes = tileSide * width * 4 + 64;
    const lanes = wasmPageBytes;
    const state = Math.ceil((lanes + laneBytes * sharedPool().size) / 64) * 64;
    const arrays = rejection === 'none' ? 2 : 5;
    const planeBytes = Math.ceil((width * height) / 4) * 16;
    const stateBytes = planeBytes * arrays * channels;
    this.layout = { lanes, laneBytes, state, arrays, planeBytes, stateBytes };
    this.memory = fixedMemory(state + stateBytes);
    trackShared(this.memory.buffer as unknown as SharedArrayBuffer, true);
    this.state = emptyState();
  }

  /**
   * Adds a frame of the stack's size and channels. Not abortable: a stack never holds half a frame.
   * @param matrix Frame pixel to stack pixel; null where it lies as it is. @returns part (0 … 1) of its samples that was rejected.
   */
  async add(frame: Frame, inverse: Matrix | null, interpolation: Interpolation, weight: number): Promise<number> {
    const { data, width, height, channels, pixelType } = frame;
    const { state } = this;
    const weightSum = state.weightSum + weight;
    const common: LiveAddInput = {
      ...this.common(),
      frame: { data, width, height, channels, pixelType, inverse, interpolation },
      weight,
      frameWeight: weightSum / (state.frames + 1),
      lane: 0,
      nextStrip: new SharedArrayBuffer(4),
    };
    const pool = sharedPool();
    const samples = await pool.run(sampleJob, common);
    const planes = samples.map((sample, i) => nextPlane(state.planes[i], sample, state.frames));
    const strips = Math.ceil(height / tileSide) * channels;
    const shares = Array.from({ length: Math.min(pool.size, this.lanes, strips) }, (_, lane) =>
      pool.run(addJob, { ...common, planes, lane }),
    );
    const rejected = (await Promise.all(shares)).reduce((sum, each) => sum + each, 0);
    const { frames, rejectedSamples } = state;
    this.state = { frames: frames + 1, weightSum, rejectedSamples: rejectedSamples + rejected, planes };
    return rejected / (width * height * channels);
  }

  /** 32-bit float planes; NaN where no frame had a value. */
  async result(): Promise<SharedArrayBuffer> {
    const { width, height, channels } = this.options;
    const target = allocateShared(width * height * channels * 4);
    await sharedPool().run(finishJob, { ...this.common(), target });
    return target;
  }

  async clear(): Promise<void> {
    this.state = emptyState();
    await sharedPool().run(clearJob, { memory: this.memory, layout: this.layout });
  }

  /** The raw arrays, for a checkpoint: a view of WebAssembly memory, never to be sent in a message. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.layout.state, this.layout.stateBytes);
  }

  private get lanes(): number {
    return Math.floor((this.layout.state - this.layout.lanes) / this.layout.laneBytes);
  }

  private common(): LiveState {
    const { width, height, rejection, lowSigma, highSigma, channels } = this.options;
    const { weightSum, frames, planes } = this.state;
    const known =
      planes.length > 0 ? planes : Array.from({ length: channels }, () => ({ offset: 0, sky: 0, noise: 0 }));
    return {
      memory: this.memory,
      layout: this.layout,
      width,
      height,
      rejection,
      lowSigma,
      highSigma,
      frameWeight: frames > 0 ? weightSum / frames : 1,
      planes: known,
    };
  }
}

const emptyState = (): LiveFoldState => ({ frames: 0, weightSum: 0, rejectedSamples: 0, planes: [] });

/** The first frame sets the level. A difference of a frame and the mean of n has the noise of one frame, and of the mean. */
function nextPlane(
  plane: LivePlane | undefined,
  { offset, differenceSigma, level }: LiveSample,
  frames: number,
): LivePlane {
  if (!plane || frames === 0) return { offset: 0, sky: level, noise: 0 };
  const noise = differenceSigma / Math.sqrt(1 + 1 / frames);
  return { ...plane, offset, noise: frames === 1 ? noise : (1 - noiseMemory) * plane.noise + noiseMemory * noise };
}
