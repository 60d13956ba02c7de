/** How much of a kind is done at the same time: what is beyond is refused with 503 and Retry-After, so that nobody fills the machine. */
import { Refusal } from './incoming.ts';

export type AtOnce = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** @param what That is done, for the refusal: "downloads". */
export function atMost(most: number, what: string): AtOnce {
  let underWay = 0;
  return async (work) => {
    if (underWay >= most) throw new Refusal(503, `There are ${most} ${what} already. Come again in some seconds.`);
    underWay++;
    try {
      return await work();
    } finally {
      underWay--;
    }
  };
}
