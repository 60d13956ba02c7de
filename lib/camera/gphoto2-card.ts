/** What lies on the card of a body, and one picture of it. Nothing on a card is ever removed or changed. */
import type { Clock } from '../clock/clock.ts';
import { NightflowError } from '../process/errors.ts';
import { Downloads } from './gphoto2-capture.ts';
import { isPicture } from './gphoto2-files.ts';
import type { Gphoto2Session } from './gphoto2-session.ts';

/** libgphoto2 asks the body about each file of a folder: a full card takes a while, once a session. */
const listSeconds = 120;
const transferSeconds = 60;
const mostFolders = 400;
const mostFiles = 200_000;

/** Whether pictures stay on the card as well or only: Sony's card and card+sdram, the others' Memory card. */
export async function savesToCard(session: Gphoto2Session): Promise<boolean> {
  return session.has('capturetarget') && isCard(String(await session.get('capturetarget')));
}

export const isCard = (target: string): boolean => /card/i.test(target);

/**
 * Paths of all pictures in the folders of the DCF standard (JEITA CP-3461): STORE/DCIM/FOLDER/FILE. Empty where a body shows no card over
 * USB. @throws what the body answers; bad-input for a card without bounds
 */
export async function listCard(session: Gphoto2Session): Promise<Set<string>> {
  const found = new Set<string>();
  let folders = 0;
  for (const store of await namesIn(session, '/', true)) {
    if (!(await namesIn(session, `/${store}`, true)).includes('DCIM')) continue;
    for (const folder of await namesIn(session, `/${store}/DCIM`, true)) {
      const path = `/${store}/DCIM/${folder}`;
      for (const name of await namesIn(session, path, false)) if (isPicture(name)) found.add(`${path}/${name}`);
      if (++folders > mostFolders || found.size > mostFiles)
        throw new NightflowError(
          'bad-input',
          `The card has more than ${mostFolders} folders or ${mostFiles} pictures.`,
          {
            remedy: 'Use an emptier card.',
          },
        );
    }
  }
  return found;
}

/** Fetches a picture to memory. @returns its path there. @throws lost when it is not there any more, and what the body answers */
export async function fetchFromCard(session: Gphoto2Session, path: string, clock: Clock): Promise<string> {
  const downloads = new Downloads(clock);
  await session.shell.send(`get ${path}`, { timeoutSeconds: transferSeconds, onLine: downloads.line });
  downloads.settle();
  const [saved] = downloads.paths;
  if (saved) return saved;
  throw new NightflowError('lost', `The camera did not send ${path}.`, { remedy: 'Look at the card in the camera.' });
}

/** The shell prints names in columns, folders with a slash behind; names of the DCF standard have no spaces. */
async function namesIn(session: Gphoto2Session, folder: string, folders: boolean): Promise<string[]> {
  const lines = await session.shell.send(`ls ${folder}`, { timeoutSeconds: listSeconds });
  return lines
    .flatMap((line) => line.split(/\s+/))
    .filter((name) => name !== '' && name.endsWith('/') === folders)
    .map((name) => (folders ? name.slice(0, -1) : name));
}
