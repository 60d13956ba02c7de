/** A camera that has a last frame (a folder that was read to its end) says so with this when asked for one more. */
import { NightflowError } from '../process/errors.ts';

export class EndOfFrames extends NightflowError {
  constructor(message: string) {
    super('rejected', message);
    this.name = 'EndOfFrames';
  }
}
