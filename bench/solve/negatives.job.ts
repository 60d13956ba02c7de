/** A search of the built-in solver that ends after so much CPU time: on a busy machine each has the same chance to be fooled. */
import { type SearchInput, type SearchOutput, searchSky } from '../../lib/solve/built-in.job.ts';

export function searchFor({ input, cpuSeconds }: { input: SearchInput; cpuSeconds: number }): SearchOutput {
  const start = process.threadCpuUsage();
  return searchSky(input, () => {
    const { user, system } = process.threadCpuUsage(start);
    return user + system > cpuSeconds * 1e6;
  });
}
