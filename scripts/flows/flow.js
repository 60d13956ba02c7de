// A flow as code: names instead of ids, wires by name, dashboard templates from their own files. Ids are stable, so a diff shows what changed.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);

export class Flow {
  constructor(label, info) {
    this.label = label;
    this.tab = this.id('tab');
    this.nodes = [{ id: this.tab, type: 'tab', label, disabled: false, info, env: [] }];
  }

  id(name) {
    return createHash('sha256').update(`${this.label}/${name}`).digest('hex').slice(0, 16);
  }

  /** A configuration node; answers its id. */
  config(type, name, properties = {}) {
    const id = this.id(`${type} ${name}`);
    this.nodes.push({ id, type, name, ...properties });
    return id;
  }

  /** A configuration node that several flows bring along: one id in all of them, so that the second to be imported finds it there. */
  shared(type, name, properties = {}) {
    const id = new Flow('Star trails').id(`${type} ${name}`);
    this.nodes.push({ id, type, name, ...properties });
    return id;
  }

  /** A node on the canvas. `wires`: one list of node names for each output. */
  node(type, name, [x, y], properties = {}, wires = []) {
    const targets = wires.map((names) => names.map((target) => this.id(target)));
    this.nodes.push({ id: this.id(name), type, z: this.tab, name, ...properties, x, y, wires: targets });
    return this.id(name);
  }

  /** An end of a wire that is not drawn. `direction`: in or out; `others`: the names of the other ends. */
  link(direction, name, at, others, wires = []) {
    const links = others.map((other) => this.id(other));
    return this.node(`link ${direction}`, name, at, { links, ...(direction === 'out' && { mode: 'link' }) }, wires);
  }

  comment(name, at, info = '') {
    return this.node('comment', name, at, { info });
  }

  /** A ui-template whose Vue source is a file of dashboard/. */
  template(name, at, group, file, wires = [[]], order = 1) {
    const format = readFileSync(new URL(`dashboard/${file}`, root), 'utf8');
    return this.node(
      'ui-template',
      name,
      at,
      {
        group,
        page: '',
        ui: '',
        order,
        width: 0,
        height: 0,
        head: '',
        format,
        storeOutMessages: false,
        passthru: false,
        resendOnRefresh: true,
        templateScope: 'local',
        className: '',
      },
      wires,
    );
  }

  change(name, at, rules, wires) {
    return this.node('change', name, at, { rules, action: '', property: '', from: '', to: '', reg: false }, wires);
  }

  /** The nodes, after a check that every wire ends at a node. */
  finish() {
    const ids = new Set(this.nodes.map(({ id }) => id));
    if (ids.size !== this.nodes.length) throw new Error(`${this.label}: two nodes have one name`);
    for (const node of this.nodes)
      for (const target of (node.wires ?? []).flat())
        if (!ids.has(target)) throw new Error(`${this.label}: a wire of "${node.name}" ends nowhere`);
    return this.nodes;
  }
}
