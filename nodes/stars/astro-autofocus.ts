/** `astro-autofocus`: brings a camera into focus, and watches over the focus of the frames that follow. */
import type { NodeAPI } from 'node-red';
import { handleInput } from '../handle.ts';
import type { NodeConfig } from '../inputs.ts';
import type { Node } from '../types.ts';
import { AutofocusControl } from './autofocus-control.ts';
import { commandOf } from './autofocus-settings.ts';

export default function (RED: NodeAPI): void {
  RED.nodes.registerType('astro-autofocus', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const control = new AutofocusControl(RED, this, config);

    handleInput(RED, this, {
      config,
      // Read by what they are for: a wrong step must not keep a stop from stopping.
      inputs: {},
      parallel: true,
      run: async ({ msg }) => {
        const command = commandOf(msg);
        if (command === null) await control.observe(msg);
        else if (command === 'start') await control.start(msg);
        else if (command === 'reset') await control.reset();
        else control.stop();
      },
      closing: () => control.close(),
    });
    control.idle();
  });
}
