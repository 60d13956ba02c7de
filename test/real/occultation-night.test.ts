/**
 * The whole night for real: flows/occultation-night.json in a real Node-RED, which launches a real indiserver with Debian's simulators and
 * solves with solve-field. The sky is the true one (our gsc), the mount's axes are 0.37° off, one of three targets is below the
 * horizon. Times are compressed: the first target begins 85 s after the start, the next 70 s later.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { readFrame } from '../../lib/frame/read.ts';
import { readSerFilm } from '../../lib/frame/ser.ts';
import { IndiClient } from '../../lib/indi/client.ts';
import { isOn, numberOf } from '../../lib/indi/property.ts';
import type { RecordingProtocol } from '../../lib/night/stream-protocol.ts';
import { siderealTime } from '../../lib/sky/coordinates.ts';
import { offsetArcsec } from '../../lib/solve/solution.ts';
import { solveFieldSolver } from '../../lib/solve/solve-field.ts';
import { buildPackage, inPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { crookedAxes } from './crooked-axes.ts';
import { devices, freePort } from './indi-world.ts';
import { trueSky } from './true-sky.ts';

const mount = devices.mount.device;
const camera = devices.camera.device;
const site = { latitude: 51.4779, longitude: -0.0015, elevation: 46 };
const toleranceArcsec = 60;
const exposureSeconds = 0.2;
const durationSeconds = 8;

type FlowNode = Record<string, unknown> & { id: string; type: string; name?: string; wires?: string[][] };

/** What the conductor knew, after each message. */
interface Shown {
  phase: string;
  log: { at: string; level: string; text: string }[];
  events: { name: string; state: string; start: string }[];
  refused: string[];
}

/** High above the site now, so that the way there is short; and one on the other side of the Earth. */
function targets() {
  const meridian = (siderealTime(Date.now()) * 180) / Math.PI + site.longitude;
  const ra = (degrees: number) => (((meridian + degrees) % 360) + 360) % 360;
  return [
    { name: 'First', raDegrees: ra(-12), decDegrees: 66, afterSeconds: 85 },
    { name: 'Below', raDegrees: ra(180), decDegrees: -30, afterSeconds: 120 },
    { name: 'Second', raDegrees: ra(-20), decDegrees: 72, afterSeconds: 155 },
  ];
}
type Targets = ReturnType<typeof targets>;

/** The flow as it is, with a launched server, shorter times, a button that is pressed by itself, and a scribe. */
function nightFlow(list: Targets, port: number, journal: string): FlowNode[] {
  const flow = JSON.parse(readFileSync(inPackage('flows/occultation-night.json'), 'utf8')) as FlowNode[];
  const named = (name: string) => flow.find((node) => node.name === name)!;
  const indi = flow.find(({ type }) => type === 'astro-indi')!;
  Object.assign(indi, {
    mode: 'launch',
    port: String(port),
    drivers: ['telescope', 'ccd', 'focus', 'wheel', 'weather'].map((driver) => ({
      executable: `indi_simulator_${driver}`,
    })),
    devices: [
      // Bright stars more than a pixel wide, in a field of 1.9° x 1.5°: the indices from 1° on (36 MB) know it.
      row(camera, {
        SIMULATOR_SETTINGS: { SIM_SATURATION: 9, SIM_LIMITINGMAG: 12 },
        SCOPE_INFO: { FOCAL_LENGTH: 200, APERTURE: 50 },
        POLLING_PERIOD: { PERIOD_MS: 100 },
      }),
      // Drivers before 2.0 ask the mount, and what it says last counts.
      row(mount, { TELESCOPE_INFO: { TELESCOPE_FOCAL_LENGTH: 200, TELESCOPE_APERTURE: 50 } }),
    ],
  });
  const place = Object.entries(site).map(([name, value]) => [name, String(value)]);
  Object.assign(flow.find(({ type }) => type === 'astro-site')!, { ...Object.fromEntries(place), clock: 'real' });
  // The stars of the simulator shine by day, too.
  Object.assign(named("Tonight's list"), { leadSeconds: '60', armSeconds: '15', maximumSunDegrees: '' });
  Object.assign(named('Still visible?'), { maximumSunDegrees: '' });
  Object.assign(named('Telescope'), { exposureSeconds: '1', toleranceArcsec: String(toleranceArcsec) });
  Object.assign(named('Control picture'), { exposureSeconds: '1' });
  Object.assign(named('Cooler'), { rampCelsiusPerMinute: '60', warmCelsius: '0', holdSeconds: '1' });
  const conductor = named('Conductor');
  const tab = conductor.z;
  const lines = list.map(({ name, raDegrees, decDegrees, afterSeconds }) => ({
    head: `${name},${raDegrees.toFixed(6)},${decDegrees}`,
    afterSeconds,
  }));
  const start = `
const line = ({ head, afterSeconds }) => [head, new Date(Date.now() + afterSeconds * 1000).toISOString(), ${durationSeconds}, 10, ${exposureSeconds}].join(',');
const list = ['name,ra,dec,start,duration,magnitude,exposure', ...${JSON.stringify(lines)}.map(line)].join('\\n');
return { topic: 'command', command: 'start', settings: { list, cool: true, celsius: -4, live: true } };`;
  const scribe = `
const { phase, log, schedule } = msg.payload;
const refused = schedule.refused.map(({ reason }) => reason);
return { payload: JSON.stringify({ phase, log, events: schedule.events, refused }) };`;
  conductor.wires!.at(-1)!.push('scribe');
  const at = { z: tab, x: 0, y: 0 };
  return [
    ...flow,
    { ...at, id: 'press', type: 'inject', props: [], once: true, onceDelay: '2', repeat: '', wires: [['list']] },
    { ...at, id: 'list', type: 'function', func: start, outputs: 1, libs: [], wires: [[conductor.id]] },
    { ...at, id: 'scribe', type: 'function', func: scribe, outputs: 1, libs: [], wires: [['journal']] },
    {
      ...{ ...at, id: 'journal', type: 'file', filename: journal, filenameType: 'str', appendNewline: true },
      ...{ createDir: false, overwriteFile: 'false', encoding: 'none', wires: [[]] },
    },
  ];
}

/** As the dialog of the server keeps the settings of a device. */
const row = (device: string, settings: Record<string, Record<string, number>>) => ({
  device,
  settings: Object.entries(settings)
    .flatMap(([property, values]) =>
      Object.entries(values).map(([element, value]) => `${property}.${element}=${value}`),
    )
    .join('\n'),
});

/** What the devices were last heard to say, by a client of its own. */
interface Heard {
  parked: boolean;
  celsius: number | null;
  coolerOn: boolean;
  connected: Map<string, boolean>;
  /** How often the mount was told where it points. */
  syncs: number;
}

function listenIn(client: IndiClient): Heard {
  const heard: Heard = { parked: false, celsius: null, coolerOn: false, connected: new Map(), syncs: 0 };
  client.store.on('event', (event) => {
    if (event.what !== 'updated' && event.what !== 'defined') return;
    const { property } = event;
    if (property.name === 'CONNECTION') heard.connected.set(property.device, isOn(property, 'CONNECT'));
    if (property.name === 'TELESCOPE_PARK') heard.parked = isOn(property, 'PARK') && property.state !== 'Busy';
    if (property.name === 'ON_COORD_SET' && isOn(property, 'SYNC')) heard.syncs++;
    if (property.name === 'CCD_TEMPERATURE') heard.celsius = numberOf(property, 'CCD_TEMPERATURE_VALUE');
    if (property.name === 'CCD_COOLER') heard.coolerOn = isOn(property, 'COOLER_ON');
  });
  return heard;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

interface Night {
  list: Targets;
  last: Shown;
  heard: Heard;
  serverGone: boolean;
  folder: string;
  files: string[];
  output: string;
}

const rubbish: string[] = [];
afterAll(() => {
  for (const folder of rubbish) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function spendNight(): Promise<Night> {
  const userDir = temporaryFolder();
  const home = join(userDir, 'home');
  rubbish.push(userDir);
  mkdirSync(home);
  const sky = await trueSky();
  const port = await freePort();
  const journal = join(userDir, 'journal.txt');
  const list = targets();
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(nightFlow(list, port, journal)));
  writeFileSync(journal, '');
  const backOff = { firstSeconds: 0.2, factor: 1, maximumSeconds: 0.2, jitter: 0 };
  const client = new IndiClient({ host: '127.0.0.1', port, clock: realClock, backOff });
  const heard = listenIn(client);
  crookedAxes(client, mount, camera, { raDegrees: 0.5, decDegrees: -0.3 });
  let running: Running | null = null;
  try {
    running = await startOurs(userDir, { ...sky.env, HOME: home });
    void client.start({ timeoutSeconds: 600 }).catch(() => {});
    const shown = async (): Promise<Shown | null> => {
      const line = (await readFile(journal, 'utf8')).trimEnd().split('\n').at(-1);
      return line ? JSON.parse(line) : null;
    };
    const ended = async () => {
      const now = await shown();
      return now !== null && now.log.length > 0 && /over|idle|stopped/.test(now.phase);
    };
    await expect
      .poll(ended, { timeout: 480_000, interval: 1000 })
      .toBe(true)
      .catch(async (cause: unknown) => {
        throw new Error(`The night did not end.\n${JSON.stringify(await shown())}\n${running?.output()}`, { cause });
      });
    const last = (await shown())!;
    const folder = join(userDir, 'archive', 'occultations');
    const files = (await readdir(folder, { recursive: true })).filter((file) => /\.\w+$/.test(file));
    return { list, last, heard, serverGone: !(await answers(port)), folder, files, output: running.output() };
  } finally {
    await client.close();
    await running?.stop();
    await sky.end();
  }
}

describe('the occultation night', () => {
  let night: Night;

  it('goes from the first command to the stopped server', async () => {
    buildPackage();
    night = await spendNight();
    const story = night.last.log.map(({ level, text }) => `${level}: ${text}`).join('\n');
    expect(night.last.phase, `${story}\n${night.output}`).toBe('over');
    expect(story).toContain('The night is over, everything is put away.');
    expect(night.last.events.map(({ name, state }) => `${name} ${state}`).sort(), story).toEqual([
      ...['First done', 'Second done'],
    ]);
  }, 600_000);

  it('refuses the target below the horizon before it begins, with the reason', () => {
    expect(night.last.refused).toHaveLength(1);
    expect(night.last.refused[0]).toMatch(/Below/);
    expect(night.last.refused[0]).toMatch(/horizon|°/);
    expect(night.last.log.some(({ text }) => text.startsWith('Refused: '))).toBe(true);
  });

  it('centres each target by its stars, through the error of the axes', async () => {
    expect(night.heard.syncs).toBeGreaterThan(0);
    for (const { name, ...target } of night.list.filter((each) => each.name !== 'Below')) {
      expect(night.last.log.map(({ text }) => text)).toContainEqual(expect.stringMatching(`^${name}: centred to`));
      const picture = night.files.find((file) => file.includes(`${name}_`) && file.endsWith('.fits'));
      expect(picture, name).toMatch(/\d{4}-\d{2}-\d{2}.*_control\.fits$/);
      const frame = await readFrame(join(night.folder, picture!));
      const hints = { ...target, radiusDegrees: 3, scaleLow: 5, scaleHigh: 6 };
      const { solution, reason } = await solveFieldSolver().solve({ frame, hints, timeoutSeconds: 60 });
      expect(solution, `${name}: ${reason}`).not.toBeNull();
      expect(offsetArcsec(solution!, target)).toBeLessThan(toleranceArcsec + 5);
    }
  }, 180_000);

  it('records each over its instant, with UTC stamps of the driver', async () => {
    for (const { name, start } of night.last.events) {
      const path = night.files.find((file) => file.includes(`${name}_`) && file.endsWith('.ser'));
      expect(path, night.files.join('\n')).toBeDefined();
      const film = await readSerFilm(join(night.folder, path!));
      const protocol: RecordingProtocol = JSON.parse(
        await readFile(join(night.folder, path!.replace(/\.ser$/, '.json')), 'utf8'),
      );
      expect(film).toMatchObject({ width: 1280, height: 1024, depth: 16, whole: film.frames });
      // 40 frames at 5 a second; the simulator draws each anew, so on a computer with other work they are fewer.
      expect(film.frames).toBeGreaterThan(15);
      expect(film.times).toHaveLength(film.frames);
      const stamps = film.times.map((time) => Date.parse(time!));
      const steps = stamps.slice(1).map((stamp, n) => stamp - stamps[n]!);
      expect(Math.min(...steps)).toBeGreaterThan(0);
      const cadence = steps.toSorted((a, b) => a - b)[steps.length >> 1]!;
      expect(cadence).toBeGreaterThan(0.9 * exposureSeconds * 1000);
      expect(cadence).toBeLessThan(3 * exposureSeconds * 1000);
      // Over the instant: it began at its start, and lasted.
      expect(Math.abs(stamps[0]! - Date.parse(start))).toBeLessThan(2000);
      expect(stamps.at(-1)! - stamps[0]!).toBeGreaterThan((durationSeconds - 1) * 1000);
      expect(protocol).toMatchObject({
        format: 'nightflow-recording',
        target: { name },
        exposureSeconds,
        film: { recordedBy: 'driver', ended: 'done', onServer: false },
        stamps: { by: 'driver' },
        figures: { frames: film.frames },
      });
      expect(protocol.clock.before?.source).toBeTruthy();
    }
  }, 60_000);

  it('leaves the mount parked, the camera warm, the devices disconnected and no server', () => {
    expect(night.heard.parked).toBe(true);
    expect(night.heard.coolerOn).toBe(false);
    expect(night.heard.celsius).toBeGreaterThan(-2);
    expect([...night.heard.connected].filter(([, connected]) => connected)).toEqual([]);
    expect(night.serverGone).toBe(true);
  });
});
