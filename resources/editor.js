/**
 * What the dialogs of our nodes share, as RED.nightflow. Every page names this script, and Node-RED runs it before the page:
 * so it is there in whichever order the pages come, and when one of the types is switched off. It runs once per page.
 */
(() => {
  const SOURCES = ['msg', 'flow', 'global', 'env', 'jsonata'];

  RED.nightflow = {
    // A node fresh from the palette takes the camera or the site when there is only one to choose.
    chooseOnly(node) {
      for (const [name, { type }] of Object.entries(node._def.defaults)) {
        if (!type || node[name]) continue;
        const found = [];
        RED.nodes.eachConfig((config) => {
          if (config.type === type && !config.d) found.push(config.id);
        });
        if (found.length === 1) node[name] = found[0];
      }
    },

    // White on the colours of our nodes; a name of the user's own is slanted, as on every node.
    labelStyle: (node) => (node.name ? 'nightflow-label red-ui-flow-node-label-italic' : 'nightflow-label'),

    // A flow that was written by hand or by an older version may leave properties out.
    fillMissing(node) {
      for (const [name, { value }] of Object.entries(node._def.defaults)) {
        if (node[name] !== undefined) continue;
        const box = boxOf(node, name);
        if (box.is(':checkbox')) box.prop('checked', value);
        else box.val(value);
      }
    },

    // Settings that a message, a context or an expression may give: a type ('num', 'str', 'bool'), or the list to choose from.
    typed(node, settings) {
      for (const [name, own] of Object.entries(settings)) {
        const fallback = Array.isArray(own) ? 'choice' : own;
        const typeField = `#node-input-${name}Type`;
        if (!node[`${name}Type`]) $(typeField).val(fallback);
        if (node[name] === undefined) boxOf(node, name).val(node._def.defaults[name].value);
        const types = [Array.isArray(own) ? choice(node, name, own) : own, ...SOURCES];
        boxOf(node, name).typedInput({ default: fallback, types, typeField });
      }
    },

    // While the dialog is open, what it shows counts, not what was stored.
    shown,

    isEmpty,
    isVariable,

    // A number from low to high, an environment variable, or nothing.
    isWithin(value, low, high, whole) {
      if (isEmpty(value) || isVariable(value)) return true;
      const number = Number(value);
      return number >= low && number <= high && (!whole || Number.isInteger(number));
    },

    // What a validator answers: true, or the reason, which Node-RED takes for a yes unless the validator has two arguments.
    number(node, name, value, low, high, whole) {
      const elsewhere = shown(node, `${name}Type`) !== 'num';
      return elsewhere || RED.nightflow.isWithin(value, low, high, whole) || RED.nightflow.say(node, name);
    },
    filled: (node, name, value) => value !== '' || RED.nightflow.say(node, name),
    say: (node, key, values) => (typeof node._ === 'function' ? node._(`${node.type}.error.${key}`, values) : false),
  };

  function boxOf(node, name) {
    return $(`#${node._def.category === 'config' ? 'node-config-input' : 'node-input'}-${name}`);
  }

  function shown(node, name) {
    return boxOf(node, name).val() || node[name];
  }

  function isEmpty(value) {
    return value === '' || value === undefined || value === null;
  }

  function isVariable(value) {
    return /^\$\{.+\}$/.test(value);
  }

  function choice(node, name, values) {
    return {
      value: 'choice',
      label: node._(`${node.type}.choice`),
      icon: 'fa fa-list-ul',
      showLabel: false,
      options: values.map((value) => ({ value, label: node._(`${node.type}.${name}.${value}`) })),
    };
  }
})();
