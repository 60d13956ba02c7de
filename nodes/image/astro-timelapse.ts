/** astro-timelapse: gathers frames through the night and makes a film of them. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Node, NodeAPI } from 'node-red';
import { Film, type FilmPictureOptions } from '../../lib/night/film.ts';
import { type FilmOptions, filmExtension } from '../../lib/night/timelapse.ts';
import { asNightflowError } from '../../lib/process/errors.ts';
import { handleInput, reportFailure, type Work } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { openPictures } from '../pictures.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';
import { drcInput } from './drc-input.ts';
import { carriedOn, readIncoming } from './incoming.ts';
import { NightWork } from './night-work.ts';
import { requireSite } from './require-site.ts';

const inputs = {
  codec: { type: 'choice', label: 'codec', choices: ['h264', 'mjpeg'], default: 'h264' },
  fps: { type: 'number', label: 'frame rate', default: 25, minimum: 0.1, maximum: 120, unit: 'frames a second' },
  filmWidth: {
    type: 'number',
    label: 'width',
    default: 1920,
    minimum: 16,
    maximum: 3840,
    integer: true,
    unit: 'pixels',
  },
  crf: { type: 'number', label: 'quality (CRF)', default: 21, minimum: 0, maximum: 51, integer: true },
  megabits: { type: 'number', label: 'bit rate', default: null, minimum: 0.1, maximum: 400, unit: 'Mbit/s' },
  deflicker: { type: 'boolean', label: 'deflicker', default: false },
  stretch: { type: 'choice', label: 'stretch', choices: ['auto', 'none'], default: 'auto' },
  drc: drcInput,
  runningSeconds: {
    type: 'number',
    label: 'time between running films',
    default: 0,
    minimum: 0,
    maximum: 86400,
    unit: 's',
  },
  template: { type: 'text', label: 'file name', default: '{night}/film_{night}' },
} as const satisfies InputTable;

const jpegQuality = 90;
/** Until films of earlier nights that could not be made without ffmpeg are tried again. */
const tryAgainMilliseconds = 600_000;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-timelapse', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const clock = clockOf(RED, config.site);
    const site = siteOf(RED, config.site);
    const pictures = openPictures(RED, this.id, site);
    let opened: NightWork<Film> | null = null;
    let pictureOptions: FilmPictureOptions;
    let runningAt: number | null = null;
    /** One ffmpeg at a time; frames don't wait for it. */
    let encoding: Promise<void> = Promise.resolve();
    let busy = false;
    /** Since when no film can be made because ffmpeg is not installed, and the night for which that was said. */
    let trouble: { night: string | null; triedAt: number } | null = null;

    const workOf = (): NightWork<Film> => {
      opened ??= new NightWork(requireSite(site), this.id, {
        open: (folder) => Film.open(folder),
        begin: (folder, night, frame) => Film.begin(folder, night, frame, pictureOptions),
      });
      return opened;
    };

    const build = async (film: Film, work: Work<typeof inputs>, event: 'running' | 'end' | null) => {
      const { settings, signal, send, status, msg } = work;
      const { codec, fps, crf, megabits, deflicker, template } = settings;
      const { night } = film.state;
      const { frames } = film;
      const say = (key: string, values: object) => RED._(`astro-timelapse.status.${key}`, { frames, ...values });
      let percent = -1;
      const options: FilmOptions = {
        ...{ codec, framesPerSecond: fps, quality: crf, megabitsPerSecond: megabits, deflicker, signal },
        onProgress: (done) => {
          const now = Math.floor((100 * done) / frames);
          if (now === percent) return;
          percent = now;
          status('working', say('encoding', { percent }));
          const payload = { frames: done, of: frames, progress: done / frames };
          send(null, { ...carriedOn(msg), payload, event: 'progress' } as AstroMessage);
        },
      };
      const { path, release } = await workOf().place(film, template, filmExtension(codec));
      await film.build(path, options, event !== 'running').finally(release);
      const { size } = await stat(path);
      const file = { path, bytes: size, format: filmExtension(codec).slice(1), url: pictures.fileUrl(path) };
      const details = { night, frames, seconds: frames / fps, framesPerSecond: fps, codec };
      const message = { ...carriedOn(msg), payload: path, file, film: details } as AstroMessage;
      if (event) message.event = event;
      if (event === 'running') send(null, message);
      else send(message);
      status('done', say('done', { name: basename(path) }));
      trouble = null;
    };

    /**
     * In its turn, without keeping frames waiting. What goes wrong is reported for its message, so that Catch sees it; that ffmpeg is
     * not installed, which every film of the night meets again, is reported once a night.
     */
    const inBackground = (work: Work<typeof inputs>, task: () => Promise<void>) => {
      encoding = encoding.then(task).catch((thrown) => {
        const missing = asNightflowError(thrown).code === 'missing';
        const night = opened?.current?.state.night ?? null;
        const known = missing && trouble?.night === night;
        if (missing) trouble = { night, triedAt: clock.now() };
        reportFailure(this, thrown, (error) => error && !known && this.error(error, work.msg));
      });
    };

    const buildOwed = (owed: readonly Film[], work: Work<typeof inputs>) => {
      for (const film of owed)
        inBackground(work, async () => {
          if (film.unfinished) await build(film, work, null);
          await workOf().settle(film);
        });
    };

    showStatus(this, 'idle', RED._('astro-timelapse.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      drain: true,
      run: async (work) => {
        const { msg, settings, send, status } = work;
        const { frame, ends, command, note } = readIncoming(msg, ['finish', 'reset']);
        if (note) return;
        const { filmWidth: width, stretch, drc, runningSeconds } = settings;
        pictureOptions = { width, stretch, drc, jpegQuality };
        if (command === 'reset') {
          await encoding;
          await workOf().reset();
          return status('idle', RED._('astro-timelapse.status.idle'));
        }
        if (frame) {
          const product = await workOf().forFrame(frame);
          // Not abortable: at a close the frame still gets onto the disk.
          await product.add(frame, pictureOptions);
          buildOwed(workOf().takeOwed(), work);
          if (trouble && !busy && clock.now() - trouble.triedAt >= tryAgainMilliseconds) {
            trouble.triedAt = clock.now();
            buildOwed(workOf().owed, work);
          }
          if (!busy && !trouble)
            status('working', RED._('astro-timelapse.status.gathered', { frames: product.frames }));
          runningAt ??= clock.now();
          if (!ends && !busy && runningSeconds > 0 && clock.now() - runningAt >= runningSeconds * 1000) {
            runningAt = clock.now();
            busy = true;
            inBackground(work, () =>
              build(product, work, 'running').finally(() => {
                busy = false;
              }),
            );
          }
        }
        if (!ends) return;
        buildOwed(workOf().owed, work);
        await encoding;
        const film = await workOf().resume();
        if (film?.unfinished) await build(film, work, 'end');
        else send({ ...carriedOn(msg), payload: null, event: 'end' } as AstroMessage);
      },
      close: async () => {
        await encoding;
        pictures.close();
      },
    });
  });
}
