/** astro-annotate: what is in a solved picture, written over it and as data. */
import type { Node, NodeAPI } from 'node-red';
import type { Frame } from '../../lib/frame/frame.ts';
import { renderAnnotated } from '../../lib/night/annotated-picture.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { type AllSkyPlace, isAllSky } from '../../lib/solve/all-sky-solution.ts';
import { type Annotation, type AnnotationLayer, annotate, annotationLayers } from '../../lib/solve/annotation.ts';
import type { Solution } from '../../lib/solve/solver.ts';
import type { Wcs } from '../../lib/solve/wcs.ts';
import { frameWcs } from '../../lib/solve/wcs-header.ts';
import { handleInput, type Work } from '../handle.ts';
import { drcInput } from '../image/drc-input.ts';
import { readIncoming } from '../image/incoming.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { openPictures } from '../pictures.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';

const inputs = {
  showStars: { type: 'boolean', label: 'stars', default: true },
  showConstellations: { type: 'boolean', label: 'constellations', default: true },
  showObjects: { type: 'boolean', label: 'objects', default: true },
  showPlanets: { type: 'boolean', label: 'planets', default: true },
  showGrid: { type: 'boolean', label: 'grid', default: false },
  showTarget: { type: 'boolean', label: 'target', default: true },
  showHorizon: { type: 'boolean', label: 'horizon', default: true },
  draw: { type: 'boolean', label: 'drawing', default: true },
  faintestMagnitude: { type: 'number', label: 'faintest magnitude', default: null, minimum: -2, maximum: 20 },
  stretch: { type: 'choice', label: 'stretch', choices: ['auto', 'none'], default: 'auto' },
  drc: drcInput,
  width: { type: 'number', label: 'width', default: 1600, minimum: 16, maximum: 16384, integer: true, unit: 'pixels' },
  quality: { type: 'number', label: 'JPEG quality', default: 88, minimum: 1, maximum: 100, integer: true },
  previewAs: { type: 'choice', label: 'payload', choices: ['address', 'jpeg'], default: 'address' },
} as const satisfies InputTable;

const settingOf: Record<AnnotationLayer, keyof typeof inputs> = {
  stars: 'showStars',
  constellations: 'showConstellations',
  objects: 'showObjects',
  planets: 'showPlanets',
  grid: 'showGrid',
  target: 'showTarget',
  horizon: 'showHorizon',
};

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-annotate', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const pictures = openPictures(RED, this.id);

    const draw = async ({ msg, settings, signal, send, status }: Work<typeof inputs>, frame: Frame) => {
      const { stretch, drc, width, quality, previewAs, faintestMagnitude } = settings;
      const solution = solutionOfMessage(msg, frame);
      const allSky = isAllSky(solution) ? solution : null;
      const time = Date.parse(allSky?.time ?? frame.middle ?? frame.start ?? '');
      const annotation = await annotate(solution, {
        layers: annotationLayers.filter((layer) => settings[settingOf[layer]]),
        milliseconds: Number.isNaN(time) ? null : time,
        site: allSky?.site ?? frame.site ?? siteOf(RED, config.site)?.site ?? null,
        target: targetOf(msg, frame),
        faintestMagnitude,
      });
      const { jpeg, ...size } = await renderAnnotated(frame, settings.draw ? annotation : nothingOf(annotation), {
        ...{ stretch, drc, width, quality, signal },
      });
      const url = pictures.show(jpeg);
      if (url === null && previewAs === 'address')
        throw new NightflowError(
          'unsupported',
          'A picture needs a web page for its address, and Node-RED serves none.',
          {
            remedy: 'Set httpNodeRoot in settings.js, or send the JPEG itself.',
          },
        );
      msg.payload = previewAs === 'jpeg' ? jpeg : url;
      msg.preview = { url, ...size, bytes: jpeg.byteLength };
      msg.annotation = annotation;
      send(msg);
      const { points, constellations } = annotation;
      const key = pictures.thisMachineOnly ? 'done-this-machine' : 'done';
      const figures = { points: points.length, constellations: constellations.length };
      status(pictures.thisMachineOnly ? 'waiting' : 'done', RED._(`astro-annotate.status.${key}`, figures));
    };

    showStatus(this, 'idle', RED._('astro-annotate.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock: clockOf(RED, config.site),
      run: async (work) => {
        const { frame, note, ends } = readIncoming(work.msg);
        if (frame) return draw(work, frame);
        if (ends && !note) work.send(work.msg);
      },
      close: () => pictures.close(),
    });
  });
}

/**
 * An all-sky solution, which no header can hold; else that of the header, which belongs to this very frame; else of the message.
 * @throws bad-input without one that fits
 */
function solutionOfMessage({ solution }: AstroMessage, frame: Frame): Wcs | AllSkyPlace {
  const fits = (size: { width: number; height: number } | undefined) =>
    size?.width === frame.width && size.height === frame.height;
  if (isAllSky(solution) && fits(solution.camera)) return solution;
  const solved = (solution as Partial<Solution> | undefined)?.wcs;
  const wcs = frameWcs(frame) ?? (solved && fits(solved) ? solved : null);
  if (wcs) return wcs;
  throw new NightflowError('bad-input', 'Nobody knows where this frame looks.', {
    remedy: 'Wire a solve node in front, and its first output to this node.',
  });
}

/** For a picture that is left as it is: a page may draw on it. */
const nothingOf = ({ width, height }: Annotation): Annotation => ({
  ...{ width, height, points: [], constellations: [], grid: [], horizon: null },
});

function targetOf(
  { target }: AstroMessage,
  frame: Frame,
): { name: string; raDegrees: number; decDegrees: number } | null {
  const { name, raDegrees, decDegrees } = (target ?? frame.target ?? {}) as Record<string, unknown>;
  if (typeof raDegrees !== 'number' || typeof decDegrees !== 'number') return null;
  return { name: typeof name === 'string' ? name : '', raDegrees, decDegrees };
}
