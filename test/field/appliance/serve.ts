/** An appliance behind a real HTTP server, closed at the end of the test. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Camera } from '../../../lib/camera/camera.ts';
import type { ApplianceOptions } from '../../../lib/field/appliance/appliance.ts';
import { type ApplianceHandler, applianceHandler, type HandlerOptions } from '../../../lib/field/appliance/http.ts';
import type { SpoolOptions } from '../../../lib/field/appliance/spool.ts';
import { openAppliance } from './counting-camera.ts';

/** @param around What stands between the server and the appliance: a broken line, a password. */
export async function serveAppliance(
  camera: Camera,
  spool: Partial<SpoolOptions> = {},
  around: (handler: ApplianceHandler) => ApplianceHandler = (handler) => handler,
  options: Partial<ApplianceOptions> & HandlerOptions = {},
) {
  const appliance = await openAppliance(camera, spool, options);
  const handler = around(applianceHandler(appliance, '1.2.3', options));
  const server = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const port = (server.address() as AddressInfo).port;
  return { appliance, server, port, base: `http://127.0.0.1:${port}` };
}
