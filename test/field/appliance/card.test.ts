/** A batch whose camera is lost again while its card is read. */
import { expect, it } from 'vitest';
import { NightflowError } from '../../../lib/process/errors.ts';
import { CountingCamera, exposure, openAppliance } from './counting-camera.ts';

it('goes on with the next exposure', async () => {
  const camera = new CountingCamera();
  camera.loseAt = 2;
  Object.assign(camera, {
    // biome-ignore lint/correctness/useYield: it is lost before the first picture
    leftBehind: async function* () {
      throw new NightflowError('lost', 'The cable came off again.');
    },
  });
  const appliance = await openAppliance(camera);
  const told: (string | null)[] = [];
  appliance.events.on('progress', ({ message }) => told.push(message));
  const { id } = await appliance.start(4, exposure);
  await expect.poll(() => appliance.batch(id).state, { timeout: 60_000 }).toMatch(/done|failed|lost/);
  expect(appliance.batch(id)).toMatchObject({ state: 'done', taken: 4, kept: 4 });
  expect(told).toContain('The cable came off again.');
}, 90_000);
