/** The camera of a sequence: taken and set before its first exposure, and set again after a recovery. */
import { expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { takenAtFirstExposure } from '../../nodes/camera/camera-taking.ts';
import { ScriptedCamera } from './scripted-camera.ts';

const request = { exposureSeconds: 0 };

/** What was done, in its order. */
function taken(prepare: ((done: string[]) => Promise<void>) | null) {
  const done: string[] = [];
  const scripted = new ScriptedCamera(
    { during: async () => void done.push('exposed') },
    { clock: realClock, site: null },
  );
  const set = prepare && (() => prepare(done));
  return { done, camera: takenAtFirstExposure(scripted, () => void done.push('taken'), set) };
}
const firstOf = async (camera: ReturnType<typeof taken>['camera']) => {
  for await (const { frame } of camera.exposures(request)) return frame;
};

it('is set once, after it was taken and before it exposes', async () => {
  const { done, camera } = taken(async (list) => void list.push('set'));
  await camera.expose(request);
  await camera.expose(request);
  await firstOf(camera);
  expect(done).toEqual(['taken', 'set', 'exposed', 'taken', 'exposed', 'taken', 'exposed']);
});

it('is set anew after a recovery, since the camera may have forgotten', async () => {
  const { done, camera } = taken(async (list) => void list.push('set'));
  await firstOf(camera);
  await camera.recover();
  await firstOf(camera);
  expect(done).toEqual(['taken', 'set', 'exposed', 'taken', 'set', 'exposed']);
});

it('does not expose when it can not be set, and tries again with the next', async () => {
  let refused = true;
  const { done, camera } = taken(async () => {
    if (refused) throw new Error('The dial is at auto.');
  });
  await expect(camera.expose(request)).rejects.toThrow('The dial is at auto.');
  await expect(firstOf(camera)).rejects.toThrow('The dial is at auto.');
  refused = false;
  await firstOf(camera);
  expect(done).toEqual(['taken', 'taken', 'taken', 'exposed']);
});

it('is only taken where nothing is to be set', async () => {
  const { done, camera } = taken(null);
  await firstOf(camera);
  expect(done).toEqual(['taken', 'exposed']);
});
