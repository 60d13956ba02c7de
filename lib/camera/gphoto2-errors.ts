/** What gphoto2's error numbers and PTP's words mean to a person, and what helps. */
import { type ErrorCode, NightflowError } from '../process/errors.ts';

interface Meaning {
  code: ErrorCode;
  sentence: string;
  remedy: string;
}

const noCamera: Meaning = {
  code: 'lost',
  sentence: 'No camera answers',
  remedy: 'Switch the camera on, set its USB connection to PC Remote (Sony) or PTP, and look at cable and battery.',
};
const taken: Meaning = {
  code: 'busy',
  sentence: 'Another program has the camera',
  remedy: 'Stop it. On a desktop that is gvfs: systemctl --user mask --now gvfs-gphoto2-volume-monitor',
};
const cable: Meaning = {
  code: 'lost',
  sentence: 'The connection to the camera broke',
  remedy: 'Look at cable and battery; the camera is looked for again.',
};
const working: Meaning = {
  code: 'busy',
  sentence: 'The camera is busy',
  remedy: 'It may be writing pictures, or a menu is open on it. Try again in a moment.',
};
const slow: Meaning = {
  code: 'timeout',
  sentence: 'The camera did not answer in time',
  remedy: 'Exposures above 30 s need Bulb; a lens that searches for focus must be set to manual.',
};

/** By libgphoto2's numbers: gphoto2-port-result.h and gphoto2-result.h. */
const meanings: Readonly<Record<number, Meaning>> = {
  [-2]: {
    code: 'bad-input',
    sentence: 'The camera does not know this value',
    remedy: 'Choose one that its list offers.',
  },
  [-6]: { code: 'unsupported', sentence: 'The camera can’t do this', remedy: 'Look at the list of its settings.' },
  [-7]: cable,
  [-10]: slow,
  [-34]: cable,
  [-35]: cable,
  [-52]: noCamera,
  [-53]: taken,
  // What is said when there is no camera at all.
  [-105]: noCamera,
  [-107]: { code: 'lost', sentence: 'The camera’s folder is not there', remedy: 'Look at the card in the camera.' },
  [-108]: { code: 'lost', sentence: 'The camera’s file is not there', remedy: 'Look at the card in the camera.' },
  [-110]: working,
  [-113]: cable,
  [-114]: cable,
  [-115]: {
    code: 'disk-full',
    sentence: 'The card of the camera is full',
    remedy: 'Empty the card, or set capturetarget to the computer.',
  },
};

/** Words of the explanation that tell more than a general number does. */
const words: readonly [RegExp, Meaning][] = [
  [/Could not detect any camera|No camera found|Could not find the requested device/, noCamera],
  [/Could not claim the USB device|claim/, taken],
  [/No Space|Store Full|card (?:is )?full|Not enough (?:free )?(?:memory|space)/i, meanings[-115]!],
  [/Device Busy|0x2019|Camera is busy/i, working],
  [/0x02fa|PTP Timeout/i, slow],
  [/0x02ff|PTP I\/O Error/i, cable],
  [
    /battery/i,
    { code: 'rejected', sentence: 'The battery of the camera is empty', remedy: 'Charge it, or use a mains adapter.' },
  ],
];

/** @param text From the line '*** Error (-7: 'I/O problem') ***' on, with the explanation. */
export function gphoto2Error(text: string, cause?: unknown): NightflowError {
  const number = Number(/\*\*\* Error \((-?\d+)/.exec(text)?.[1]);
  const meaning = words.find(([pattern]) => pattern.test(text))?.[1] ?? meanings[number];
  const explanation = text
    .split('\n')
    .map((line) => line.trim())
    .filter(
      (line) =>
        line !== '' &&
        !line.startsWith('***') &&
        !/^(For debugging|Debugging messages|If you intend|developer mailing|gphoto2 as follows|gphoto2: \{)/.test(
          line,
        ),
    )
    .slice(0, 3)
    .join(' / ')
    .slice(0, 300);
  const told = explanation || (Number.isNaN(number) ? 'no reason given' : `error ${number}`);
  return new NightflowError(
    meaning?.code ?? 'rejected',
    `${meaning?.sentence ?? 'The camera refused'}: ${told}`.replace(/\.?$/, '.'),
    {
      remedy: meaning?.remedy ?? 'Look at the camera’s display; switching it off and on helps many bodies.',
      cause: cause ?? new Error(text.trim().slice(0, 1000)),
    },
  );
}
