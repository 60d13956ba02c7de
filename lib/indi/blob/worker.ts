/** The BLOB worker: owns the second socket, so that parsing and decoding pictures never holds up the event loop of the night. */
import { parentPort } from 'node:worker_threads';
import { realClock } from '../../clock/clock.ts';
import { sweepForgotten } from '../../kernels/memory.ts';
import { asNightflowError, type NightflowError } from '../../process/errors.ts';
import { defaultLimits } from '../protocol/limits.ts';
import type { IndiMessage } from '../protocol/message.ts';
import type { ParserSink } from '../protocol/sink.ts';
import { IndiSocket } from '../socket.ts';
import { BlobReceiver } from './receiver.ts';
import type { FromWorker, ToWorker } from './traffic.ts';

const port = parentPort!;
const tell = (message: FromWorker) => port.postMessage(message);
let socket: IndiSocket | null = null;
/** BLOBs sent to the main thread that it has not yet taken: beyond the limit the socket is not read, and the server has to wait. */
let unreadBytes = 0;
let unreadLimit = 0;

port.on('message', (message: ToWorker) => {
  if (message.what === 'open') void open(message);
  else if (message.what === 'write') socket?.write(message.text);
  else if (message.what === 'received') {
    unreadBytes -= message.bytes;
    if (unreadBytes < unreadLimit) socket?.resume();
  } else {
    socket?.close();
    port.close();
  }
});

async function open({ options, unreadBytes: limit }: Extract<ToWorker, { what: 'open' }>): Promise<void> {
  unreadLimit = limit;
  const blobBytes = options.limits?.blobBytes ?? defaultLimits.blobBytes;
  const sink: ParserSink = {
    message: deliver,
    fault: ({ text }) => tell({ what: 'fault', text }),
    blob: (header) => new BlobReceiver(header, blobBytes, realClock),
  };
  try {
    socket = await IndiSocket.connect(options, sink);
    tell({ what: 'opened' });
    closed(await socket.closed);
  } catch (error) {
    closed(asNightflowError(error));
  }
}

const closed = ({ code, message, remedy }: NightflowError) => tell({ what: 'closed', code, text: message, remedy });

function deliver(message: IndiMessage): void {
  if (message.tag === 'pingReply') tell({ what: 'pong', uid: message.uid });
  if (message.tag !== 'set' || message.type !== 'blob') return;
  const elements = message.elements.flatMap(({ name, value }) =>
    value !== null && typeof value === 'object' ? [{ name, blob: value }] : [],
  );
  const { device, name: property, state, timestamp, message: sentence } = message;
  const bytes = elements.reduce((sum, { blob }) => sum + blob.byteLength, 0);
  unreadBytes += bytes;
  if (unreadBytes >= unreadLimit) socket?.pause();
  tell({ what: 'blob', arrival: { device, property, state, timestamp, message: sentence, elements }, bytes });
  setImmediate(sweepForgotten);
}
