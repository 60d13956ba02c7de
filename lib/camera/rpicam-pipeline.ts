/**
 * libcamera's own watchdog, out of the way of ours. It ends a stream after five frame lengths, but at least one second: too early for a
 * short exposure on a busy computer, far too late for a long one. Its configuration file names another time
 * (`camera_timeout_value_ms`; libcamera, src/libcamera/pipeline/rpi/{vc4,pisp}/data/example.yaml).
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** libcamera reads the file that this names; rpicam-apps set it themselves only where it is not set. */
const variable = 'LIBCAMERA_RPI_CONFIG_FILE';

/** What rpicam-apps take on a Raspberry Pi 4 and older, the first that is there; nothing on a Raspberry Pi 5. */
const usualFiles = ['/usr/local/share', '/usr/share'].map(
  (share) => `${share}/libcamera/pipeline/rpi/vc4/rpi_apps.yaml`,
);

export interface PipelineOptions {
  /** libcamera's path of the camera. */
  cameraId: string;
  /** So long may the sensor be silent. */
  silentSeconds: number;
  /** Where the file is written. */
  folder: string;
  environment?: NodeJS.ProcessEnv;
  files?: readonly string[];
}

/** What to add to a program's environment; nothing where the user has a configuration or a time of their own, or for another kind of camera. */
export async function pipelineEnvironment(options: PipelineOptions): Promise<Record<string, string>> {
  const { cameraId, silentSeconds, folder, environment = process.env, files = usualFiles } = options;
  const target = targetOf(cameraId);
  if (target === null || environment[variable]) return {};
  const usual = target === 'bcm2835' ? await firstOf(files) : null;
  const text = withTimeout(usual ?? bare(target), Math.round(silentSeconds * 1000));
  if (text === null) return {};
  const path = join(folder, 'pipeline.yaml');
  await writeFile(path, text);
  return { [variable]: path };
}

/** A file for another one is refused, and the camera is not found. */
function targetOf(cameraId: string): 'bcm2835' | 'pisp' | null {
  if (/\/rp1\b/.test(cameraId)) return 'pisp';
  return /^\/base\/soc\b/.test(cameraId) ? 'bcm2835' : null;
}

const bare = (target: string): string =>
  `{ "version": 1.0, "target": "${target}", "pipeline_handler": { "camera_timeout_value_ms": 0 } }\n`;

/** null: it has a time already, or is not laid out as those that we know. */
function withTimeout(text: string, milliseconds: number): string | null {
  const time = /^([^#\n]*"camera_timeout_value_ms"\s*:\s*)(\d+)/m;
  const there = time.exec(text);
  if (there) return Number(there[2]) > 0 ? null : text.replace(time, `$1${milliseconds}`);
  const head = /^[^#\n]*"pipeline_handler"\s*:\s*\{/m;
  if (!head.test(text)) return null;
  return text.replace(head, (found) => `${found} "camera_timeout_value_ms": ${milliseconds},`);
}

async function firstOf(files: readonly string[]): Promise<string | null> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text !== null) return text;
  }
  return null;
}
