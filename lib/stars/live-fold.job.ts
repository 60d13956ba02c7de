/** The worker's side of a live stack: warps strips of a frame and adds them to the stack beside which they are put. */
import { bytesPerSample, type FrameFields } from '../frame/frame.ts';
import type { Matrix } from '../frame/matrix.ts';
import { type Interpolation, rowWarper, tileSide, type WarpRows, type WarpSource } from '../frame/warp-rows.ts';
import { kernelsOn, type Scratch, scratch } from '../kernels/wasm.ts';
import type { LiveLayout, LivePlane } from './live-fold.ts';
import { median } from './median.ts';

export interface LiveFrame extends Pick<FrameFields, 'data' | 'width' | 'height' | 'channels' | 'pixelType'> {
  /** Stack pixel to frame pixel; null where the frame lies as it is. */
  inverse: Matrix | null;
  interpolation: Interpolation;
}

export interface LiveState {
  memory: WebAssembly.Memory;
  layout: LiveLayout;
  /** Of the stack. */
  width: number;
  height: number;
  rejection: 'none' | 'sigma-clip' | 'winsorised';
  lowSigma: number;
  highSigma: number;
  /** Mean weight of the frames so far, this one included. */
  frameWeight: number;
  planes: LivePlane[];
}

export interface LiveAddInput extends LiveState {
  frame: LiveFrame;
  weight: number;
  lane: number;
  /** Counts the strips that were taken, for all workers. */
  nextStrip: SharedArrayBuffer;
}

export interface LiveResultInput extends LiveState {
  target: SharedArrayBuffer;
}

/** Of each plane: what to add to the frame to reach the stack's level, its noise as seen in the difference, and its own level. */
export interface LiveSample {
  offset: number;
  differenceSigma: number;
  level: number;
}

/** Samples that are looked at for the level, and how far apart they are in a row; of a wide picture, not of fewer rows than these. */
const wantedSamples = 40_000;
const sampleStep = 5;
const fewestRows = 48;

/** Adds the strips that no other worker takes. @returns samples rejected. */
export function addStrips(input: LiveAddInput): number {
  const { memory, layout, width, height, planes, weight, frameWeight, lowSigma, highSigma, rejection } = input;
  const work = scratch();
  const warp = warper(work, input.frame);
  const pointer = work.take(width * tileSide * 4);
  const kernels = kernelsOn(memory);
  const state = Buffer.from(memory.buffer as unknown as ArrayBuffer);
  const lane = layout.lanes + input.lane * layout.laneBytes;
  const next = new Int32Array(input.nextStrip);
  const strips = Math.ceil(height / tileSide);
  let rejected = 0;
  for (let strip = Atomics.add(next, 0, 1); strip < strips * planes.length; strip = Atomics.add(next, 0, 1)) {
    const plane = Math.floor(strip / strips);
    const firstRow = (strip % strips) * tileSide;
    const rowCount = Math.min(tileSide, height - firstRow);
    const count = rowCount * width;
    warp(plane, firstRow, rowCount, pointer);
    work.bytes.copy(state, lane, pointer, pointer + count * 4);
    // Kernels take four at a time; the rows of a plane end at a multiple of four (see the layout).
    state.fill(0xff, lane + count * 4, lane + count * 4 + 16);
    const whole = Math.ceil(count / 4) * 4;
    const at = stateAt(layout, plane, firstRow * width);
    const { offset, sky, noise } = planes[plane]!;
    if (rejection === 'none') kernels.liveMean!(lane, whole, at.means, at.weights, offset, weight);
    else
      rejected += kernels.liveAdd!(
        lane,
        whole,
        at.means,
        at.weights,
        at.squares,
        at.held,
        at.heldWeights,
        offset,
        weight,
        frameWeight,
        noise * noise,
        sky,
        lowSigma,
        highSigma,
        rejection === 'winsorised' ? 1 : 0,
      );
  }
  return rejected;
}

/** Compares rows spread over the frame with the stack so far. */
export function sampleFrame({ memory, layout, width, height, planes, rejection, frame }: LiveAddInput): LiveSample[] {
  const work = scratch();
  const warp = warper(work, frame);
  const pointer = work.take(width * 4);
  const rows = Math.min(height, Math.max(fewestRows, Math.ceil((wantedSamples * sampleStep) / width)));
  return planes.map((_, plane) => {
    const differences: number[] = [];
    const levels: number[] = [];
    for (let i = 0; i < rows; i++) {
      const y = Math.floor(((i + 0.5) * height) / rows);
      warp(plane, y, 1, pointer);
      const row = work.f32(pointer, width);
      const at = stateAt(layout, plane, y * width);
      const view = (start: number) => new Float32Array(memory.buffer, start, width);
      const [means, weights] = [view(at.means), view(at.weights)];
      const [held, heldWeights] = rejection === 'none' ? [means, weights] : [view(at.held), view(at.heldWeights)];
      for (let x = i % sampleStep; x < width; x += sampleStep) {
        const value = row[x]!;
        if (Number.isNaN(value)) continue;
        levels.push(value);
        const [weight, heldWeight] = [weights[x]!, rejection === 'none' ? 0 : heldWeights[x]!];
        // With what is held back, which is the brightest of each pixel: without it the stack would seem too dark.
        if (weight + heldWeight > 0)
          differences.push((weight * means[x]! + heldWeight * held[x]!) / (weight + heldWeight) - value);
      }
    }
    const middle = (values: number[]) => (values.length > 0 ? median(values) : 0);
    const offset = middle(differences);
    const spread = 1.4826 * middle(differences.map((difference) => Math.abs(difference - offset)));
    return { offset, differenceSigma: spread, level: middle(levels) };
  });
}

/** Writes the picture so far to `target`. */
export function finishStack(input: LiveResultInput): void {
  const { memory, layout, width, height, planes, rejection, frameWeight, lowSigma, highSigma, target } = input;
  const kernels = kernelsOn(memory);
  const state = Buffer.from(memory.buffer as unknown as ArrayBuffer);
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  const lane = layout.lanes;
  for (const [plane, { sky, noise }] of planes.entries())
    for (let row = 0; row < height; row += tileSide) {
      const count = Math.min(tileSide, height - row) * width;
      const whole = Math.ceil(count / 4) * 4;
      const at = stateAt(layout, plane, row * width);
      if (rejection === 'none') kernels.liveMeanResult!(lane, whole, at.means, at.weights);
      else
        kernels.liveResult!(
          lane,
          whole,
          at.means,
          at.weights,
          at.squares,
          at.held,
          at.heldWeights,
          frameWeight,
          noise * noise,
          sky,
          lowSigma,
          highSigma,
        );
      state.copy(picture, (plane * height + row) * width * 4, lane, lane + count * 4);
    }
}

/** Empties the state: zeros, before the first frame. */
export function clearStack({ memory, layout }: Pick<LiveState, 'memory' | 'layout'>): void {
  new Uint8Array(memory.buffer, layout.state, layout.stateBytes).fill(0);
}

/** Where the state of a plane's sample begins. */
function stateAt(layout: LiveLayout, plane: number, sample: number) {
  const { planeBytes, state, arrays } = layout;
  const at = (array: number) => state + (plane * arrays + array) * planeBytes + sample * 4;
  return { means: at(0), weights: at(1), squares: at(2), held: at(3), heldWeights: at(4) };
}

/** Puts rows of a plane of the frame, as they lie on the stack, at a pointer. */
function warper(work: Scratch, frame: LiveFrame): (plane: number, firstRow: number, rows: number, to: number) => void {
  const { width, height, pixelType, inverse } = frame;
  const bytes = Buffer.from(frame.data as unknown as ArrayBuffer);
  const planeBytes = width * height * bytesPerSample[pixelType];
  const source = (plane: number): WarpSource => ({
    bytes,
    offset: plane * planeBytes,
    pixelType,
    width,
    height,
    firstRow: 0,
    rowCount: height,
  });
  if (inverse) {
    const warp: WarpRows = rowWarper(work, frame.interpolation);
    return (plane, firstRow, rowCount, pointer) =>
      warp(source(plane), inverse, { pointer, width: frame.width, firstRow, rowCount });
  }
  const raw = work.take(tileSide * width * 4);
  const widen = work.kernels[`widenRow${{ u8: 'U8', u16: 'U16', f32: 'F32' }[pixelType]}`]!;
  return (plane, firstRow, rows, pointer) => {
    const size = bytesPerSample[pixelType];
    const from = plane * planeBytes + firstRow * width * size;
    bytes.copy(work.bytes, raw, from, from + rows * width * size);
    widen(raw, pointer, rows * width, 0, 0);
  };
}
