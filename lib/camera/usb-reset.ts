/** Starting a USB device anew from outside: usbreset, the kernel's own switch where that is not installed, the power of its hub. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { realSleep } from '../clock/clock.ts';
import { runProgram } from '../process/child.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';

/** Other than the installed ones: for tests, and for programs built by oneself. */
export interface UsbTools {
  /** Paths of the programs, or their names. */
  usbreset?: string;
  uhubctl?: string;
  /** Where the kernel shows its USB devices. */
  devicesFolder?: string;
}

const usualFolder = '/sys/bus/usb/devices';
const resetSeconds = 15;
const powerSeconds = 40;
/** Between off and on. */
const pauseMilliseconds = 1000;
const rights = 'Give Nightflow the right with the udev rule that docs/cameras.md shows.';

/** @param port 'usb:001,004': bus and device. @throws unsupported, lost when it is not on the bus, rejected without the right, failed, aborted */
export async function resetUsbDevice(port: string, tools: UsbTools = {}, signal?: AbortSignal): Promise<void> {
  const numbers = /^usb:(\d+),(\d+)$/.exec(port);
  if (!numbers) throw new NightflowError('unsupported', `${port || 'The camera'} is no USB device that can be reset.`);
  const [bus, device] = [numbers[1]!, numbers[2]!];
  try {
    const options = { silenceSeconds: resetSeconds, aptPackage: 'usbutils', signal };
    await runProgram(tools.usbreset || 'usbreset', [`${bus}/${device}`], options);
  } catch (thrown) {
    const error = asNightflowError(thrown);
    if (error.code === 'aborted') throw error;
    await authorizeAnew(Number(bus), Number(device), tools.devicesFolder ?? usualFolder, signal).catch((thrown) => {
      const second = asNightflowError(thrown);
      if (second.code === 'aborted') throw second;
      throw new NightflowError(second.code, `${error.message} ${second.message}`, {
        remedy: error.code === 'missing' ? `${error.remedy}. ${second.remedy ?? rights}` : (second.remedy ?? rights),
        cause: second,
      });
    });
  }
}

/**
 * On a Raspberry Pi 4 all sockets go together, so it is only done where the user said which. Once begun it is ended: given up between off
 * and on, it would leave all of them without power. @throws missing, failed, aborted before it began
 */
export async function cycleHubPower(location: string, tools: UsbTools = {}, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const options = { silenceSeconds: powerSeconds, aptPackage: 'uhubctl' };
  await runProgram(tools.uhubctl || 'uhubctl', ['-a', 'cycle', '-l', location], options);
}

/** Takes the device from its driver and gives it back, as if it were unplugged and plugged in. */
async function authorizeAnew(bus: number, device: number, folder: string, signal?: AbortSignal): Promise<void> {
  const place = await placeOf(bus, device, folder);
  const write = (value: '0' | '1') => writeFile(join(folder, place, 'authorized'), value);
  try {
    await write('0');
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw asNightflowError(thrown, `The USB device ${place}`);
    throw new NightflowError('rejected', `Only root may switch the USB device ${place} off and on.`, {
      remedy: rights,
      cause: thrown,
    });
  }
  // Never left off, whatever comes between.
  await realSleep(pauseMilliseconds, signal).finally(() => write('1'));
}

async function placeOf(bus: number, device: number, folder: string): Promise<string> {
  const numberIn = async (place: string, file: string) =>
    Number(await readFile(join(folder, place, file), 'utf8').catch(() => Number.NaN));
  // 1-1.2 is a device, 1-1.2:1.0 one of its interfaces.
  for (const place of await readdir(folder).catch(() => []))
    if (/^\d+-[\d.]+$/.test(place) && (await numberIn(place, 'busnum')) === bus)
      if ((await numberIn(place, 'devnum')) === device) return place;
  throw new NightflowError('lost', `There is no USB device ${device} on bus ${bus}.`);
}
