/** A frame as a JPEG with what is in it written over it. */

import type { Frame } from '../frame/frame.ts';
import { type RenderOptions, renderRgb } from '../frame/preview.ts';
import { throwIfAborted } from '../process/errors.ts';
import type { Annotation } from '../solve/annotation.ts';
import { drawAnnotation } from './annotation-drawing.ts';

export interface AnnotatedPicture {
  jpeg: Buffer;
  width: number;
  height: number;
}

/** @param options.quality 1…100; 88 if not given. @throws bad-input for a width that can't be */
export async function renderAnnotated(
  frame: Frame,
  annotation: Annotation,
  { quality = 88, ...options }: RenderOptions & { quality?: number },
): Promise<AnnotatedPicture> {
  const { data, width, height, channels } = await renderRgb(frame, options);
  const { default: sharp } = await import('sharp');
  const raw = { raw: { width, height, channels }, limitInputPixels: false };
  const grey = sharp(new Uint8Array(data), raw);
  // Colours on a grey picture need three channels first.
  const base =
    channels === 3
      ? grey
      : sharp(await grey.toColourspace('srgb').raw().toBuffer(), { ...raw, raw: { width, height, channels: 3 } });
  const overlay = Buffer.from(drawAnnotation(annotation, { width, height }));
  const jpeg = await base
    .composite([{ input: overlay, top: 0, left: 0 }])
    .jpeg({ quality, optimiseCoding: false })
    .toBuffer();
  throwIfAborted(options.signal);
  return { jpeg, width, height };
}
