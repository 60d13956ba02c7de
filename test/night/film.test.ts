import { access, chmod, mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { Film, type FilmPictureOptions } from '../../lib/night/film.ts';
import { type FilmOptions, filmWidth } from '../../lib/night/timelapse.ts';
import { runProgram } from '../../lib/process/child.ts';
import { type SmallFrame, smallFrame } from './small-frames.ts';

const night = '2026-01-12';
const pictures: FilmPictureOptions = { width: 1920, stretch: 'none', drc: 'off', jpegQuality: 90 };
const h264: FilmOptions = {
  codec: 'h264',
  framesPerSecond: 25,
  quality: 20,
  megabitsPerSecond: null,
  deflicker: false,
};
let base: string;
let folder: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'nightflow-film-'));
  folder = join(base, 'work', night);
});
afterEach(() => rm(base, { recursive: true, force: true }));
afterAll(closeSharedPool);

async function filmOf(count: number, more: SmallFrame = {}): Promise<Film> {
  const frames = Array.from({ length: count }, (_, index) =>
    smallFrame(index * 5, { value: 20000 + index * 500, ...more }),
  );
  const film = await Film.begin(folder, night, frames[0]!, pictures);
  for (const frame of frames) await film.add(frame, pictures);
  return film;
}

async function probe(path: string): Promise<Record<string, string | number>> {
  const { stdout } = await runProgram(
    'ffprobe',
    ['-v', 'error', '-count_frames', '-show_entries', 'stream', '-of', 'json', path],
    { silenceSeconds: 60 },
  );
  return JSON.parse(stdout).streams[0];
}

/** The four-letter names of an MP4's top boxes in order. */
async function boxes(path: string): Promise<string[]> {
  const handle = await open(path);
  const names: string[] = [];
  const { size } = await handle.stat();
  const header = Buffer.alloc(8);
  for (let at = 0; at < size; at += header.readUInt32BE(0)) {
    await handle.read(header, 0, 8, at);
    names.push(header.toString('latin1', 4, 8));
  }
  await handle.close();
  return names;
}

/** A program in place of ffmpeg. */
async function program(source: string): Promise<string> {
  const path = join(base, 'ffmpeg-stand-in');
  await writeFile(path, `#!${process.execPath}\n${source}`);
  await chmod(path, 0o755);
  return path;
}
const leftOvers = async () => (await readdir(base)).filter((name) => name.includes('part'));

describe('a film', () => {
  it('is H.264 in yuv420p with even sides and its index in front, so that a phone plays it at once', async () => {
    const film = await filmOf(12, { width: 101, height: 75 });
    const path = join(base, 'films', 'night.mp4');
    const progress: number[] = [];
    await film.build(path, { ...h264, onProgress: (done) => progress.push(done) }, true);
    expect(await probe(path)).toMatchObject({
      codec_name: 'h264',
      pix_fmt: 'yuv420p',
      width: 100,
      height: 74,
      r_frame_rate: '25/1',
      nb_read_frames: '12',
      color_space: 'bt709',
      color_range: 'tv',
    });
    const order = await boxes(path);
    expect(order.indexOf('moov')).toBeLessThan(order.indexOf('mdat'));
    expect(progress.at(-1)).toBe(12);
    expect(film.unfinished).toBe(false);
  });

  it('keeps the brightness of its frames', async () => {
    const film = await filmOf(3, { value: 12850, width: 64, height: 64 }); // linear 0.196: sRGB 0.48, 123 of 255
    const path = join(base, 'night.mp4');
    await film.build(path, { ...h264, quality: 1 }, true);
    const raw = join(base, 'raw.gray');
    await runProgram(
      'ffmpeg',
      [
        '-v',
        'error',
        '-i',
        path,
        '-frames:v',
        '1',
        '-vf',
        'scale=out_range=full',
        '-f',
        'rawvideo',
        '-pix_fmt',
        'gray',
        raw,
      ],
      { silenceSeconds: 60 },
    );
    const handle = await open(raw);
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, 2000);
    await handle.close();
    expect(Math.abs(buffer[0]! - 123)).toBeLessThanOrEqual(2);
  });

  it('can be the JPEGs themselves', async () => {
    const film = await filmOf(5);
    const path = join(base, 'night.avi');
    await film.build(path, { ...h264, codec: 'mjpeg', framesPerSecond: 10 }, true);
    expect(await probe(path)).toMatchObject({
      codec_name: 'mjpeg',
      nb_read_frames: '5',
      r_frame_rate: '10/1',
      width: 32,
    });
  });

  it('takes a bit rate and evens out flicker', async () => {
    const film = await filmOf(8);
    await film.build(join(base, 'a.mp4'), { ...h264, megabitsPerSecond: 2, deflicker: true }, true);
    await film.build(join(base, 'a.avi'), { ...h264, codec: 'mjpeg', deflicker: true }, true);
    expect(await probe(join(base, 'a.mp4'))).toMatchObject({ nb_read_frames: '8' });
    expect(await probe(join(base, 'a.avi'))).toMatchObject({ codec_name: 'mjpeg', nb_read_frames: '8' });
  });

  it('grows: the longer one takes the place of the shorter', async () => {
    const film = await filmOf(3);
    const path = join(base, 'night.mp4');
    await film.build(path, h264, true);
    await film.add(smallFrame(100), pictures);
    expect(film.unfinished).toBe(true);
    await film.build(path, h264, true);
    expect((await probe(path)).nb_read_frames).toBe('4');
  });

  it('is not made again when it has all frames', async () => {
    const film = await filmOf(3);
    const path = join(base, 'night.mp4');
    await film.build(path, h264, false);
    expect(film.unfinished).toBe(true);
    await film.build(path, { ...h264, program: 'nightflow-no-such-program' }, true);
    expect(film.unfinished).toBe(false);
    await rm(path);
    await expect(film.build(path, { ...h264, program: 'nightflow-no-such-program' }, true)).rejects.toMatchObject({
      code: 'missing',
    });
  });

  it('goes on after a crash: the frames, and whether they are in the film', async () => {
    await filmOf(4);
    await writeFile(join(folder, 'frames', '000005.jpg.ab12.nightflow-part'), 'half a frame');
    const after = (await Film.open(folder))!;
    expect([after.frames, after.unfinished]).toEqual([4, true]);
    await after.add(smallFrame(100), pictures);
    await after.build(join(base, 'night.mp4'), h264, true);
    expect((await probe(join(base, 'night.mp4'))).nb_read_frames).toBe('5');
    const again = (await Film.open(folder))!;
    expect([again.unfinished, again.state.path]).toEqual([false, join(base, 'night.mp4')]);
    await again.remove();
    expect(await Film.open(folder)).toBeNull();
  });

  it('refuses a frame of another size and goes on', async () => {
    const film = await filmOf(2);
    await expect(film.add(smallFrame(50, { width: 64 }), pictures)).rejects.toMatchObject({ code: 'bad-input' });
    expect(film.frames).toBe(2);
  });

  it.each([
    [{ width: 4056, height: 3040 }, 3840, 2880],
    [{ width: 4056, height: 3040 }, 1920, 1920],
    [{ width: 6000, height: 2000 }, 9999, 3840],
    [{ width: 641, height: 480 }, 1920, 640],
    [{ width: 3040, height: 4056 }, 9999, 1618],
  ])('of %o frames asked to be %d wide is %d wide', (frame, width, expected) => {
    expect(filmWidth(frame, width)).toBe(expected);
    expect(Math.round((expected * frame.height) / frame.width)).toBeLessThanOrEqual(2160);
  });
});

describe('without a film at the end', () => {
  const path = () => join(base, 'night.mp4');
  const nothingBroken = async () => {
    await expect(access(path())).rejects.toThrow('ENOENT');
    expect(await leftOvers()).toEqual([]);
    expect((await readdir(join(folder, 'frames'))).length).toBe(6);
  };

  it('says how to install ffmpeg, and keeps the frames', async () => {
    const film = await filmOf(6);
    const { PATH } = process.env;
    process.env.PATH = join(base, 'empty');
    const failure = await film.build(path(), h264, true).catch((error) => error);
    process.env.PATH = PATH;
    expect(failure).toMatchObject({
      code: 'missing',
      message: 'The film was not made: The program ffmpeg is not installed.',
      remedy: 'Install it with: sudo apt install ffmpeg',
    });
    await nothingBroken();
    await film.build(path(), h264, true);
    expect((await probe(path())).nb_read_frames).toBe('6');
  });

  it('gives one clear error when ffmpeg is killed in the middle, and makes the film at the next try', async () => {
    const film = await filmOf(6);
    const dying = await program(
      `require('fs').writeFileSync(process.argv.at(-1), 'half a film'); console.log('frame=2'); process.stdin.once('data', () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)); setInterval(() => {}, 1000);`,
    );
    await expect(film.build(path(), { ...h264, program: dying }, true)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/^The film was not made \(2 of 6 frames were in it\): .* was ended by SIGKILL/),
      remedy: 'The frames are kept: send finish to try again.',
    });
    await nothingBroken();
    await film.build(path(), h264, true);
    expect((await stat(path())).size).toBeGreaterThan(500);
  });

  it('knows a full disk', async () => {
    const film = await filmOf(6);
    const full = await program(
      `console.error('av_interleaved_write_frame(): No space left on device'); process.exitCode = 1;`,
    );
    await expect(film.build(path(), { ...h264, program: full }, true)).rejects.toMatchObject({ code: 'disk-full' });
    await nothingBroken();
  });

  it('stops at once when told', async () => {
    const film = await filmOf(6);
    const endless = await program(`process.stdin.resume(); setInterval(() => console.log('frame=1'), 20);`);
    const stop = new AbortController();
    await expect(
      film.build(path(), { ...h264, program: endless, signal: stop.signal, onProgress: () => stop.abort() }, true),
    ).rejects.toMatchObject({ code: 'aborted' });
    await nothingBroken();
  });

  it('keeps an older film when the longer one fails', async () => {
    const film = await filmOf(6);
    await film.build(path(), h264, true);
    await film.add(smallFrame(100), pictures);
    const third = (await readdir(join(folder, 'frames'))).find((name) => name.startsWith('000003'))!;
    await rm(join(folder, 'frames', third));
    await mkdir(join(folder, 'frames', third));
    await expect(film.build(path(), h264, true)).rejects.toMatchObject({ code: 'failed' });
    expect((await probe(path())).nb_read_frames).toBe('6');
  });
});
