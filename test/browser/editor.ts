/** What a hand does in Node-RED's editor: drag, wire, open a dialog, fill it in, deploy. */
import type { Page } from 'playwright-core';

/** Drags a node from the palette to a place of the canvas, pixels from its top left. @returns the node's id */
export async function dragFromPalette(page: Page, type: string, x: number, y: number): Promise<string> {
  const before = await nodeIds(page);
  const entry = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
  await entry.scrollIntoViewIfNeeded();
  const from = (await entry.boundingBox())!;
  const canvas = (await page.locator('#red-ui-workspace-chart').boundingBox())!;
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(canvas.x + x - 40, canvas.y + y, { steps: 8 });
  await page.mouse.move(canvas.x + x, canvas.y + y, { steps: 4 });
  await page.mouse.up();
  const added = (await nodeIds(page)).filter((id) => !before.includes(id));
  if (added.length !== 1) throw new Error(`Dragging ${type} added ${added.length} nodes.`);
  return added[0]!;
}

/** Draws a wire from the first output of a node to the input of another. */
export async function wire(page: Page, from: string, to: string): Promise<void> {
  const output = (await page.locator(`[id="${from}"] .red-ui-flow-port-output`).first().boundingBox())!;
  const input = (await page.locator(`[id="${to}"] .red-ui-flow-port-input`).first().boundingBox())!;
  await page.mouse.move(output.x + output.width / 2, output.y + output.height / 2);
  await page.mouse.down();
  await page.mouse.move((output.x + input.x) / 2, output.y + 10, { steps: 6 });
  await page.mouse.move(input.x + input.width / 2, input.y + input.height / 2, { steps: 6 });
  await page.mouse.up();
}

export async function openDialog(page: Page, id: string): Promise<void> {
  await page.locator(`[id="${id}"] .red-ui-flow-node`).first().dblclick();
  await page.locator('#node-dialog-ok').waitFor();
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
  await page.locator('#node-dialog-ok').click();
  await page.locator('#node-dialog-ok').waitFor({ state: 'detached' });
}

/** Presses Deploy and waits until the editor says that all is saved. */
export async function deploy(page: Page): Promise<void> {
  await page.locator('#red-ui-header-button-deploy').click();
  await page.locator('#red-ui-header-button-deploy.disabled').waitFor();
}

const nodeIds = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const ids: string[] = [];
    // biome-ignore lint/suspicious/noExplicitAny: the editor's global
    (window as any).RED.nodes.eachNode((node: { id: string }) => ids.push(node.id));
    return ids;
  });
