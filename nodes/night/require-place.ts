/** Nodes that look at the sky need to know from where. */
import { NightflowError } from '../../lib/process/errors.ts';
import type { Site } from '../../lib/sky/site.ts';
import type { SiteNode } from '../types.ts';

/** @throws bad-input without a site, or with one whose settings are wrong. */
export function requirePlace(site: SiteNode | null): Site {
  if (!site)
    throw new NightflowError('bad-input', 'No site is chosen, so the sky over it is not known.', {
      remedy: 'Choose a site in the node.',
    });
  return site.site;
}
