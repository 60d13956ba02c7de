/** astro-hfr: how sharp the stars of a frame are: HFR and FWHM, their number, the tilt, and a loupe on three of them. */
import type { Node, NodeAPI } from 'node-red';
import type { Frame } from '../../lib/frame/frame.ts';
import { loupe } from '../../lib/stars/loupe.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import type { StarMeasurement } from '../../lib/stars/measurement.ts';
import { pixelScale } from '../../lib/stars/pixel-scale.ts';
import { handleInput, type Work } from '../handle.ts';
import { readIncoming } from '../image/incoming.ts';
import { LatestOnly } from '../image/latest-only.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { openPictures, type Pictures } from '../pictures.ts';
import { showStatus } from '../status.ts';
import { clockOf } from '../types.ts';

const inputs = {
  thresholdSigma: { type: 'number', label: 'threshold', default: 5, minimum: 2, maximum: 100, unit: 'sigma' },
  maximumStars: { type: 'number', label: 'number of stars', default: null, minimum: 1, maximum: 1e6, integer: true },
  scaleArcseconds: { type: 'number', label: 'scale', default: null, minimum: 0.01, maximum: 3600, unit: '″/px' },
  focalLength: { type: 'number', label: 'focal length', default: null, minimum: 0.1, maximum: 1e5, unit: 'mm' },
  pixelSize: { type: 'number', label: 'pixel size', default: null, minimum: 0.1, maximum: 1000, unit: 'µm' },
  loupeAs: { type: 'choice', label: 'loupe', choices: ['off', 'address', 'png'], default: 'off' },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-hfr', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const clock = clockOf(RED, config.site);
    const latestOnly = config.newest === true ? new LatestOnly() : null;
    const pictures = new Map<string, Pictures>();
    let skipped = 0;

    const measure = async ({ msg, settings, signal, send, status }: Work<typeof inputs>, frame: Frame) => {
      const { thresholdSigma, maximumStars, focalLength, pixelSize } = settings;
      const optics = { focalLengthMillimetres: focalLength, pixelSizeMicrometres: pixelSize };
      const scaleArcseconds = settings.scaleArcseconds ?? pixelScale(frame, optics);
      const options = { thresholdSigma, scaleArcseconds, signal, ...(maximumStars === null ? {} : { maximumStars }) };
      const { stars, ...measurement } = await measureStars(frame, options);
      msg.payload = measurement.hfr;
      msg.stars = stars;
      msg.measurement = measurement;
      delete msg.loupe;
      if (settings.loupeAs !== 'off') {
        const found = await loupe(frame, stars, { signal });
        msg.loupe = found.map(({ png, ...figures }) =>
          settings.loupeAs === 'png' ? { ...figures, png } : { ...figures, url: show(figures.star, png) },
        );
      }
      send(msg);
      const hidden = settings.loupeAs === 'address' && [...pictures.values()].some((each) => each.thisMachineOnly);
      const key = `done${hidden ? '-this-machine' : ''}${skipped > 0 ? '-skipped' : ''}`;
      if (measurement.hfr === null) status('waiting', measurement.reason?.text ?? RED._('astro-hfr.status.none'));
      else status(hidden ? 'waiting' : 'done', RED._(`astro-hfr.status.${key}`, { ...shown(measurement), skipped }));
    };

    /** Each of the three stars has a picture of its own, under the node's id and the star's name. */
    const show = (star: string, png: Buffer): string | null => {
      const known = pictures.get(star) ?? openPictures(RED, `${this.id}-${star}`);
      pictures.set(star, known);
      return known.show(png, 'image/png');
    };

    showStatus(this, 'idle', RED._('astro-hfr.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      parallel: latestOnly !== null,
      run: async (work) => {
        const { frame, note, ends } = readIncoming(work.msg);
        if (!frame) {
          if (ends && !note) work.send(work.msg);
          return;
        }
        if (!latestOnly) return measure(work, frame);
        const release = clock.hold();
        try {
          if (!(await latestOnly.enter())) {
            skipped++;
            return;
          }
          await measure(work, frame).finally(() => latestOnly.leave());
        } finally {
          release();
        }
      },
      close: () => {
        for (const each of pictures.values()) each.close();
      },
    });
  });
}

/** The figures of the status line. */
function shown({ hfr, hfrArcseconds, count }: Omit<StarMeasurement, 'stars'>): Record<string, string | number> {
  const arcseconds = hfrArcseconds === null ? '' : ` (${hfrArcseconds.toPrecision(3)}″)`;
  return { hfr: `${(hfr ?? 0).toFixed(2)} px${arcseconds}`, stars: count };
}
