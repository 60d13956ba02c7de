/** The camera backend `gphoto2`: Sony, Canon, Nikon and other bodies on USB, through the program gphoto2. */
import type { CameraBackend } from './camera.ts';
import { Gphoto2Camera, type Gphoto2Options } from './gphoto2-camera.ts';
import { detect } from './gphoto2-find.ts';

export type { Gphoto2Options } from './gphoto2-camera.ts';

export const gphoto2Backend: CameraBackend<Gphoto2Options> = {
  name: 'gphoto2',
  /** Two bodies of one model are told apart by their ports here, by their serial numbers in the settings. @throws missing without gphoto2 */
  list: async ({ program, environment } = {}) => {
    const bodies = await detect({ program: program || 'gphoto2', ...(environment ? { environment } : {}) });
    return bodies.map(({ model, port }) => {
      const twins = bodies.filter((other) => other.model === model).length > 1;
      return { id: twins ? port : model, name: twins ? `${model} (${port})` : model, backend: 'gphoto2', sensor: null };
    });
  },
  create: (options, context) => new Gphoto2Camera(options, context),
};
