/** What libcamera makes of the file that LIBCAMERA_RPI_CONFIG_FILE names, and how long it then waits for a silent sensor. */
import { readFileSync } from 'node:fs';

export interface Pipeline {
  target: 'bcm2835' | 'pisp';
  /** 0: libcamera's own. */
  timeoutMilliseconds: number;
}

/** YAML of the kind that libcamera ships: JSON with comments and commas before a closing brace. @throws for anything else */
export function readPipeline(path: string): Pipeline {
  const text = readFileSync(path, 'utf8')
    .replace(/#.*$/gm, '')
    .replace(/,(\s*\})/g, '$1');
  const { version, target, pipeline_handler } = JSON.parse(text) as {
    version: number;
    target: Pipeline['target'];
    pipeline_handler: { camera_timeout_value_ms?: number };
  };
  if (version !== 1) throw new Error(`Unexpected configuration file version reported: ${version}`);
  return { target, timeoutMilliseconds: pipeline_handler.camera_timeout_value_ms ?? 0 };
}

/** Five frame lengths, a second at least, unless the file says another time. */
export const patienceMilliseconds = (pipeline: Pipeline | null, frameMicroseconds: number): number =>
  pipeline?.timeoutMilliseconds || Math.max(1000, (5 * frameMicroseconds) / 1000);
