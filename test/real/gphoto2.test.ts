/** The backend `gphoto2` on the real program: with no camera, and on libgphoto2's virtual one where `node scripts/virtual-camera.js` has built it. */
import { describe, expect, it } from 'vitest';
import { gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { virtualCamera } from '../../scripts/virtual-camera.js';
import { describeCamera, type Subject } from '../camera/conformance.ts';

const context = { clock: realClock, site: null };

describe('the real gphoto2 without a camera', () => {
  // A port library folder with nothing in it: whatever is plugged into this computer is not seen.
  const environment = { IOLIBS: '/nowhere' };

  it('lists none', async () => {
    expect(await gphoto2Backend.list({ environment })).toEqual([]);
  });

  it('says that there is none, and what to do', async () => {
    const camera = gphoto2Backend.create({ environment }, context);
    await expect(camera.open()).rejects.toMatchObject({ code: 'lost', remedy: expect.stringContaining('PC Remote') });
    await camera.close();
  });
});

const folder = virtualCamera();
if (folder) {
  const environment = { IOLIBS: folder };
  const make = async (): Promise<Subject> => {
    const camera = gphoto2Backend.create({ environment }, context);
    const listed = { backend: gphoto2Backend, options: { environment }, id: 'Nikon DSC D750' };
    return { camera, listed, end: async () => {} };
  };
  // It takes three seconds for each picture, and JPEGs only.
  describeCamera('gphoto2', {
    variant: 'the real program and its virtual Nikon',
    make,
    exposureSeconds: 0.1,
    exposureTolerance: 0.0015,
    frames: 2,
    largestGapSeconds: 30,
    setting: { name: 'shutterspeed', values: ['0.0100s', '1.0000s'], refused: ['0.5s', '99', 1, true] },
    readOnly: 'serialnumber',
    refusedExposures: [0, -1, 0.3, 60, Number.NaN],
    whileExposing: 'busy',
    site: null,
  });

  describe('the virtual Nikon', { timeout: 60_000 }, () => {
    it('tells its entries with type, range and choices, and refuses in words', async () => {
      const { camera } = await make();
      await camera.open();
      const described = await camera.settings();
      const find = (name: string) => described.find((each) => each.name === name);
      expect(find('shutterspeed')).toMatchObject({ label: 'Shutter Speed', type: 'choice' });
      expect(find('bulb')).toMatchObject({ type: 'boolean' });
      expect(find('batterylevel')).toMatchObject({ type: 'text', readOnly: true });
      expect(find('datetime')).toMatchObject({ readOnly: true });
      expect(await camera.get('capturetarget')).toBe('Internal RAM');
      const pictures = camera.livePictures!()[Symbol.asyncIterator]();
      await expect(pictures.next()).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining('LiveView'),
      });
      await camera.close();
    });
  });
}
