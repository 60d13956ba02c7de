/** astro-keogram: a night as one picture, a column of sky per frame, with a time axis. */
import { basename } from 'node:path';
import type { Node, NodeAPI } from 'node-red';
import { Keogram, type KeogramOptions } from '../../lib/night/keogram.ts';
import { writeDurably } from '../../lib/process/durable.ts';
import { handleInput, type Work } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { openPictures } from '../pictures.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';
import { drcInput } from './drc-input.ts';
import { carriedOn, readIncoming } from './incoming.ts';
import { NightWork } from './night-work.ts';
import { requireSite } from './require-site.ts';

const inputs = {
  columnPosition: { type: 'number', label: 'position of the column', default: 0.5, minimum: 0, maximum: 1 },
  columnAngle: { type: 'number', label: 'angle of the column', default: 0, minimum: -360, maximum: 360, unit: '°' },
  columnWidth: { type: 'number', label: 'width of the column', default: 9, minimum: 1, maximum: 2000, unit: 'pixels' },
  keogramHeight: {
    type: 'number',
    label: 'height',
    default: 480,
    minimum: 16,
    maximum: 4320,
    integer: true,
    unit: 'pixels',
  },
  stretch: { type: 'choice', label: 'stretch', choices: ['auto', 'none'], default: 'auto' },
  drc: drcInput,
  runningSeconds: {
    type: 'number',
    label: 'time between running pictures',
    default: 60,
    minimum: 0,
    maximum: 86400,
    unit: 's',
  },
  template: { type: 'text', label: 'file name', default: '{night}/keogram_{night}' },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-keogram', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const clock = clockOf(RED, config.site);
    const site = siteOf(RED, config.site);
    const pictures = openPictures(RED, this.id, site);
    let opened: NightWork<Keogram> | null = null;
    let options: KeogramOptions;
    let runningAt = Number.NEGATIVE_INFINITY;

    const workOf = (): NightWork<Keogram> => {
      opened ??= new NightWork(requireSite(site), this.id, {
        open: (folder) => Keogram.open(folder),
        begin: (folder, night, frame) => Keogram.begin(folder, night, frame, options),
      });
      return opened;
    };

    const picture = async (keogram: Keogram, { msg, signal }: Work<typeof inputs>) => {
      const { png, ...drawn } = await keogram.draw(site?.site ?? null, signal);
      const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
      const url = pictures.show(bytes, 'image/png');
      const { width, height } = drawn;
      const preview = { url, width, height, bytes: bytes.byteLength };
      const details = { ...drawn, night: keogram.state.night, frames: keogram.frames };
      return { bytes, url, message: { ...carriedOn(msg), preview, keogram: details } };
    };

    /** What last night or an earlier rehearsal left. */
    const finishOwed = async (owed: readonly Keogram[], work: Work<typeof inputs>) => {
      for (const keogram of owed) {
        if (keogram.unfinished) await finish(keogram, work);
        await workOf().settle(keogram);
      }
    };

    const finish = async (keogram: Keogram, work: Work<typeof inputs>, event?: string) => {
      const { frames } = keogram;
      const { bytes, message } = await picture(keogram, work);
      const { path, release } = await workOf().place(keogram, work.settings.template, '.png');
      try {
        await writeDurably(path, [bytes]);
        await keogram.made(path, frames, true);
      } finally {
        release();
      }
      const file = { path, bytes: bytes.byteLength, format: 'png', url: pictures.fileUrl(path) };
      work.send({ ...message, payload: path, file, ...(event ? { event } : {}) } as AstroMessage);
      work.status('done', RED._('astro-keogram.status.done', { frames, name: basename(path) }));
    };

    showStatus(this, 'idle', RED._('astro-keogram.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      drain: true,
      run: async (work) => {
        const { msg, settings, send, status } = work;
        const { frame, ends, command, note } = readIncoming(msg, ['finish', 'reset']);
        if (note) return;
        const { columnAngle, columnPosition, columnWidth, keogramHeight, stretch, drc } = settings;
        options = {
          angleDegrees: columnAngle,
          position: columnPosition,
          columnWidth,
          height: keogramHeight,
          stretch,
          drc,
        };
        if (command === 'reset') {
          await workOf().reset();
          return status('idle', RED._('astro-keogram.status.idle'));
        }
        if (frame) {
          const product = await workOf().forFrame(frame);
          // Not abortable: at a close the frame's column still gets onto the disk.
          await product.add(frame, options);
          await finishOwed(workOf().takeOwed(), work);
          status('working', RED._('astro-keogram.status.running', { frames: product.frames }));
          const due = settings.runningSeconds > 0 && clock.now() - runningAt >= settings.runningSeconds * 1000;
          if (due && !ends) {
            runningAt = clock.now();
            const { url, message } = await picture(product, work);
            send(null, { ...message, payload: url, event: 'running' } as AstroMessage);
          }
        }
        if (!ends) return;
        await finishOwed(workOf().owed, work);
        const keogram = await workOf().resume();
        if (keogram?.unfinished) await finish(keogram, work, 'end');
        else send({ ...carriedOn(msg), payload: null, event: 'end' } as AstroMessage);
      },
      close: () => pictures.close(),
    });
  });
}
