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

    // Rows with data-show="setting=a,b" are there while the setting is one of these; when a message decides, always.
    showFor(node, setting) {
      const show = () => {
        const decided = ($(`#node-input-${setting}Type`).val() || 'choice') === 'choice';
        const value = $(`#node-input-${setting}`).val();
        $(`#${node.type}-form [data-show^="${setting}="]`).each(function () {
          const wanted = $(this).data('show').split('=')[1].split(',');
          $(this).toggle(!decided || wanted.includes(value));
        });
      };
      $(`#node-input-${setting}`).on('change', show);
      show();
    },

    // The devices of the chosen INDI server, offered beside the box: those with this role, or all when none says that it has it.
    offerDevices(node, role) {
      const answer = $(`#${node.type}-answer`);
      askIndi('#node-input-indi', 'devices', (devices) => {
        const fitting = devices.filter(({ roles }) => roles.includes(role));
        offer(
          `#${node.type}-devices`,
          (fitting.length > 0 ? fitting : devices).map(({ name }) => name),
        );
        answer.text(node._(`${node.type}.hint.devices`, { count: fitting.length }));
      }).onFail(() => answer.text(node._(`${node.type}.error.indi`)));
    },

    // The texts of one property of the device that is typed in, such as the names of a wheel's filters.
    offerTexts(property, list) {
      askIndi('#node-input-indi, #node-input-device', 'properties', (properties) => {
        const found = properties.find(({ name }) => name === property);
        offer(list, found ? found.elements.map(({ value }) => value) : []);
      });
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

  // Asks the deployed astro-indi that is chosen in the dialog, now and whenever one of the boxes changes.
  function askIndi(boxes, what, take) {
    let failed = () => {};
    const ask = () => {
      const id = $('#node-input-indi').val();
      const device = $('#node-input-device').val();
      if (!id || id === '_ADD_' || (what === 'properties' && !device)) return;
      $.getJSON(`nightflow/indi/${encodeURIComponent(id)}/${what}`, what === 'properties' ? { device } : {})
        .done(take)
        .fail(() => failed());
    };
    $(boxes).on('change', ask);
    ask();
    return {
      onFail(listener) {
        failed = listener;
      },
    };
  }

  function offer(list, names) {
    $(list)
      .empty()
      .append(names.filter((name) => name).map((name) => $('<option>').val(name)));
  }

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
