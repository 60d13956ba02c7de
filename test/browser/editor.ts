/** What a hand does in Node-RED's editor: add a flow, drag, wire, open a dialog, fill it in, deploy. */
import type { Locator, Page } from 'playwright-core';

/** An empty flow in a tab of its own, opened with the plus beside the tabs. */
export async function addFlow(page: Page): Promise<void> {
  const before = await page.locator('.red-ui-flow-node').count();
  await page.getByRole('link', { name: 'Add flow' }).click();
  if (before > 0) await page.locator('.red-ui-flow-node').first().waitFor({ state: 'detached' });
}

/** Drags a node from the palette to a place of the canvas, pixels from its top left. @returns the node's id */
export async function dragFromPalette(page: Page, type: string, x: number, y: number): Promise<string> {
  const before = await nodeIds(page);
  const entry = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
  await entry.scrollIntoViewIfNeeded();
  const from = await middleOf(entry);
  const canvas = await boxOf(page.locator('#red-ui-workspace-chart'));
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(canvas.x + x - 40, canvas.y + y, { steps: 8 });
  await page.mouse.move(canvas.x + x, canvas.y + y, { steps: 4 });
  await page.mouse.up();
  const added = (await nodeIds(page)).filter((id) => !before.includes(id));
  if (added.length !== 1) throw new Error(`Dragging ${type} added ${added.length} nodes.`);
  await nodeOf(page, added[0]!).waitFor();
  return added[0]!;
}

/** Draws a wire from the first output of a node to the input of another. */
export async function wire(page: Page, from: string, to: string): Promise<void> {
  const output = await middleOf(nodeOf(page, from).locator('.red-ui-flow-port-output').first());
  const input = await middleOf(nodeOf(page, to).locator('.red-ui-flow-port-input').first());
  await page.mouse.move(output.x, output.y);
  await page.mouse.down();
  await page.mouse.move((output.x + input.x) / 2, output.y + 10, { steps: 6 });
  await page.mouse.move(input.x, input.y, { steps: 6 });
  await page.mouse.up();
  const drawn = await page.evaluate(
    ([source, target]) => {
      // biome-ignore lint/suspicious/noExplicitAny: the editor's global
      const { nodes } = (window as any).RED;
      return nodes.filterLinks({ source: { id: source }, target: { id: target } }).length;
    },
    [from, to] as const,
  );
  if (drawn !== 1) throw new Error(`Drawing from ${from} to ${to} made ${drawn} wires.`);
}

/** Opens a node's dialog by a double click, and waits until the tray has slid in. */
export async function openDialog(page: Page, id: string): Promise<void> {
  await nodeOf(page, id).dblclick();
  await page.locator('#node-dialog-ok').waitFor();
  // The tray slides in; the editor says when it stands.
  await page.locator('.red-ui-tray').evaluate((tray) => Promise.all(tray.getAnimations().map((each) => each.finished)));
}

/** Fills in the open dialog as a user's typing would, and presses Done. */
export async function fillDialog(page: Page, values: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    const set = await page.evaluate(
      ([field, text]) => {
        // biome-ignore lint/suspicious/noExplicitAny: the editor's jQuery
        const box = (window as any).$(`#node-input-${field}`);
        if (box.length === 0) return false;
        if (box.typedInput && box.next('.red-ui-typedInput-container').length > 0) box.typedInput('value', text);
        else box.val(text);
        box.trigger('change');
        return true;
      },
      [name, value] as const,
    );
    if (!set) throw new Error(`The dialog has no field ${name}.`);
  }
  await closeDialog(page);
}

export async function closeDialog(page: Page): Promise<void> {
  await page.locator('#node-dialog-ok').click();
  await page.locator('#node-dialog-ok').waitFor({ state: 'detached' });
  await page.locator('#red-ui-editor-shade').waitFor({ state: 'hidden' });
}

/** Presses Deploy and waits until the editor says that all is saved. */
export async function deploy(page: Page): Promise<void> {
  await page.locator('#red-ui-header-button-deploy').click();
  await page.locator('#red-ui-header-button-deploy.disabled').waitFor();
}

/** What a node shows below itself. */
export const statusOf = (page: Page, id: string): Promise<string | null> =>
  nodeOf(page, id).locator('.red-ui-flow-node-status-label').textContent();

export const nodeOf = (page: Page, id: string): Locator => page.locator(`.red-ui-flow-node-group[id="${id}"]`);

const nodeIds = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const ids: string[] = [];
    // biome-ignore lint/suspicious/noExplicitAny: the editor's global
    (window as any).RED.nodes.eachNode((node: { id: string }) => ids.push(node.id));
    return ids;
  });

async function boxOf(locator: Locator) {
  const box = await locator.boundingBox();
  if (!box) throw new Error(`${locator} is not to be seen.`);
  return box;
}

async function middleOf(locator: Locator) {
  const box = await boxOf(locator);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
