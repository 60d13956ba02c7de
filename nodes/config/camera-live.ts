/** GET nightflow/cameras/ID/live: the live pictures of a deployed camera, one JPEG after the other, for an <img>. */
import { once } from 'node:events';
import type { NodeAPI } from 'node-red';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import type { CameraNode } from '../types.ts';

/** As few of Node's response as we use. */
interface Answer extends NodeJS.EventEmitter {
  headersSent: boolean;
  writeHead(status: number, headers: Record<string, string>): void;
  write(chunk: Uint8Array): boolean;
  end(text?: string): void;
}

const boundary = 'nightflow-picture';
const widest = 4096;
const served = new WeakSet<object>();

export function serveLivePictures(RED: NodeAPI): void {
  const app = RED.httpAdmin;
  if (served.has(app)) return;
  served.add(app);
  app.get('/nightflow/cameras/:id/live', RED.auth.needsPermission('astro-camera.read'), (request, response) => {
    const node = RED.nodes.getNode(String(request.params.id)) as CameraNode | null;
    const width = Math.min(widest, Math.max(64, Number(request.query.width) || 1280));
    send(node, width, response as unknown as Answer).catch(() => {}); // the viewer is gone
  });
}

async function send(node: CameraNode | null, width: number, response: Answer): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    if (!node || typeof node.ready !== 'function')
      throw new NightflowError('bad-input', 'This camera is not deployed yet.');
    const camera = await node.ready(gone.signal);
    if (!camera.livePictures)
      throw new NightflowError('unsupported', `The camera ${camera.info.name} has no live pictures.`, {
        remedy: 'Wire a preview node to its frames.',
      });
    for await (const { jpeg } of camera.livePictures({ width, signal: gone.signal })) {
      // With the first picture, so that a camera that has none can still say why.
      if (!response.headersSent)
        response.writeHead(200, {
          'Content-Type': `multipart/x-mixed-replace; boundary=${boundary}`,
          'Cache-Control': 'no-store',
        });
      const head = `--${boundary}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.byteLength}\r\n\r\n`;
      // Who is slow misses pictures: the next one is taken when this one is sent.
      if (!response.write(Buffer.concat([Buffer.from(head), jpeg, Buffer.from('\r\n')])))
        await once(response, 'drain', { signal: gone.signal });
    }
    response.end();
  } catch (thrown) {
    if (gone.signal.aborted) return;
    const { code, message, remedy } = asNightflowError(thrown);
    if (response.headersSent) return response.end();
    response.writeHead(code === 'bad-input' || code === 'unsupported' ? 400 : 503, {
      'Content-Type': 'application/json',
    });
    response.end(JSON.stringify({ error: { code, message, remedy } }));
  }
}
