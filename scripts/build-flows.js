/** Writes flows/*.json from their sources in scripts/flows/ and dashboard/. The test of the shipped flows holds that they are up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { focus } from './flows/focus.js';
import { indiDevices } from './flows/indi-devices.js';
import { liveStack } from './flows/live-stack.js';
import { occultation } from './flows/occultation.js';
import { pictures } from './flows/pictures.js';
import { rawAppliance } from './flows/raw-appliance.js';
import { solve } from './flows/solve.js';
import { starTrails } from './flows/star-trails.js';
import { tonight } from './flows/tonight.js';

const sources = {
  'star-trails': starTrails,
  focus,
  'live-stack': liveStack,
  pictures,
  solve,
  tonight,
  'indi-devices': indiDevices,
  'occultation-night': occultation,
  'raw-appliance': rawAppliance,
};

/** The files' texts by name, as they should be. */
export const flowTexts = () =>
  Object.fromEntries(
    Object.entries(sources).map(([name, make]) => [`${name}.json`, `${JSON.stringify(make(), null, 2)}\n`]),
  );

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [name, text] of Object.entries(flowTexts())) {
    const file = new URL(`../flows/${name}`, import.meta.url);
    const before = (() => {
      try {
        return readFileSync(file, 'utf8');
      } catch {
        return '';
      }
    })();
    if (before !== text) writeFileSync(file, text);
  }
