/** Nodes that write files need a site: its archive folder is where they go. */
import { NightflowError } from '../../lib/process/errors.ts';
import type { SiteNode } from '../types.ts';

/** @throws bad-input without a site. */
export function requireSite(site: SiteNode | null): SiteNode {
  if (!site)
    throw new NightflowError('bad-input', 'No site is chosen, so there is no archive folder to write to.', {
      remedy: 'Choose a site in the node.',
    });
  return site;
}
