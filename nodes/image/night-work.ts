/** The life of a keogram or a film in a node: begins with the night's first frame, goes on after a restart, is finished at the end. */
import { relative } from 'node:path';
import type { Frame } from '../../lib/frame/frame.ts';
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

  constructor(site: SiteNode, nodeId: string, options: NightWorkOptions<Product>) {
    this.site = site;
    this.options = options;
    this.products = new NightProducts(workFolder(site.archiveFolder, nodeId), options.open);
  }

  get current(): Product | null {
    return this.products.current;
  }

  /** What the frame's night gathers in, and the other nights that still wait on the disk when this night has just begun. */
  async forFrame(frame: Frame): Promise<{ product: Product; others: Product[] }> {
    const night = frameNight({ frame, site: this.site.site, nowMilliseconds: this.site.clock.now() });
    const others = this.products.current?.state.night === night ? [] : await this.products.others(night);
    const product =
      (await this.products.enter(night)) ?? (await this.options.begin(this.products.folderOf(night), night, frame));
    this.products.current = product;
    return { product, others };
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
