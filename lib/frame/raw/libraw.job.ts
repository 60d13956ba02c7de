/** The worker's side of LibRaw; in a module of its own, so that only workers that need LibRaw load it. */
import { readFileSync } from 'node:fs';
import { Frame, type FrameFields } from '../frame.ts';
import type { Area } from '../tiff/samples.ts';
import { decodeWithLibRaw } from './libraw.ts';

export interface LibRawInput {
  path: string;
  /** The file itself where it is in memory; `path` is then what errors call it. */
  bytes?: SharedArrayBuffer;
  byteLength?: number;
  /** What the file's own tags say. */
  known: Partial<FrameFields>;
  /** The active area, for a DNG. */
  area: Area | null;
}

/** What the tags say comes before what LibRaw says, except for levels and pattern of full-colour data. */
export async function decode({ path, bytes, byteLength, known, area }: LibRawInput): Promise<FrameFields> {
  const file = bytes ? new Uint8Array(bytes, 0, byteLength) : readFileSync(path);
  const frame = await decodeWithLibRaw(path, file, area);
  const said = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null && value !== undefined));
  const full = frame.channels === 3;
  const fromTags = known.blackLevel !== undefined && !full;
  const keywords = [...(known.keywords ?? []).filter(({ name }) => fromTags || name !== 'BLACKSRC')];
  if (!fromTags) keywords.push(...(frame.keywords ?? []));
  const levels = full ? { bayer: null, blackLevel: frame.blackLevel, whiteLevel: frame.whiteLevel } : {};
  return { ...new Frame({ ...frame, ...said, ...levels, keywords }) };
}
