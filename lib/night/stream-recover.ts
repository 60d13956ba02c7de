/** What a crash left of a recording: its film is finished with the frames that were on the disk, and gets its protocol. */
import { stat } from 'node:fs/promises';
import { readSerFilm, recoverSer } from '../frame/ser.ts';
import { filmFigures } from './stream-figures.ts';
import { protocolOf, protocolPath, type RecordingProtocol, writeProtocol } from './stream-protocol.ts';
import type { FilmUnderWay } from './stream-request.ts';

/** @returns null when nothing is left, or when the driver recorded: then the film lies where the driver puts its films. @throws disk-full, failed */
export async function recoverRecording(left: FilmUnderWay): Promise<RecordingProtocol | null> {
  if (left.byDriver) return null;
  const recovered = await recoverSer(left.path);
  if (!recovered) return null;
  const { path } = recovered;
  const film = await readSerFilm(path);
  const { size } = await stat(path);
  const simulated = left.camera.backend === 'simulator';
  const told = {
    path,
    protocolPath: protocolPath(path),
    onServer: false,
    bytes: size,
    recordedBy: 'nightflow',
    ended: 'cut-off',
    problem: null,
    stampedBy: simulated ? 'simulator' : 'arrival',
    latency: null,
    figures: filmFigures(film.times),
    width: film.width,
    height: film.height,
    bits: film.depth,
    dropped: 0,
    damaged: 0,
  } as const;
  const context = { camera: { info: left.camera }, site: left.site };
  const protocol = protocolOf(left.request, context, told, { before: left.before, after: null }, left.start);
  await writeProtocol(told.protocolPath, protocol);
  return protocol;
}
