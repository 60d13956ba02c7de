/** The life of a keogram or a film in a node: begins with the night's first frame, goes on after a restart, is finished at the end. */
import { relative } from 'node:path';
import type { Frame } from '../../lib/frame/frame.ts';
import { requirePixels } from '../../lib/frame/original.ts';
import { ranBackwards, startOf } from '../../lib/night/backwards.ts';
import { claimFileName, frameNight, renderFileName } from '../../lib/night/file-name.ts';
import { workFolder } from '../../lib/night/night-folder.ts';
import { type NightProduct, NightProducts } from '../../lib/night/night-product.ts';
import type { SiteNode } from '../types.ts';

export interface NightWorkOptions<Product> {
  open(folder: string): Promise<Product | null>;
  begin(folder: string, night: string, frame: Frame): Promise<Product>;
}

export class NightWork<Product extends NightProduct> {
  private readonly site: SiteNode;
  private readonly options: NightWorkOptions<Product>;
  private readonly products: NightProducts<Product>;
  private earlier: Product[] = [];
  private untried = false;

  constructor(site: SiteNode, nodeId: string, options: NightWorkOptions<Product>) {
    this.site = site;
    this.options = options;
    this.products = new NightProducts(workFolder(site.archiveFolder, nodeId), options.open);
  }

  get current(): Product | null {
    return this.products.current;
  }

  /** What the frame's night gathers in. A rehearsal that begins again begins its night again too. @throws bad-input for a file that could not be decoded */
  async forFrame(frame: Frame): Promise<Product> {
    requirePixels(frame);
    const { site, clock } = this.site;
    const night = frameNight({ frame, site, nowMilliseconds: clock.now() });
    const before = this.products.current;
    const entered = await this.products.enter(night);
    const product =
      entered && !ranBackwards(clock, entered.lastEnd, startOf(frame))
        ? entered
        : await this.options.begin(await this.products.newFolder(night), night, frame);
    this.products.current = product;
    if (product !== before) {
      const known = [...this.earlier, ...(before ? [before] : []), ...(entered ? [entered] : [])];
      this.earlier = await this.products.others(known);
      this.untried = true;
    }
    return product;
  }

  /** The nights before this one that wait on the disk, oldest first: to be finished if they are not, and removed with `settle`. */
  get owed(): readonly Product[] {
    return this.earlier;
  }

  /** The same once, after a night began. */
  takeOwed(): readonly Product[] {
    const owed = this.untried ? this.earlier : [];
    this.untried = false;
    return owed;
  }

  /** Removes the material of an earlier night that is finished. */
  async settle(product: Product): Promise<void> {
    await product.remove();
    this.earlier = this.earlier.filter((other) => other !== product);
  }

  /** The night under way, or after a restart the newest that waits. */
  resume(): Promise<Product | null> {
    return this.products.resume();
  }

  /** Forgets the night under way and its material. */
  async reset(): Promise<void> {
    await (await this.products.resume())?.remove();
    this.products.current = null;
  }

  /**
   * Where the finished file goes: the first time a free name from the template, after that the same again.
   * @throws bad-input for a template that leads out of the archive folder
   */
  async place(product: Product, template: string, extension: string): Promise<{ path: string; release(): void }> {
    const { archiveFolder, site, clock } = this.site;
    const { path, first, night } = product.state;
    // An archive that was moved since takes a new name.
    if (path?.endsWith(extension) && isInside(archiveFolder, path)) return { path, release: () => {} };
    const frame = { ...first, night };
    return claimFileName(
      archiveFolder,
      renderFileName(template, { frame, site, nowMilliseconds: clock.now() }),
      extension,
    );
  }
}

const isInside = (folder: string, path: string): boolean => !/^\.\.|^$|^[/\\]|^[a-z]:/i.test(relative(folder, path));
